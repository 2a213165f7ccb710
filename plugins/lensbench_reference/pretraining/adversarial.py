"""Adversarial autoencoding (Makhzani et al. 2015, arXiv:1511.05644)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.func import functional_call

from lensbench import (
    CodingEncoder,
    IncompatibleError,
    Precision,
    Pretraining,
    Samples,
    Target,
    products_in,
    stretch,
)


class AdversarialAutoencoding(Pretraining):
    """Reconstruction, while a critic distinguishes codes from draws of a standard normal.

    The paper takes turns; here all is one loss for one optimiser. The critic's term sees the
    codes detached, and the encoder's term sees the critic with its weights detached, so either
    gets the gradient of its own turn and none of the other's.
    """

    learning_rate = 1e-3
    weight_decay = 0.0
    batch_size = 64

    @dataclass(frozen=True)
    class Options:
        """Options of `adversarial`.

        Attributes:
            weight: Of the encoder's term beside the reconstruction.
            hidden: Width of the critic's two hidden layers.
            precision: Of the autoencoder's products in the forward pass.
        """

        weight: Annotated[float, Ge(0)] = 0.1
        hidden: Annotated[int, Ge(4)] = 256
        precision: Precision = "fp32"

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(
        self, encoder: Any, channels: int, targets: Mapping[str, Target]
    ) -> AdversarialLoss:
        """The encoder beside a critic of its codes.

        Raises:
            IncompatibleError: Where its images do not pass through a vector.
        """
        if not isinstance(encoder, CodingEncoder):
            raise IncompatibleError(
                f"pretraining 'adversarial' needs an encoder with a code, "
                f"{type(encoder).__name__} is no lensbench.CodingEncoder",
                "take an encoder like aae, or pretraining autoencoding",
            )
        return AdversarialLoss(encoder, self.options)


class AdversarialLoss(nn.Module):
    """Autoencoder and critic; called for reconstruction, critic's and encoder's loss together."""

    def __init__(self, encoder: Any, options: AdversarialAutoencoding.Options) -> None:
        super().__init__()
        self.encoder = encoder
        self.weight = options.weight
        self.precision = options.precision
        self.critic = nn.Sequential(
            nn.Linear(encoder.latent, options.hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(options.hidden, options.hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(options.hidden, 1),
        )

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Loss of a batch."""
        images = stretch(batch.images)
        height, width = images.shape[2:]
        with products_in(self.precision, images.device):
            code = self.encoder.encode_code(images).float()
            restored = self.encoder.decode(code, (height, width)).float()
        prior = torch.randn(code.shape, generator=generator).to(code)
        reconstruction = nn.functional.mse_loss(restored, images)
        loss: Tensor = reconstruction + self.telling(code, prior) + self.weight * self.fooling(code)
        return loss

    def telling(self, code: Tensor, prior: Tensor) -> Tensor:
        """The critic's cross-entropy: codes are 0, draws of the prior 1. No gradient to codes."""
        return 0.5 * (
            nn.functional.softplus(self.critic(code.detach())).mean()
            + nn.functional.softplus(-self.critic(prior)).mean()
        )

    def fooling(self, code: Tensor) -> Tensor:
        """How far the critic is from taking codes for the prior. No gradient to the critic."""
        fixed = {name: weight.detach() for name, weight in self.critic.named_parameters()}
        return nn.functional.softplus(-functional_call(self.critic, fixed, code)).mean()
