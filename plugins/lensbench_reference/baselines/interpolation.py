"""Interpolation: super-resolution without learning."""

from __future__ import annotations

from torch.nn.functional import interpolate

from lensbench import FitContext, IncompatibleError, Predictions, Predictor, Samples


class Bicubic:
    """Bicubic interpolation of the observed image (Keys 1981)."""

    version = "1"

    def fit(self, context: FitContext) -> Predictor:
        """Nothing is fitted."""
        sky = context.task.sky
        if sky is None:
            raise IncompatibleError("baseline 'bicubic' needs a task with a sky", "try superres")
        scale = sky.upsample

        def predict(samples: Samples) -> Predictions:
            return {"sky": interpolate(samples.images, scale_factor=scale, mode="bicubic")}

        return predict
