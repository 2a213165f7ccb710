"""A convolutional network that does not care how a lens is turned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from lensbench import Encoder, Features
from lensbench_reference.encoders.group_convolution import FieldNorm, Group, GroupConvolution

GROUPS = {
    "c4": Group(4, False),
    "c8": Group(8, False),
    "d4": Group(4, True),
    "d8": Group(8, True),
}


class EquivariantNetwork(Encoder, nn.Module):
    """Group convolutions of 7² and 5² pixels at strides 1 to 8, as the DeepLense papers use.

    The pooled features stay as they are where the image is turned by a quarter, and under `d4` and
    `d8` where it is flipped; under turns by an eighth nearly so. Maps turn with the image, and
    the channels of their fields move round.
    """

    @dataclass(frozen=True)
    class Options:
        """Options of `equivariant`: the group, and the fields of the first layer."""

        group: Literal["c4", "c8", "d4", "d8"] = "c8"
        width: Annotated[int, Ge(1)] = 4

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        group = GROUPS[options.group]
        self.order = group.order
        width = options.width
        self.lift = nn.Sequential(*_layer(group, channels, width, 7, lifts=True))
        self.stages = nn.ModuleList(
            nn.Sequential(*_layer(group, into, 2 * into, 5), *_layer(group, 2 * into, 2 * into, 5))
            for into in (width, 2 * width, 4 * width)
        )
        self.close = nn.Sequential(*_layer(group, 8 * width, 32 * width, 1))

    def forward(self, images: Tensor) -> Features:
        """Fields' largest and mean channels, averaged over pixels, and maps at strides 8, 4, 2."""
        current = self.lift(images)
        maps = []
        for stage in self.stages:
            # Means of 2 × 2 pixels turn with an image of even sides, as strides do not.
            current = stage(avg_pool2d(current, 2))
            maps.append(current)
        fields = self.close(current).unflatten(1, (-1, self.order))
        pooled = torch.cat([fields.amax(2), fields.mean(2)], 1).mean((2, 3))
        return Features(pooled, tuple(reversed(maps)))


def _layer(group: Group, into: int, out: int, kernel: int, lifts: bool = False) -> list[nn.Module]:
    return [GroupConvolution(group, into, out, kernel, lifts), FieldNorm(group, out), nn.ReLU()]
