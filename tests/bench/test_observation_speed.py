"""How fast scenes are observed: `make bench` prints the rates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensbench.api.condition import Condition
from lensbench.api.dataset import Scenes
from lensbench.sky.observation import add_noise, expose, grid_of
from lensbench.sky.space import EUCLID_VIS

CONDITIONS = {
    "airy": EUCLID_VIS,
    "gaussian": replace(EUCLID_VIS, name="gaussian", psf="gaussian"),
    "moffat": replace(EUCLID_VIS, name="moffat", psf="moffat"),
    "artefacts": replace(EUCLID_VIS, name="spoilt", artefacts=5),
    "correlated": replace(EUCLID_VIS, name="smooth", noise_correlation=1.5),
}


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    sky = torch.rand(64, 1, 288, 288, generator=torch.Generator().manual_seed(0))
    return Scenes(tuple(str(i) for i in range(64)), sky, 0.025, np.zeros(64))


@pytest.mark.parametrize(
    "condition", [CONDITIONS[psf] for psf in ("gaussian", "moffat", "airy")], ids=lambda c: c.psf
)
def test_expose(benchmark, scenes: Scenes, condition: Condition):
    """64 skies of 288² pixels exposed on 64²."""
    grid = grid_of(condition, 6.4)
    image = benchmark(expose, scenes, condition, grid)
    assert image.shape == (64, 1, 64, 64)


@pytest.mark.parametrize("name", ["gaussian", "correlated", "artefacts"])
def test_add_noise(benchmark, scenes: Scenes, name: str):
    """Noise on 64 images of 64²."""
    condition = CONDITIONS[name]
    image = expose(scenes, condition, grid_of(condition, 6.4)) * 0.01
    noisy = benchmark(add_noise, image, condition, scenes.ids, 0)
    assert noisy.shape == image.shape
