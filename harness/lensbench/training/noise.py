"""From images as they were found to units of their noise."""

from __future__ import annotations

import numpy as np


def in_units_of_noise(
    pixels: np.ndarray, unit: str = "", noise: np.ndarray | None = None
) -> np.ndarray:
    """Images (B, C, H, W) in units of the noise of an empty pixel, float32.

    How the noise is found, the first that is there:

    1. a `unit` that begins with σ: images are in units of their noise already, and stay;
    2. a map of the noise: its median over the image's border;
    3. the border, the outer tenth of each side: 1.4826 × its median absolute deviation. Where that
       is below 1e-4 of the image's peak there is no noise to speak of, and σ is a hundredth of
       the peak.

    In the last two cases the median of the border is taken off first, as background.

    Args:
        pixels: (B, C, H, W); each band has a noise of its own.
        unit: Of the pixels.
        noise: Standard deviation of the pixels (B, H, W).
    """
    if unit.startswith("σ"):
        return np.asarray(pixels, dtype=np.float32)
    frame = _border(pixels.shape[-2:])
    rim = pixels[..., frame].astype(np.float64)
    background = np.median(rim, axis=-1)
    if noise is not None:
        sigma = np.median(np.asarray(noise, dtype=np.float64)[:, frame], axis=-1)[:, None]
        sigma = np.broadcast_to(sigma, background.shape)
    else:
        sigma = _scatter(pixels, rim, background)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = (pixels - background[..., None, None]) / sigma[..., None, None]
    return scaled.astype(np.float32)


def _border(shape: tuple[int, ...]) -> np.ndarray:
    """Which pixels (H, W) are of the outer tenth of each side, and of the outer two at least."""
    frame = np.ones(shape, dtype=bool)
    depth = [max(2, side // 10) for side in shape]
    frame[depth[0] : -depth[0], depth[1] : -depth[1]] = False
    return frame


def _scatter(pixels: np.ndarray, rim: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Noise (B, C) of each image and band, from its border."""
    sigma = np.asarray(1.4826 * np.median(np.abs(rim - background[..., None]), axis=-1))
    ends = [np.abs(end((-2, -1)) - background) for end in (pixels.max, pixels.min)]
    doubtful = sigma <= 1e-4 * np.maximum(*ends)  # no peak is beyond: few are looked at closer
    if doubtful.any():
        values, scatter = pixels[doubtful].astype(np.float64), sigma[doubtful]
        peak = np.abs(np.percentile(values, 99.9, axis=(-2, -1)) - background[doubtful])
        scatter = np.where(scatter < 1e-4 * peak, peak / 100, scatter)
        sigma[doubtful] = np.where(scatter == 0, values.std(axis=(-2, -1)), scatter)
    return sigma
