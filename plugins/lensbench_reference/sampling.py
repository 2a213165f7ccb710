"""Interpolation between centred grids, as one small matrix for each axis.

Shared by plugins of more than one kind. Values are surface brightness, which keeps its level
whatever the pixel. Past the border the last pixel goes on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from lensbench import Samples, SkyTarget

Kernel = Literal["nearest", "bilinear", "bicubic", "lanczos"]

_LOBES: dict[Kernel, int] = {"nearest": 1, "bilinear": 1, "bicubic": 2, "lanczos": 3}
"""Old pixels on either side of a new one that its value is made of."""

_KEYS = -0.75
"""The parameter a of the bicubic kernel (Keys 1981, eq. 4), as in `torch.nn.functional`."""


def at_each_scale(
    answer: Callable[[Samples], Tensor], samples: Samples, sky: SkyTarget, axis: int = 0
) -> Tensor:
    """Answers in the pixels of a target, found for images of one pixel scale at a time.

    Args:
        answer: From samples with the pixels of their condition to their answers.
        samples: Of one pixel scale or of several.
        sky: The target.
        axis: Of the answers, along which samples lie.
    """
    scales = samples.pixel_scale
    if scales is None or not sky.fixed:
        return answer(samples)
    places, parts = [], []
    for scale in scales.unique().tolist():
        places.append((scales == scale).nonzero()[:, 0])
        part = samples.take(places[-1])
        condition = part.condition.on_pixels(scale)
        parts.append(answer(replace(part, condition=condition, pixel_scale=None)))
    order = torch.cat(places).argsort().to(parts[0].device)
    return torch.cat(parts, axis).index_select(axis, order)


def on_target(samples: Samples, sky: SkyTarget, kernel: Kernel = "bicubic") -> Tensor:
    """Images of samples, interpolated to the pixels of a target (N, C, S, T)."""

    def answer(part: Samples) -> Tensor:
        images, condition = part.images, part.condition
        wanted = sky.shape(images.shape[-2], images.shape[-1])
        return resized(images, condition.pixel_scale, sky.pixel(condition), wanted, kernel)

    return at_each_scale(answer, samples, sky)


def resized(
    images: Tensor, scale: float, new_scale: float, new_sides: tuple[int, int], kernel: Kernel
) -> Tensor:
    """Images (..., H, W) on a grid with the same centre.

    Args:
        images: Of any height and width.
        scale: Side of their pixels.
        new_scale: Side of the new pixels, in the same unit.
        new_sides: New rows and columns.
        kernel: Name of the interpolation.
    """
    ratio = new_scale / scale
    rows, columns = (
        sampling_matrix(kernel, side, new, ratio).to(images)
        for side, new in zip(images.shape[-2:], new_sides, strict=True)
    )
    return rows @ images @ columns.T


@functools.lru_cache(maxsize=128)
def sampling_matrix(kernel: Kernel, size: int, new_size: int, ratio: float) -> Tensor:
    """Weights (new_size, size) of old pixels in new ones; each row sums to one.

    Args:
        kernel: Name of the interpolation.
        size: Old pixels on a side.
        new_size: New ones.
        ratio: Side of a new pixel over that of an old one.
    """
    lobes = _LOBES[kernel]
    centred = torch.arange(new_size, dtype=torch.float64) - (new_size - 1) / 2
    position = centred * ratio + (size - 1) / 2
    taps = position.floor()[:, None] + torch.arange(1 - lobes, lobes + 1)
    weights = _weights(kernel, position[:, None] - taps)
    weights = weights / weights.sum(1, keepdim=True)
    matrix = torch.zeros(new_size, size, dtype=torch.float64)
    return matrix.scatter_add_(1, taps.clamp(0, size - 1).long(), weights)


def _weights(kernel: Kernel, offset: Tensor) -> Tensor:
    """Weights of old pixels at these offsets [old pixels] from a new one."""
    x = offset.abs()
    if kernel == "nearest":
        return (x <= 0.5).double()
    if kernel == "bilinear":
        return (1 - x).clamp(min=0)
    if kernel == "bicubic":
        near = ((_KEYS + 2) * x - (_KEYS + 3)) * x**2 + 1
        far = _KEYS * (((x - 5) * x + 8) * x - 4)
        return torch.where(x <= 1, near, torch.where(x < 2, far, 0.0))
    return torch.sinc(x) * torch.sinc(x / 3) * (x < 3)
