"""Contrastive learning (Chen et al. 2020, arXiv:2002.05709) with views that keep θ_E."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from lensbench import Pretraining, Samples, Target, encode, feature_shape
from lensbench_reference.pretraining.contrast import contrastive_loss, projector
from lensbench_reference.pretraining.views import ViewOptions, check_no_planes, view


class SimCLR(Pretraining):
    """Two views of an image are to be closer to each other than to other images."""

    learning_rate = 1e-3
    weight_decay = 0.05
    batch_size = 64

    @dataclass(frozen=True)
    class Options(ViewOptions):
        """Options of `simclr`."""

        temperature: Annotated[float, Gt(0)] = 0.2
        width: Annotated[int, Ge(4)] = 64

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(self, encoder: Any, channels: int, targets: Mapping[str, Target]) -> SimCLRLoss:
        """The encoder with a projection head behind it."""
        check_no_planes(encoder, "simclr")
        return SimCLRLoss(encoder, channels, self.options)


class SimCLRLoss(nn.Module):
    """Encoder and projector; called for the contrast of two views."""

    def __init__(self, encoder: Any, channels: int, options: SimCLR.Options) -> None:
        super().__init__()
        self.encoder = encoder
        self.options = options
        self.project = projector(feature_shape(encoder, channels).pooled, options.width)

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Loss of a batch (their eq. 1)."""
        views = torch.cat([view(batch.images, self.options, generator) for _ in range(2)])
        pooled = encode(self.encoder, replace(batch, images=views)).pooled
        one, other = self.project(pooled).chunk(2)
        return contrastive_loss(one, other, self.options.temperature)
