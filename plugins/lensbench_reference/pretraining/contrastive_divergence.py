"""Contrastive divergence (Hinton 2002, doi:10.1162/089976602760128018)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor, nn

from lensbench import EnergyEncoder, IncompatibleError, Pretraining, Samples, Target, stretch


class ContrastiveDivergence(Pretraining):
    """Lowers the energy of images and raises that of what the machine makes of them (CD-k)."""

    learning_rate = 1e-3
    weight_decay = 1e-4
    batch_size = 64

    @dataclass(frozen=True)
    class Options:
        """Options of `contrastive-divergence`: steps of Gibbs sampling from an image."""

        k: Annotated[int, Ge(1)] = 1

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(
        self, encoder: Any, channels: int, targets: Mapping[str, Target]
    ) -> DivergenceLoss:
        """The machine itself.

        Raises:
            IncompatibleError: Where the encoder has no energy.
        """
        if not isinstance(encoder, EnergyEncoder):
            raise IncompatibleError(
                f"pretraining 'contrastive-divergence' needs an encoder with an energy, "
                f"{type(encoder).__name__} is no lensbench.EnergyEncoder",
                "take an encoder like rbm, or pretraining simclr",
            )
        return DivergenceLoss(encoder, self.options.k)


class DivergenceLoss(nn.Module):
    """A Boltzmann machine; called for a difference of energies whose gradient is that of CD-k."""

    def __init__(self, encoder: Any, k: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.k = k

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Mean free energy of the batch less that of its samples, which are held constant.

        The value may be of either sign and does not measure the fit; its gradient is followed.
        """
        visible = self.encoder.visible(stretch(batch.images))
        sample = visible.detach()
        for _ in range(self.k):
            sample = self.encoder.gibbs(sample, generator).detach()
        energies = self.encoder.free_energy(torch.cat([visible, sample]))
        data, made = energies.chunk(2)
        loss: Tensor = data.mean() - made.mean()
        return loss
