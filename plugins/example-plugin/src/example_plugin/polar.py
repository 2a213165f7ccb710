"""An encoder that knows where the centre is, and no direction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from lensbench import Encoder, Features
from torch import Tensor, nn


class Polar(Encoder, nn.Module):
    """Mean light of cells in polar coordinates, sorted along each ring, then two layers.

    Sorting forgets at which angle the light is, so that features hardly change as the image turns.
    """

    @dataclass(frozen=True)
    class Options:
        """Options: `rings` and `sectors` of the polar grid, and `width`, the number of features."""

        rings: Annotated[int, Ge(1)] = 6
        sectors: Annotated[int, Ge(1)] = 12
        width: Annotated[int, Ge(1)] = 32

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        self.rings, self.sectors = options.rings, options.sectors
        self.layers = nn.Sequential(
            nn.Linear(channels * options.rings * options.sectors, options.width),
            nn.GELU(),
            nn.Linear(options.width, options.width),
        )

    def forward(self, images: Tensor) -> Features:
        """Features (B, width) of stretched images (B, C, H, W)."""
        return Features(self.layers(self.cells(images).sort(-1).values.flatten(1)))

    def cells(self, images: Tensor) -> Tensor:
        """Mean light (B, C, rings, sectors); zero where a cell has no pixel."""
        size = images.shape[-1]
        axis = torch.arange(size, device=images.device) - (size - 1) / 2
        y, x = axis[:, None].expand(size, size), axis[None].expand(size, size)
        ring = (torch.hypot(x, y) / (size / 2) * self.rings).long()
        turn = torch.atan2(y, x) / (2 * math.pi) + 0.5
        sector = (turn * self.sectors).long().clamp(max=self.sectors - 1)
        cell = (ring * self.sectors + sector).where(ring < self.rings, self.rings * self.sectors)
        count = self.rings * self.sectors + 1
        index = cell.flatten().expand(*images.shape[:2], -1)
        empty = images.new_zeros(*images.shape[:2], count)
        light = empty.scatter_add(2, index, images.flatten(2))
        pixels = empty.scatter_add(2, index, torch.ones_like(images).flatten(2))
        mean = (light / pixels.clamp(min=1))[..., :-1]
        return mean.unflatten(2, (self.rings, self.sectors))
