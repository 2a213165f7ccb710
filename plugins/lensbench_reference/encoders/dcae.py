"""The deep convolutional autoencoder of Alexander et al. 2020 (arXiv:2008.12731)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn

from lensbench import Encoder, Features
from lensbench_reference.encoders.convolutional import DownsamplingStack, UpsamplingStack


class ConvolutionalAutoencoder(Encoder, nn.Module):
    """Convolutions alone, so that the code is an image of an eighth of the size.

    Any size goes through without resampling. The bottleneck is `code` channels, by default
    sixteen numbers for every 64 pixels.
    """

    @dataclass(frozen=True)
    class Options:
        """Options of `dcae`."""

        width: Annotated[int, Ge(4)] = 32
        code: Annotated[int, Ge(1)] = 16

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        wide = 4 * options.width
        self.down = DownsamplingStack(channels, options.width)
        self.squeeze = nn.Conv2d(wide, options.code, 1)
        self.expand = nn.Conv2d(options.code, wide, 1)
        self.up = UpsamplingStack(channels, options.width)

    def forward(self, images: Tensor) -> Features:
        """Mean of the coarsest map and of the code, (B, 4 width + code), and the maps.

        The maps are those before the bottleneck, at strides 8, 4 and 2.
        """
        maps = self.down(images)
        deepest = torch.cat([maps[0], self.squeeze(maps[0])], 1)
        return Features(deepest.mean((2, 3)), maps)

    def reconstruct(self, images: Tensor) -> Tensor:
        """Stretched images (B, C, H, W) out of their codes, at the input's size."""
        restored: Tensor = self.up(self.expand(self.squeeze(self.down(images)[0])))
        return restored
