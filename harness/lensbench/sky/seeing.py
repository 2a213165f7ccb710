"""Seeing: how wide the PSF is over one scene, under a condition whose seeing varies.

Widths are log-normal about that of the condition: nine of them, each the middle of a ninth of the
distribution, so that no more than nine operators have to be made.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from statistics import NormalDist

import torch

from lensbench.api.condition import Condition
from lensbench.sky.seeds import generator_of

LEVELS = 9
"""How many widths there are."""


def seen_at(condition: Condition, ids: Sequence[str]) -> tuple[Condition, ...]:
    """The condition as it was over each of these scenes, with the width that its PSF had there.

    The width follows from the scene's id and the condition alone. Where the condition's seeing
    does not vary, it is the condition itself. Of several bands it is the reference band.
    """
    condition = condition.reference
    if not condition.seeing_scatter:
        return (condition,) * len(ids)
    return tuple(
        _at(condition, int(generator_of("seeing", condition.name, scene).integers(LEVELS)))
        for scene in ids
    )


def widths_of(condition: Condition, ids: Sequence[str]) -> torch.Tensor | None:
    """The width of the PSF over each of these scenes (N,) [arcsec]; `None` where it is the same."""
    if not condition.seeing_scatter:
        return None
    widths = [seen.psf_fwhm for seen in seen_at(condition, ids)]
    return torch.tensor(widths, dtype=torch.float64)


@functools.lru_cache(maxsize=1024)
def _at(condition: Condition, level: int) -> Condition:
    deviation = NormalDist().inv_cdf((level + 0.5) / LEVELS)
    return condition.over_scene(condition.psf_fwhm * math.exp(condition.seeing_scatter * deviation))
