"""Contrastive learning (Chen et al. 2020, arXiv:2002.05709) with views that keep θ_E."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from lensbench import Samples, Target, encode, feature_shape


class SimCLR:
    """Two views of an image are to be closer to each other than to other images.

    Views differ by quarter turns, flips, shifts of whole pixels and added noise. None zooms or
    crops: that would change the Einstein radius.
    """

    version = "1"
    targets: tuple[str, ...] = ()
    learning_rate = 1e-3
    weight_decay = 0.05
    batch_size = 64

    @dataclass(frozen=True)
    class Options:
        """Options of `simclr`."""

        temperature: Annotated[float, Gt(0)] = 0.2
        width: Annotated[int, Ge(4)] = 64
        shift: Annotated[int, Ge(0)] = 2

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(
        self, encoder: Any, channels: int, targets: Mapping[str, Target]
    ) -> ContrastiveLoss:
        """The encoder with a projection head behind it."""
        return ContrastiveLoss(encoder, channels, self.options)


class ContrastiveLoss(nn.Module):
    """Encoder and projector; called for the normalised temperature-scaled cross-entropy."""

    def __init__(self, encoder: Any, channels: int, options: SimCLR.Options) -> None:
        super().__init__()
        self.encoder = encoder
        self.options = options
        width = feature_shape(encoder, channels).pooled
        self.project = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, options.width)
        )

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Loss of a batch (their eq. 1)."""
        views = torch.cat([self.view(batch.images, generator) for _ in range(2)])
        pooled = encode(self.encoder, replace(batch, images=views)).pooled
        z = nn.functional.normalize(self.project(pooled), dim=1)
        similarity = z @ z.T / self.options.temperature
        similarity.fill_diagonal_(-torch.inf)
        partner = torch.arange(len(z), device=z.device).roll(len(z) // 2)
        return nn.functional.cross_entropy(similarity, partner)

    def view(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Each image turned, flipped, shifted and made noisier, at its own chance."""
        turn, flip, dy, dx = (
            torch.randint(low, high, (len(images),), generator=generator).tolist()
            for low, high in ((0, 4), (0, 2), *2 * ((-self.options.shift, self.options.shift + 1),))
        )
        views = []
        for i, image in enumerate(images):
            view = torch.rot90(image, turn[i], (1, 2))
            view = view.flip(2) if flip[i] else view
            views.append(view.roll((dy[i], dx[i]), (1, 2)))
        noise = torch.randn(images.shape, generator=generator).to(images.device)
        return torch.stack(views) + 0.5 * noise
