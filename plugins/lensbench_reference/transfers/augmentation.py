"""Other views of an image that keep what it is: none zooms or crops, so θ_E stays."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from lensbench import Samples
from lensbench_reference.transfers.fitting import turned

_SHIFT = 2
"""Largest shift along each axis [pixels]."""

_NOISE = 1.0
"""Largest noise that is added, in units of an empty pixel's."""

_MASKED = 0.35
"""Largest side of the masked square, in units of the image's."""


def weak(batch: Samples, generator: torch.Generator) -> Samples:
    """Images turned by quarters, flipped, and shifted by whole pixels, empty sky coming in."""
    batch = turned(batch, generator)
    low, high = -_SHIFT, _SHIFT + 1
    shifts = torch.randint(low, high, (len(batch), 2), generator=generator).tolist()

    def move(images: Tensor) -> Tensor:
        each = zip(images, shifts, strict=True)
        return torch.stack([_shifted(image, dy, dx) for image, (dy, dx) in each])

    beside = None if batch.beside is None else move(batch.beside)
    return replace(batch, images=move(batch.images), beside=beside)


def strong(batch: Samples, generator: torch.Generator) -> Samples:
    """A weak view with noise added and a square masked (DeVries & Taylor 2017, arXiv:1708.04552).

    Noise of up to that of an empty pixel; the square, of up to 35 % of the side, is empty sky.
    Planes beside the images are masked alike, and get no noise.
    """
    batch = weak(batch, generator)
    images = batch.images
    count, _, height, width = images.shape
    level = _NOISE * torch.rand(count, 1, 1, 1, generator=generator)
    noise = level * torch.randn(images.shape, generator=generator)
    shares = torch.rand(count, 3, 1, generator=generator)
    side, y, x = _MASKED * shares[:, 0], shares[:, 1], shares[:, 2]
    rows, columns = (torch.arange(n) / n for n in (height, width))
    inside = ((rows - y).abs() < side / 2)[:, :, None] & ((columns - x).abs() < side / 2)[:, None]
    kept = (~inside)[:, None].to(images.device)
    beside = None if batch.beside is None else batch.beside * kept
    return replace(batch, images=(images + noise.to(images)) * kept, beside=beside)


def _shifted(image: Tensor, dy: int, dx: int) -> Tensor:
    """An image (C, H, W) moved down and right, zero where nothing comes in."""
    _, height, width = image.shape
    moved = torch.zeros_like(image)
    moved[:, max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)] = image[
        :, max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)
    ]
    return moved
