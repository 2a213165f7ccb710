"""What tasks with the sky as their target share: a head and a loss."""

from __future__ import annotations

import math
from dataclasses import replace

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
from lensbench_reference.sampling import at_each_scale, on_target, resized
from lensbench_reference.tasks.sky_metrics import mean_squared_error


class ResidualHead(nn.Module):
    """Fuses all maps with the image and its deconvolution, and predicts a residual.

    The residual is added, in the stretched domain, to the image deconvolved with its condition's
    PSF by `deconvolved`; it is zero at the start, so training begins at a traditional prediction.
    Image and maps are interpolated to the grid of the target, bicubically and bilinearly, so the
    same layers do for every pixel scale of the input. Convolutions run on a coarser grid, where
    they cost least: each place of it stands for `fine` × `fine` pixels of the target.
    """

    WIDTH = 32
    GAIN = 4.0
    """Of the residual over the last convolution: how much faster than the rest it learns."""

    def __init__(self, shape: FeatureShape, sky: SkyTarget) -> None:
        super().__init__()
        self.sky = sky
        self.fine = 4 if sky.fixed else 2 * sky.upsample
        width, answered = self.WIDTH, shape.channels * self.fine**2
        self.stem = nn.Conv2d(2 * answered, width, 3, padding=1)
        self.maps = nn.ModuleList(
            nn.Conv2d(d, width * max(1, stride // 8) ** 2, 1) for d, stride in shape.maps
        )
        self.body = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.out = nn.Conv2d(width, answered, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias if self.out.bias is not None else torch.empty(0))
        self.to(memory_format=torch.channels_last)

    def forward(self, features: Features, batch: Samples) -> Tensor:
        """Images (B, C, S, T) in the unit of the input."""
        return at_each_scale(self._answers, replace(batch, features=features), self.sky)

    def _answers(self, batch: Samples) -> Tensor:
        start = stretch(deconvolved(batch, self.sky))
        image = on_target(replace(batch, images=stretch(batch.images)), self.sky)
        seen = nn.functional.pixel_unshuffle(torch.cat([image, start], 1), self.fine)
        hidden = self.stem(seen.contiguous(memory_format=torch.channels_last))
        maps = batch.features.maps if batch.features else ()
        field = batch.images.shape[-1] * batch.condition.pixel_scale
        place, sides = self.fine * self.sky.pixel(batch.condition), tuple(hidden.shape[-2:])
        for project, feature_map in zip(self.maps, maps, strict=True):
            projected = project(feature_map)
            finer = math.isqrt(projected.shape[1] // self.WIDTH)
            projected = nn.functional.pixel_shuffle(projected, finer)
            scale = field / projected.shape[-1]
            hidden = hidden + resized(projected, scale, place, sides, "bilinear")
        for layer in self.body:
            hidden = hidden + layer(nn.functional.gelu(hidden))
        residual = self.out(nn.functional.gelu(hidden))
        return unstretch(start + self.GAIN * nn.functional.pixel_shuffle(residual, self.fine))


def sky_loss(answer: Tensor, batch: Samples) -> Tensor:
    """Mean logarithm of each image's mean squared error: the mean PSNR but for a factor."""
    return torch.log(mean_squared_error(answer, batch.targets["sky"])).mean()
