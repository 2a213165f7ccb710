"""Denoising: the same image without its noise."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from lensbench import FeatureShape, Predictions, Samples, SkyTarget, Target, Task
from lensbench_reference.tasks.skies import ResidualHead, sky_loss
from lensbench_reference.tasks.sky_metrics import sky_metrics


class Denoising(Task):
    """From an image to what it would be without noise: the same PSF, the same pixels."""

    predicts = "images"
    targets = ("sky",)
    sky = SkyTarget()
    metrics = sky_metrics(sky)

    def head(self, shape: FeatureShape, targets: Mapping[str, Target]) -> ResidualHead:
        """Maps of the encoder and the image itself to a correction of its deconvolution."""
        return ResidualHead(shape, self.sky)

    def loss(self, output: Tensor, batch: Samples) -> Tensor:
        """Mean logarithm of each image's mean squared error."""
        return sky_loss(output, batch)

    def predict(self, output: Tensor, batch: Samples) -> Predictions:
        """Images (B, C, H, W) in the unit of the input's noise."""
        return {"sky": output}
