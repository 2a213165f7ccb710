"""Observed lenses, and the context of a fit."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch

from lensbench import (
    FitContext,
    Population,
    Samples,
    SkyTarget,
    Target,
    condition_of,
    draw_scenes,
)
from lensbench.api.budget import BUDGETS
from lensbench.sky.observation import add_noise, expose, grid_of
from lensbench.sky.seeing import widths_of

INFO = {
    "substructure": Target("class", classes=("no_sub", "cdm", "vortex")),
    "theta_E": Target("real", unit="arcsec"),
    "sky": Target("image", unit="µJy/arcsec²"),
}


@pytest.fixture(scope="session")
def observed() -> Callable[..., Samples]:
    """Default lenses of the training split under a condition, with the sky of `hst-acs`."""

    def make(condition: str, indices: range, split: str = "train") -> Samples:
        seen, sharp = condition_of(condition), condition_of("hst-acs")
        scenes = draw_scenes(Population(), split, indices, 0)
        exposed = expose(scenes, seen, grid_of(seen, 6.4))
        targets = {name: torch.from_numpy(values) for name, values in scenes.targets.items()}
        targets["sky"] = expose(scenes, sharp, grid_of(seen, 6.4, SkyTarget(2))) / seen.noise_level
        images = add_noise(exposed, seen, scenes.ids, 0).float()
        full, widths = 20 / seen.noise_level, widths_of(seen, scenes.ids)
        return Samples(scenes.ids, images, targets, INFO, seen, full, psf_fwhm=widths)

    return make


@pytest.fixture(scope="session")
def context() -> Callable[..., FitContext]:
    """The context of a fit to targets of these names."""

    def make(train: Samples, *targets: str, validation: Samples | None = None) -> FitContext:
        sky = SkyTarget(2, "hst-acs") if "sky" in targets else None
        task = SimpleNamespace(version="1", targets=targets, sky=sky, metrics=())
        known = train if validation is None else validation
        return FitContext(task, train, known, BUDGETS["smoke"], 0, lambda progress: None)

    return make
