"""Pixels too sharp for the sky: cosmic rays and hot pixels, found without a PSF."""

from __future__ import annotations

import numpy as np

MANY = 5
"""Sharp pixels from which an image counts as hit."""

_SIGNIFICANT = 20.0
"""How far above the background a sharp pixel is, in units of the noise."""

_CONTRAST = 0.12
"""Brightness of the neighbours of a sharp pixel over that of the pixel, at most: those of a star
are brighter where the PSF is at least 1.3 pixels wide at half maximum."""


_BLOCK = 8


def sharp_pixels(pixels: np.ndarray, bad: np.ndarray) -> int:
    """How many pixels of an image (C, H, W) are far brighter than what is on two sides of them.

    The two sides are left and right, or above and below, so that tracks count as well as single
    pixels. The noise is that of the image, or of the block of 8 × 8 pixels about the pixel where
    that is larger: the few photons of a bright region are no rays.

    Args:
        pixels: Of the image.
        bad: Pixels (C, H, W) that the image's own mask or noise map rules out, or not finite.
    """
    count = 0
    for plane, hole in zip(pixels, bad, strict=True):
        known = plane[~hole]
        if not len(known) or min(plane.shape) < 3:
            continue
        level = np.median(known)
        sigma = 1.4826 * np.median(np.abs(known - level))
        if sigma <= 0:
            continue
        noise = np.maximum(_local_noise(np.where(hole, level, plane)), sigma)
        excess = np.where(hole, np.inf, plane - level)
        inner = excess[1:-1, 1:-1]
        beside = np.maximum(excess[1:-1, :-2], excess[1:-1, 2:])
        above = np.maximum(excess[:-2, 1:-1], excess[2:, 1:-1])
        sharp = np.minimum(beside, above) < _CONTRAST * inner
        count += int((sharp & (inner > _SIGNIFICANT * noise[1:-1, 1:-1]) & ~hole[1:-1, 1:-1]).sum())
    return count


def _local_noise(plane: np.ndarray) -> np.ndarray:
    """Noise (H, W) of the block about each pixel, by differences of neighbours in a row."""
    height, width = plane.shape
    steps = np.abs(np.diff(plane, axis=1, append=plane[:, -2:-1]))
    rows, columns = -(-height // _BLOCK), -(-width // _BLOCK)
    margins = (0, rows * _BLOCK - height), (0, columns * _BLOCK - width)
    blocks = np.pad(steps, margins, mode="symmetric").reshape(rows, _BLOCK, columns, _BLOCK)
    scatter = 1.4826 * np.median(blocks, axis=(1, 3)) / np.sqrt(2)
    whole = np.repeat(np.repeat(scatter, _BLOCK, 0), _BLOCK, 1)
    return np.asarray(whole[:height, :width])
