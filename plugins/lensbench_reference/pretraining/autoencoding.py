"""Autoencoding: an encoder that gives back what it was shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from lensbench import (
    IncompatibleError,
    Precision,
    Pretraining,
    ReconstructingEncoder,
    Samples,
    Target,
    VariationalEncoder,
    products_in,
    stretch,
)


class Autoencoding(Pretraining):
    """Reconstruction, and for an encoder with a `posterior` the variational bound.

    An encoder with `reconstruct` alone is trained for the mean squared error of the stretched
    image. One with a `posterior` is trained for the evidence's lower bound (Kingma & Welling
    2013, arXiv:1312.6114, eq. 3; with β of Higgins et al. 2017), whose likelihood is normal with
    a deviation of `noise`. The stretch brings the noise of an empty pixel to 1/3.
    """

    learning_rate = 1e-3
    weight_decay = 0.0
    batch_size = 64

    @dataclass(frozen=True)
    class Options:
        """Options of `autoencoding`.

        Attributes:
            beta: Weight of the divergence in the variational bound.
            noise: Deviation of the likelihood in the variational bound.
            precision: Of the products in the forward pass.
        """

        beta: Annotated[float, Ge(0)] = 1.0
        noise: Annotated[float, Gt(0)] = 1 / 3
        precision: Precision = "fp32"

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(self, encoder: Any, channels: int, targets: Mapping[str, Target]) -> nn.Module:
        """The encoder under the loss that befits it.

        Raises:
            IncompatibleError: Where it cannot reconstruct.
        """
        if isinstance(encoder, VariationalEncoder):
            return VariationalBound(encoder, self.options)
        if isinstance(encoder, ReconstructingEncoder):
            return Reconstruction(encoder, self.options)
        raise IncompatibleError(
            f"pretraining 'autoencoding' needs an encoder that reconstructs, "
            f"{type(encoder).__name__} is no lensbench.ReconstructingEncoder",
            "take an encoder like dcae or vae, or pretraining simclr",
        )


class Reconstruction(nn.Module):
    """An autoencoder; called for the mean squared error of stretched images."""

    def __init__(self, encoder: Any, options: Autoencoding.Options) -> None:
        super().__init__()
        self.encoder = encoder
        self.options = options

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Loss of a batch."""
        images = stretch(batch.images)
        with products_in(self.options.precision, images.device):
            restored = self.encoder.reconstruct(images)
        return nn.functional.mse_loss(restored.float(), images)


class VariationalBound(nn.Module):
    """A variational autoencoder; called for the negative bound, in nats a pixel."""

    def __init__(self, encoder: Any, options: Autoencoding.Options) -> None:
        super().__init__()
        self.encoder = encoder
        self.options = options

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """−log p(x|z) at one draw of z, and β times KL(q(z|x), N(0, 1)), a pixel."""
        images = stretch(batch.images)
        height, width = images.shape[2:]
        with products_in(self.options.precision, images.device):
            mean, log_variance = (part.float() for part in self.encoder.posterior(images))
            chance = torch.randn(mean.shape, generator=generator).to(mean)
            code = mean + torch.exp(0.5 * log_variance) * chance
            decoded = self.encoder.decode(code, (height, width)).float()
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
        misfit = nn.functional.mse_loss(decoded, images) / self.options.noise**2
        likelihood = -0.5 * (misfit + math.log(2 * math.pi * self.options.noise**2))
        loss: Tensor = self.options.beta * divergence / images[0].numel() - likelihood
        return loss
