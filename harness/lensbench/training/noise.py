"""From images as they were found to units of their noise."""

from __future__ import annotations

import numpy as np


def in_units_of_noise(
    pixels: np.ndarray,
    unit: str = "",
    noise: np.ndarray | None = None,
    unusable: np.ndarray | None = None,
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
        noise: Standard deviation of the pixels (B, H, W) or (B, C, H, W).
        unusable: Pixels (B, C, H, W) that count for nothing: they come out as empty sky, zero.
    """
    if unit.startswith("σ") and unusable is None:
        return np.asarray(pixels, dtype=np.float32)
    background, sigma = background_and_noise(pixels, unit, noise, unusable)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = (pixels - background[..., None, None]) / sigma[..., None, None]
    if unusable is not None:
        scaled = np.where(unusable, 0.0, scaled)
    return np.asarray(scaled, dtype=np.float32)


def background_and_noise(
    pixels: np.ndarray,
    unit: str = "",
    noise: np.ndarray | None = None,
    unusable: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Background and noise (B, C) of images, as `in_units_of_noise` takes them."""
    if unit.startswith("σ"):
        return np.zeros(pixels.shape[:2]), np.ones(pixels.shape[:2])
    if unusable is not None and unusable.any():
        return _level(np.where(unusable, np.nan, pixels), noise, unusable)
    frame = _border(pixels.shape[-2:])
    rim = pixels[..., frame].astype(np.float64)
    background = np.asarray(np.median(rim, axis=-1))
    if noise is None:
        return background, _scatter(pixels, rim, background)
    sigma = np.asarray(np.median(np.asarray(noise, dtype=np.float64)[..., frame], axis=-1))
    return background, np.broadcast_to(
        sigma[:, None] if sigma.ndim == 1 else sigma, background.shape
    )


def _level(
    masked: np.ndarray, noise: np.ndarray | None, unusable: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Background and noise (B, C) of images with NaN where pixels are unusable.

    Of the border, or of all usable pixels where the border has none.
    """
    frame = np.broadcast_to(_border(masked.shape[-2:]), masked.shape) & ~unusable
    background = np.zeros(masked.shape[:2])
    sigma = np.ones(masked.shape[:2])
    for place in np.ndindex(*masked.shape[:2]):
        chosen = frame[place] if frame[place].any() else ~unusable[place]
        rim = masked[place][chosen].astype(np.float64)
        if not len(rim):
            continue
        background[place] = np.median(rim)
        usable = np.where(unusable[place], background[place], masked[place])[None, None]
        sigma[place] = _scatter(usable, rim[None, None], background[place][None, None])[0, 0]
        if noise is not None:
            plane = noise[place[0]] if noise.ndim == 3 else noise[place]
            sigma[place] = np.median(plane[chosen].astype(np.float64))
    return background, sigma


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
