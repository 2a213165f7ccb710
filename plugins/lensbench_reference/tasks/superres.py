"""Super-resolution: the noise-free image of a sharper instrument, finely sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from lensbench import FeatureShape, Predictions, Samples, SkyTarget, Target, Task
from lensbench_reference.tasks.skies import ResidualHead, sky_loss
from lensbench_reference.tasks.sky_metrics import sky_metrics


class SuperResolution(Task):
    """From an image under a condition to the sky behind the reference's PSF, without noise.

    The target is sampled `scale` times finer than the input over the same field. Pixels where
    the truth is unknown (NaN) count for nothing. PSNR and SSIM take the dataset's data range.
    """

    predicts = "images"
    targets = ("sky",)

    @dataclass(frozen=True)
    class Options:
        """Options of `superres`."""

        scale: Literal["2", "4"] = "2"
        reference: str = "hst-acs"

    def __init__(self, options: Options) -> None:
        self.sky = SkyTarget(int(options.scale), options.reference)
        self.metrics = sky_metrics(self.sky)

    def head(self, shape: FeatureShape, targets: Mapping[str, Target]) -> ResidualHead:
        """Maps of the encoder and the image itself to a correction of its deconvolution."""
        return ResidualHead(shape, self.sky)

    def loss(self, output: Tensor, batch: Samples) -> Tensor:
        """Mean logarithm of each image's mean squared error."""
        return sky_loss(output, batch)

    def predict(self, output: Tensor, batch: Samples) -> Predictions:
        """Images (B, C, sH, sW) in the unit of the input's noise."""
        return {"sky": output}
