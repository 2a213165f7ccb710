"""Features that do not change when an image is turned or mirrored: means over the eight ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lensbench import Encoder, Features, Measurements, Samples, checked_features, encoder_of

_TURNS = [(quarters, mirrored) for quarters in range(4) for mirrored in (False, True)]
"""Quarter turns of rows to columns, and whether columns are mirrored after them."""


class Symmetric(Encoder, nn.Module):
    """Any encoder, averaged over the eight turns and reflections of the square.

    Pooled features are then the same however an image is turned (group averaging: Yarotsky 2018,
    arXiv:1804.10306), and maps turn with it. What has a direction, such as components of a shear,
    averages out of the pooled features. Each image is encoded eight times.
    """

    positional = "encoder"

    @dataclass(frozen=True)
    class Options:
        """Options of `symmetric`.

        Args:
            encoder: The encoder with its options.
        """

        encoder: str = "small-resnet"

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        self.encoder = encoder_of(options.encoder, channels)
        for name in (
            "uses_condition",
            "resamples",
            "learning_rate",
            "unlearned",
            "planes",
            "numbers",
        ):
            setattr(self, name, getattr(self.encoder, name))

    @classmethod
    def wrapped(cls, options: Any) -> tuple[str, ...]:
        """The encoder."""
        return (options.encoder,)

    def beside(self, samples: Samples, measurements: Measurements) -> Tensor:
        """Planes of the encoder, which are turned with the images."""
        planes: Tensor = self.encoder.beside(samples, measurements)
        return planes

    def numbers_beside(self, samples: Samples, measurements: Measurements) -> Tensor:
        """Numbers of the encoder."""
        numbers: Tensor = self.encoder.numbers_beside(samples, measurements)
        return numbers

    def forward(self, images: Tensor, *condition: Tensor) -> Features:
        """Mean features of images (B, C, H, W), each turned in eight ways."""
        pooled, maps = [], []
        for quarters, mirrored in _TURNS:
            turned = images.rot90(quarters, (2, 3))
            found = checked_features(
                self.encoder(turned.flip(3) if mirrored else turned, *condition)
            )
            pooled.append(found.pooled)
            maps.append(
                [(one.flip(3) if mirrored else one).rot90(-quarters, (2, 3)) for one in found.maps]
            )
        means = (torch.stack(level).mean(0) for level in zip(*maps, strict=True))
        return Features(torch.stack(pooled).mean(0), tuple(means))
