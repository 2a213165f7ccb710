"""The image itself as features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le
from torch import Tensor, nn

from lensbench import Encoder, Features
from lensbench_reference.encoders.resizing import resized


class Pixels(Encoder, nn.Module):
    """Stretched images averaged to a fixed grid; no weights, no maps."""

    @dataclass(frozen=True)
    class Options:
        """Options of `pixels`: pixels on a side of the grid."""

        grid: Annotated[int, Ge(1), Le(128)] = 16

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        self.grid = options.grid

    def forward(self, images: Tensor) -> Features:
        """Features (B, C × grid²) of images (B, C, H, W)."""
        return Features(resized(images, self.grid, self.grid).flatten(1))
