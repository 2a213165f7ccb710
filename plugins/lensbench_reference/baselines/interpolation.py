"""Interpolation: super-resolution without learning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from lensbench import (
    Baseline,
    FitContext,
    IncompatibleError,
    Predictions,
    Predictor,
    Samples,
    SkyTarget,
)
from lensbench_reference.sampling import Kernel, on_target


def sky_of(context: FitContext, name: str) -> SkyTarget:
    """How the task wants its sky.

    Raises:
        IncompatibleError: Where it asks for none.
    """
    sky = context.task.sky
    if sky is None:
        raise IncompatibleError(f"baseline {name!r} needs a task with a sky", "try superres")
    return sky


class _WithoutFit(Baseline):
    """A baseline that learns nothing."""

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The same, since nothing is fitted."""
        return self.fit(context)


class _Interpolation(_WithoutFit):
    """The observed image at the centres of the target's pixels."""

    kernel: Kernel

    def fit(self, context: FitContext) -> Predictor:
        """Nothing is fitted."""
        return _Interpolated(sky_of(context, self.kernel), self.kernel)


class _Unfitted:
    """A predictor that learns nothing."""

    def state(self) -> Mapping[str, Tensor]:
        """Nothing."""
        return {}


@dataclass(frozen=True)
class _Interpolated(_Unfitted):
    """Interpolates to a sky by a kernel."""

    sky: SkyTarget
    kernel: Kernel

    def __call__(self, samples: Samples) -> Predictions:
        """Skies (N, C, H, W)."""
        return {"sky": on_target(samples, self.sky, self.kernel)}


@dataclass(frozen=True)
class _Blank(_Unfitted):
    """Empty skies."""

    sky: SkyTarget

    def __call__(self, samples: Samples) -> Predictions:
        """Skies (N, C, H, W)."""
        count, channels, height, width = samples.images.shape
        return {"sky": torch.zeros(count, channels, *self.sky.shape(height, width))}


class Nearest(_Interpolation):
    """The value of the nearest pixel of the image."""

    kernel = "nearest"


class Bilinear(_Interpolation):
    """Bilinear interpolation of the observed image."""

    kernel = "bilinear"


class Bicubic(_Interpolation):
    """Bicubic interpolation of the observed image (Keys 1981, with a = −3/4)."""

    kernel = "bicubic"


class Lanczos(_Interpolation):
    """Lanczos interpolation with three lobes (Duchon 1979), the same along both axes."""

    kernel = "lanczos"


class BlankSky(_WithoutFit):
    """An empty sky: the lower limit of every metric."""

    def fit(self, context: FitContext) -> Predictor:
        """Nothing is fitted."""
        return _Blank(sky_of(context, "blank"))
