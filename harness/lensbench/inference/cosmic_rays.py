"""Cosmic rays in one image: found by their sharp edges, and filled in from around them."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np

from lensbench.api.condition import Condition

_LIMITS = (8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
"""Contrasts with the fine structure of the image above which a sharp pixel counts as a ray."""

_SIGNIFICANT = 6.0
"""Significance of a sharp pixel [σ]; that of its neighbours is 0.3 times as large."""

_KERNEL = 1.0
"""Standard deviation of the Gaussian that fills gaps in [pixels]."""

MISSING = "cosmic rays not looked for: pip install 'lensbench[measure]'"
"""What is said where astroscrappy is not installed."""


def astroscrappy() -> Any | None:
    """The library that finds cosmic rays, if it is installed."""
    try:
        return importlib.import_module("astroscrappy")
    except ImportError:
        return None


def cosmic_rays(library: Any, image: np.ndarray, condition: Condition) -> np.ndarray | None:
    """Pixels (H, W) that cosmic rays have hit, by their Laplacian (van Dokkum 2001).

    The limit in contrast is raised until a star as bright as the brightest source, with the PSF of
    the condition, is not taken for a ray. So a sharp PSF leaves fewer rays found, and no core of a
    galaxy or quasar is cut out.

    Args:
        library: `astroscrappy`.
        image: (H, W) in units of the noise of an empty pixel.
        condition: With the PSF and the noise of the image.

    Returns:
        The mask; `None` where rays cannot be distinguished from stars.
    """
    star = _point_source(condition)
    star = star * min(image.max(), _smooth(image).max() / _smooth(star).max())
    for limit in _LIMITS:
        if not _found(library, star, condition, limit).any():
            return _thin(_found(library, image, condition, limit))
    return None


def _smooth(image: np.ndarray) -> np.ndarray:
    """Medians over 3 × 3 pixels: tracks are gone, and sources are left."""
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(image, 3))


def _thin(mask: np.ndarray) -> np.ndarray | None:
    """The tracks of a mask (H, W) that are nowhere three pixels wide in both directions.

    Bright knots are, and rays hardly ever; `None` where most of the mask is such knots.
    """
    from scipy.ndimage import binary_opening, label

    around = np.ones((3, 3))
    tracks, _ = label(mask, around)
    wide = np.isin(tracks, np.unique(tracks[binary_opening(mask, around)])) & mask
    return None if 2 * wide.sum() > mask.sum() else mask & ~wide


def filled(image: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """An image (H, W) with bad pixels filled in from their neighbours; zero in wide gaps."""
    if not bad.any():
        return image
    from astropy.convolution import Gaussian2DKernel, interpolate_replace_nans
    from astropy.utils.exceptions import AstropyUserWarning

    holes = np.where(bad, np.nan, image).astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyUserWarning)  # of gaps wider than the kernel
        whole = interpolate_replace_nans(holes, Gaussian2DKernel(_KERNEL))
    finite: np.ndarray = np.nan_to_num(whole)
    return finite


def _found(library: Any, image: np.ndarray, condition: Condition, limit: float) -> np.ndarray:
    variance = 1 + image.clip(min=0) / condition.sigma_electrons
    mask, _ = library.detect_cosmics(
        np.ascontiguousarray(image, dtype=np.float32),
        invar=np.ascontiguousarray(variance, dtype=np.float32),
        sigclip=_SIGNIFICANT,
        sigfrac=0.3,
        objlim=limit,
        gain=1.0,
        readnoise=0.0,
        satlevel=np.inf,
        cleantype="meanmask",
    )
    return np.asarray(mask, dtype=bool)


def _point_source(condition: Condition) -> np.ndarray:
    """A star of peak one in a field of empty sky: the PSF of the condition, in its pixels."""
    import torch

    from lensbench.sky.observation import imaging_operator

    side, scale = 33, condition.pixel_scale
    point = torch.zeros(1, side, side)
    point[0, side // 2, side // 2] = 1
    star = imaging_operator(condition, side, scale, side, scale)(point)[0].numpy()
    return np.asarray(star / star.max())
