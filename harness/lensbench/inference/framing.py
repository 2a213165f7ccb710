"""What images have to be for encoders to be shown them: whole, and of sides of eight."""

from __future__ import annotations

import numpy as np

SIDE_STEP = 8
"""Sides of what encoders are shown are multiples of this."""


def cropped(images: np.ndarray) -> np.ndarray:
    """Images (B, C, H, W) about their centre, to sides that are multiples of eight."""
    height, width = (side // SIDE_STEP * SIDE_STEP for side in images.shape[-2:])
    top, left = (images.shape[-2] - height) // 2, (images.shape[-1] - width) // 2
    return images[..., top : top + height, left : left + width]


def flaws(pixels: np.ndarray) -> list[str]:
    """Why each image (B, C, H, W) cannot be used; empty where it can."""
    flat = pixels.reshape(len(pixels), -1)
    if flat.shape[1] == 0 or min(pixels.shape[-2:]) < SIDE_STEP:
        return [f"it has {pixels.shape[-2]} × {pixels.shape[-1]} pixels"] * len(pixels)
    finite = np.isfinite(flat).all(1)
    constant = flat.max(1) == flat.min(1)
    return [
        "pixels are NaN or infinite" if not good else "it is constant" if same else ""
        for good, same in zip(finite.tolist(), constant.tolist(), strict=True)
    ]
