"""Super-resolution: the noise-free image of a sharper instrument, finely sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le
from torch import Tensor

from lensbench import (
    FeatureShape,
    OptionError,
    Predictions,
    Samples,
    SkyTarget,
    Target,
    Task,
)
from lensbench_reference.tasks.skies import ResidualHead, sky_loss
from lensbench_reference.tasks.sky_metrics import sky_metrics

_FIELD = 6.0
"""Side of the target [arcsec]: images of 6.4″ cover it under every named condition."""

_FOLDED = 8
"""The target has a multiple of so many pixels on a side, so that heads can fold them."""


class SuperResolution(Task):
    """From an image under a condition to the sky behind the reference's PSF, without noise.

    The target has the same pixels and the same PSF under every condition: by default 120 × 120 of
    0.05″, as `hst-acs` has them. Under a condition with a narrower PSF or finer pixels metrics are
    undefined. With `scale`, for pairs of images, the target's pixels divide those of the input.
    Pixels where the truth is unknown (NaN) count for nothing. PSNR and SSIM take the dataset's
    data range.
    """

    predicts = "images"
    targets = ("sky",)

    @dataclass(frozen=True)
    class Options:
        """Options of `superres`.

        Attributes:
            pixel_scale: Side of the target's pixels [arcsec].
            reference: Condition whose PSF the target has.
            scale: Pixels of the target along one of the input, in place of `pixel_scale`.
        """

        pixel_scale: Annotated[float, Ge(0.01), Le(0.5)] = 0.05
        reference: str = "hst-acs"
        scale: Literal["", "2", "4"] = ""

    def __init__(self, options: Options) -> None:
        pixel = options.pixel_scale
        if options.scale:
            if pixel != self.Options.pixel_scale:
                raise OptionError("scale and pixel_scale both set the pixels", "give one of them")
            sky = SkyTarget(int(options.scale), options.reference)
        else:
            size = _FOLDED * int(_FIELD / pixel / _FOLDED + 1e-6)
            sky = SkyTarget(1, options.reference, pixel, size)
        self.sky: SkyTarget = sky
        self.metrics = sky_metrics(sky)

    def head(self, shape: FeatureShape, targets: Mapping[str, Target]) -> ResidualHead:
        """Maps of the encoder and the image itself to a correction of its deconvolution."""
        return ResidualHead(shape, self.sky)

    def loss(self, output: Tensor, batch: Samples) -> Tensor:
        """Mean logarithm of each image's mean squared error."""
        return sky_loss(output, batch)

    def predict(self, output: Tensor, batch: Samples) -> Predictions:
        """Images (B, C, S, T) in the unit of the input's noise."""
        return {"sky": output}
