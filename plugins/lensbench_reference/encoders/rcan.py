"""The super-resolution network of the DeepLense family: residual channel attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge
from torch import Tensor, nn

from lensbench import Encoder, Features


class ResidualChannelAttention(Encoder, nn.Module):
    """Groups of residual blocks at the resolution of the image (RCAN; Zhang et al. 2018).

    Nothing is pooled on the way, so that its map serves tasks of pixels. Each block weighs its
    channels by what they hold on average over the image. The layers that make an image larger
    belong to a task's head here. The paper has 10 groups of 20 blocks, 64 wide; the default is
    smaller. The map has two by two pixels as four channels each, which loses nothing.
    """

    learning_rate = 5e-4

    @dataclass(frozen=True)
    class Options:
        """Options of `rcan`: groups, blocks in each, width, and how much narrower attention is."""

        groups: Annotated[int, Ge(1)] = 2
        blocks: Annotated[int, Ge(1)] = 4
        width: Annotated[int, Ge(4)] = 24
        reduction: Annotated[int, Ge(1)] = 8

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        width = options.width
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.groups = nn.Sequential(
            *(_Group(width, options.blocks, options.reduction) for _ in range(options.groups)),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, images: Tensor) -> Features:
        """Mean over the image, and the map of all pixels."""
        shallow = self.stem(images)
        deep = shallow + self.groups(shallow)
        return Features(deep.mean((2, 3)), (nn.functional.pixel_unshuffle(deep, 2),))


class _Group(nn.Module):
    """Blocks and a convolution around a shortcut."""

    def __init__(self, width: int, blocks: int, reduction: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(ChannelAttentionBlock(width, reduction) for _ in range(blocks)),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.body(x)
        return result


class ChannelAttentionBlock(nn.Module):
    """Two convolutions whose channels are weighed by their means, around a shortcut."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        narrow = max(1, width // reduction)
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )
        self.weigh = nn.Sequential(
            nn.Conv2d(width, narrow, 1), nn.ReLU(), nn.Conv2d(narrow, width, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) to the same shape."""
        change = self.body(x)
        result: Tensor = x + change * self.weigh(change.mean((2, 3), keepdim=True))
        return result
