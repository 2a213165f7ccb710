"""What the autoencoders share: convolutions down to an eighth of the image, and up again."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

STRIDE = 8


class DownsamplingStack(nn.Module):
    """Three halvings, each of a strided and a plain convolution."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        widths = (channels, width, 2 * width, 4 * width)
        self.stages = nn.ModuleList(
            nn.Sequential(*_layer(into, out, 2), *_layer(out, out, 1))
            for into, out in itertools.pairwise(widths)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images (B, C, H, W) to maps at strides 8, 4 and 2, of 4, 2 and 1 times the width."""
        maps = []
        current = images
        for stage in self.stages:
            current = stage(current)
            maps.append(current)
        return tuple(reversed(maps))


class UpsamplingStack(nn.Sequential):
    """Three doublings of (B, 4 width, H/8, W/8) to (B, C, H, W), without a bound on values.

    Each is an enlargement by repetition before a convolution, which leaves no chequerboard.
    """

    def __init__(self, channels: int, width: int) -> None:
        layers: list[nn.Module] = []
        for into, out in ((4, 2), (2, 1), (1, 1)):
            layers += [nn.Upsample(scale_factor=2), *_layer(into * width, out * width, 1)]
        super().__init__(*layers, nn.Conv2d(width, channels, 3, 1, 1))


def _layer(into: int, out: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(into, out, 3, stride, 1, bias=False),
        nn.BatchNorm2d(out),
        nn.LeakyReLU(0.1),
    ]
