"""Autoencoders whose code is a vector: variational and adversarial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn

from lensbench import Encoder, Features
from lensbench_reference.encoders.convolutional import STRIDE, DownsamplingStack, UpsamplingStack
from lensbench_reference.encoders.resizing import resized

GRID = 64
"""Sides of what a decoder makes [pixels]; other sizes are interpolated from it."""

_CELLS = GRID // STRIDE


class VectorAutoencoder(Encoder, nn.Module):
    """Convolutions at the image's own pixels, a linear code of a fixed grid of their outcome.

    The maps are those of the image's size. The coarsest is brought to 8 × 8 before the code is
    taken, and the decoder makes 64 × 64 pixels, so that codes of all sizes mean the same.
    """

    outputs = 1

    @dataclass(frozen=True)
    class Options:
        """Options of `vae` and `aae`."""

        latent: Annotated[int, Ge(1)] = 64
        width: Annotated[int, Ge(4)] = 32

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        self.latent = options.latent
        self.wide = 4 * options.width
        size = self.wide * _CELLS**2
        self.down = DownsamplingStack(channels, options.width)
        self.into = nn.Linear(size, self.outputs * options.latent)
        self.back = nn.Linear(options.latent, size)
        self.up = UpsamplingStack(channels, options.width)

    def forward(self, images: Tensor) -> Features:
        """The code (B, latent), and the maps at strides 8, 4 and 2."""
        maps = self.down(images)
        return Features(self._linear(maps)[:, : self.latent], maps)

    def decode(self, code: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Stretched images (B, C, H, W) of codes (B, latent), of 64 × 64 pixels by default."""
        cells = self.back(code).unflatten(1, (self.wide, _CELLS, _CELLS))
        return resized(self.up(cells), *(size or (GRID, GRID)))

    def reconstruct(self, images: Tensor) -> Tensor:
        """Stretched images (B, C, H, W) out of their codes, at the input's size."""
        code = self._linear(self.down(images))[:, : self.latent]
        height, width = images.shape[2:]
        return self.decode(code, (height, width))

    def _linear(self, maps: tuple[Tensor, ...]) -> Tensor:
        linear: Tensor = self.into(resized(maps[0], _CELLS, _CELLS).flatten(1))
        return linear


class VariationalAutoencoder(VectorAutoencoder):
    """Codes are normal, with a mean and a variance for each number (Kingma & Welling 2013)."""

    outputs = 2

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance, each (B, latent); the latter between ±10."""
        mean, log_variance = self._linear(self.down(images)).chunk(2, 1)
        return mean, 10 * torch.tanh(log_variance / 10)


class AdversarialAutoencoder(VectorAutoencoder):
    """Codes are brought to a prior by a critic, which the pretraining owns (Makhzani et al. 2015).

    The critic looks at `encode_code`, (B, latent).
    """

    def encode_code(self, images: Tensor) -> Tensor:
        """Codes (B, latent) of stretched images (B, C, H, W)."""
        return self._linear(self.down(images))
