"""Encoders that know the lens: shown the image, the smooth lens fitted to it, and the residual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lensbench import Encoder, Features, Measurements, Samples, encoder_of
from lensbench_reference.lens_fitting.lens_fit import Optics
from lensbench_reference.lens_fitting.lens_images import Fitting, chunks, fits_of, one_image


class Residual(Encoder, nn.Module):
    """Any encoder, with two more channels: the model of a smooth lens, and what it leaves.

    Each image gets a fit of SIE, shear and Sérsic source, as `lens-model` makes it. All bands are
    fitted together. The model is in units of σ as the image is; the residual is in units of its
    own noise, photons of the lens included.
    """

    planes = 2
    positional = "encoder"

    @dataclass(frozen=True)
    class Options:
        """Options of `residual`: the encoder with its options, and whether lens galaxies shine."""

        encoder: str = "small-resnet"
        lens_light: Literal["no", "yes"] = "no"

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        self.fitting = Fitting(light=options.lens_light == "yes")
        self.encoder = encoder_of(options.encoder, channels + self.planes)
        for name in ("uses_condition", "unlearned", "resamples", "learning_rate"):
            setattr(self, name, getattr(self.encoder, name))

    @classmethod
    def wrapped(cls, options: Any) -> tuple[str, ...]:
        """The encoder."""
        return (options.encoder,)

    def beside(self, samples: Samples, measurements: Measurements) -> Tensor:
        """Model and residual (N, 2, H, W)."""
        return measurements.of(samples, planes, self.fitting)["planes"]

    def forward(self, images: Tensor, *condition: Tensor) -> Features:
        """Features of images with planes (B, C + 2, H, W)."""
        features: Features = self.encoder(images, *condition)
        return features


def planes(samples: Samples, fitting: Fitting, measurements: Measurements) -> Mapping[str, Tensor]:
    """Measures images: model and residual (N, 2, H, W) as `planes`."""
    images, fits = one_image(samples), fits_of(samples, fitting, measurements)
    made = torch.zeros(len(images), 2, *images.shape[1:])
    for condition, chosen in chunks(samples):
        optics = Optics(condition, images.shape[-1], fitting.oversampling)
        model = optics.images(fits.theta[chosen]).nan_to_num()
        residual = (images[chosen] - model) / optics.variance(model).sqrt()
        made[chosen] = torch.stack([model, residual], 1).float()
    return {"planes": made}
