"""Encoders that know the lens: shown the image, the smooth lens fitted to it, and the residual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lensbench import (
    Encoder,
    Features,
    IncompatibleError,
    Measurements,
    Samples,
    checked_features,
    encoder_of,
)
from lensbench_reference.lens_fitting.lens_fit import Optics
from lensbench_reference.lens_fitting.lens_images import Fitting, chunks, fits_of, one_image
from lensbench_reference.lens_fitting.lens_statistics import STATISTICS, statistics_of


class Residual(Encoder, nn.Module):
    """Any encoder, with two more channels: the model of a smooth lens, and what it leaves.

    Each image gets a fit of SIE, shear and Sérsic source, as `lens-model` makes it. All bands are
    fitted together. The model is in units of σ as the image is; the residual is in units of its
    own noise, photons of the lens included.

    With `apart`, the encoder looks at image and residual one after the other, with the same
    weights, and the features of both stand side by side. An encoder that was trained on images
    of one band can then be used.

    With `statistics`, numbers about the fit stand beside the features: those that `lens-model`
    classifies by, such as how much better a line of mass or a compact mass explains the image.
    """

    planes = 2
    positional = "encoder"

    @dataclass(frozen=True)
    class Options:
        """Options of `residual`: the encoder with its options, and how it is shown the fit.

        Args:
            encoder: The encoder with its options.
            lens_light: Whether the fit has the light of the lens galaxy.
            apart: Whether image and residual are encoded one by one, and not as channels.
            statistics: Whether statistics of the fit are added to the features.
        """

        encoder: str = "small-resnet"
        lens_light: Literal["no", "yes"] = "no"
        apart: Literal["no", "yes"] = "no"
        statistics: Literal["no", "yes"] = "no"

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        self.fitting = Fitting(light=int(options.lens_light == "yes"))
        self.apart = options.apart == "yes"
        if self.apart and channels > 1:
            raise IncompatibleError(
                f"residual:apart=yes is for one band, and these images have {channels}",
                "without it, the encoder sees all bands and the fit as channels",
            )
        self.encoder = encoder_of(
            options.encoder, channels if self.apart else channels + self.planes
        )
        for name in ("uses_condition", "resamples", "learning_rate"):
            setattr(self, name, getattr(self.encoder, name))
        self.numbers = STATISTICS if options.statistics == "yes" else 0
        self.unlearned = self.numbers + (0 if self.apart else self.encoder.unlearned)

    @classmethod
    def wrapped(cls, options: Any) -> tuple[str, ...]:
        """The encoder."""
        return (options.encoder,)

    def beside(self, samples: Samples, measurements: Measurements) -> Tensor:
        """Model and residual (N, 2, H, W)."""
        return measurements.of(samples, planes, self.fitting)["planes"]

    def numbers_beside(self, samples: Samples, measurements: Measurements) -> Tensor:
        """Statistics (N, D) of the fits."""
        return statistics_of(samples, self.fitting, measurements).float()

    def forward(self, images: Tensor, *condition: Tensor) -> Features:
        """Features of images with planes (B, C + 2, H, W)."""
        if not self.apart:
            features: Features = self.encoder(images, *condition)
            return features
        image, _, residual = images.split(1, 1)
        shown = [checked_features(self.encoder(one, *condition)) for one in (image, residual)]
        maps = zip(*(one.maps for one in shown), strict=True)
        return Features(
            torch.cat([one.pooled for one in shown], 1), tuple(torch.cat(pair, 1) for pair in maps)
        )


def planes(samples: Samples, fitting: Fitting, measurements: Measurements) -> Mapping[str, Tensor]:
    """Measures images: model and residual (N, 2, H, W) as `planes`."""
    images, fits = one_image(samples), fits_of(samples, fitting, measurements)
    made = torch.zeros(len(images), 2, *images.shape[1:])
    for condition, chosen in chunks(samples):
        optics = Optics(condition, images.shape[-1], fitting.oversampling)
        model = optics.images(fits.theta[chosen].to(images.device)).nan_to_num()
        residual = (images[chosen] - model) / optics.variance(model).sqrt()
        made[chosen] = torch.stack([model, residual], 1).float().cpu()
    return {"planes": made}
