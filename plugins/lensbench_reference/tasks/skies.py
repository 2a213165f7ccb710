"""What tasks with the sky as their target share: a head and a loss."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from lensbench import (
    Features,
    FeatureShape,
    Samples,
    SkyTarget,
    stretch,
    unstretch,
)
from lensbench_reference.deconvolution import deconvolved
from lensbench_reference.tasks.sky_metrics import mean_squared_error


class ResidualHead(nn.Module):
    """Fuses all maps with the image and its deconvolution, and predicts a residual.

    The residual is added, in the stretched domain, to the image deconvolved with its condition's
    PSF by `deconvolved`; it is zero at the start, so that training begins at a traditional answer.
    All is worked out on a grid of every second pixel of the image, each place of which stands for
    its pixels, and for all fine ones in them: there convolutions cost least.
    """

    WIDTH = 32
    GRID = 2
    GAIN = 4.0
    """Of the residual over the last convolution: how much faster than the rest it learns."""

    def __init__(self, shape: FeatureShape, sky: SkyTarget) -> None:
        super().__init__()
        self.sky = sky
        self.fine = self.GRID * sky.upsample
        width, answered = self.WIDTH, shape.channels * self.fine**2
        self.stem = nn.Conv2d(shape.channels * self.GRID**2 + answered, width, 3, padding=1)
        self.maps = nn.ModuleList(
            nn.Conv2d(d, width * max(1, stride // 8) ** 2, 1) for d, stride in shape.maps
        )
        self.body = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.out = nn.Conv2d(width, answered, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias if self.out.bias is not None else torch.empty(0))
        self.to(memory_format=torch.channels_last)

    def forward(self, features: Features, batch: Samples) -> Tensor:
        """Images (B, C, sH, sW) in the unit of the input."""
        start = stretch(deconvolved(batch, self.sky))
        seen = (
            nn.functional.pixel_unshuffle(stretch(batch.images), self.GRID),
            nn.functional.pixel_unshuffle(start, self.fine),
        )
        hidden = self.stem(torch.cat(seen, 1).contiguous(memory_format=torch.channels_last))
        for project, feature_map in zip(self.maps, features.maps, strict=True):
            projected = project(feature_map)
            finer = math.isqrt(projected.shape[1] // self.WIDTH)
            projected = nn.functional.pixel_shuffle(projected, finer)
            hidden = hidden + nn.functional.interpolate(
                projected, hidden.shape[-2:], mode="bilinear"
            )
        for layer in self.body:
            hidden = hidden + layer(nn.functional.gelu(hidden))
        residual = self.out(nn.functional.gelu(hidden))
        return unstretch(start + self.GAIN * nn.functional.pixel_shuffle(residual, self.fine))


def sky_loss(answer: Tensor, batch: Samples) -> Tensor:
    """Mean logarithm of each image's mean squared error: the mean PSNR but for a factor."""
    return torch.log(mean_squared_error(answer, batch.targets["sky"])).mean()
