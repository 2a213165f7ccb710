"""Interpolation: super-resolution without learning."""

from __future__ import annotations

import torch

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


class _Interpolation(Baseline):
    """The observed image at the centres of the target's pixels."""

    kernel: Kernel

    def fit(self, context: FitContext) -> Predictor:
        """Nothing is fitted."""
        sky = sky_of(context, self.kernel)

        def predict(samples: Samples) -> Predictions:
            return {"sky": on_target(samples, sky, self.kernel)}

        return predict


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


class BlankSky(Baseline):
    """An empty sky: the floor that an answer has to rise above."""

    def fit(self, context: FitContext) -> Predictor:
        """Nothing is fitted."""
        sky = sky_of(context, "blank")

        def predict(samples: Samples) -> Predictions:
            count, channels, height, width = samples.images.shape
            return {"sky": torch.zeros(count, channels, *sky.shape(height, width))}

        return predict
