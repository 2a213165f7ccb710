"""Interpolation: super-resolution without learning.

All over the same field, pixel centre to pixel centre: fine pixel j is at (j + ½)/s − ½ in units
of the coarse ones. Surface brightness stays what it is.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lensbench import (
    Baseline,
    FitContext,
    IncompatibleError,
    Predictions,
    Predictor,
    Samples,
    SkyTarget,
)

_LOBES = 3


def sky_of(context: FitContext, name: str) -> SkyTarget:
    """How the task wants its sky.

    Raises:
        IncompatibleError: Where it asks for none.
    """
    sky = context.task.sky
    if sky is None:
        raise IncompatibleError(f"baseline {name!r} needs a task with a sky", "try superres")
    return sky


class _Interpolation(Baseline):
    """An interpolation of `torch.nn.functional`."""

    name: str
    mode: Literal["nearest-exact", "bilinear", "bicubic"]

    def fit(self, context: FitContext) -> Predictor:
        """Nothing is fitted."""
        scale = sky_of(context, self.name).upsample

        def predict(samples: Samples) -> Predictions:
            return {"sky": interpolate(samples.images, scale_factor=scale, mode=self.mode)}

        return predict


class Nearest(_Interpolation):
    """The coarse pixel's value in each of its fine ones."""

    name, mode = "nearest", "nearest-exact"


class Bilinear(_Interpolation):
    """Bilinear interpolation of the observed image."""

    name, mode = "bilinear", "bilinear"


class Bicubic(_Interpolation):
    """Bicubic interpolation of the observed image (Keys 1981, with a = −3/4)."""

    name, mode = "bicubic", "bicubic"


class Lanczos(Baseline):
    """Lanczos interpolation with three lobes (Duchon 1979), the same along both axes."""

    def fit(self, context: FitContext) -> Predictor:
        """Nothing is fitted."""
        scale = sky_of(context, "lanczos").upsample

        def predict(samples: Samples) -> Predictions:
            images = samples.images
            rows, columns = (lanczos_matrix(side, scale).to(images) for side in images.shape[-2:])
            return {"sky": rows @ images @ columns.T}

        return predict


class BlankSky(Baseline):
    """An empty sky: the floor that an answer has to rise above."""

    def fit(self, context: FitContext) -> Predictor:
        """Nothing is fitted."""
        scale = sky_of(context, "blank").upsample

        def predict(samples: Samples) -> Predictions:
            images = samples.images
            height, width = images.shape[-2:]
            return {"sky": images.new_zeros(*images.shape[:2], scale * height, scale * width)}

        return predict


def lanczos_matrix(size: int, scale: int) -> Tensor:
    """Weights (scale × size, size) of old pixels in new ones; each row sums to one.

    The kernel is sinc(x) sinc(x/3) for |x| < 3; past the border the last pixel goes on.
    """
    position = (torch.arange(size * scale, dtype=torch.float64) + 0.5) / scale - 0.5
    taps = position.floor()[:, None] + torch.arange(1 - _LOBES, _LOBES + 1)
    x = position[:, None] - taps
    weights = torch.sinc(x) * torch.sinc(x / _LOBES) * (x.abs() < _LOBES)
    weights = weights / weights.sum(1, keepdim=True)
    matrix = torch.zeros(size * scale, size, dtype=torch.float64)
    return matrix.scatter_add_(1, taps.clamp(0, size - 1).long(), weights)
