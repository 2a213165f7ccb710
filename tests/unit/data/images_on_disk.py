"""Images written to disk and read back, for tests of layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits

from lensbench.data.picture import Source


def quiet(*_: object) -> None:
    """Reports nothing."""


def image(seed: int, *shape: int) -> np.ndarray:
    """Noise of this shape."""
    return np.random.default_rng(seed).normal(1, 0.1, shape).astype(np.float32)


def save(path: Path, array: np.ndarray) -> None:
    """Writes a .npy with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array, allow_pickle=array.dtype == object)


def pixels(source: Source) -> list[np.ndarray]:
    """All images of a source."""
    return [source.read(index).pixels for index in range(len(source.items))]


def sky(scale: float, **cards: object) -> fits.Header:
    """A header with a WCS by PC and CDELT."""
    header = fits.Header()
    header.update(
        CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRPIX1=10.5, CRPIX2=10.5, CRVAL1=150.0, CRVAL2=2.0,
        CDELT1=scale / 3600, CDELT2=scale / 3600, PC1_1=-1.0, PC2_2=1.0, **cards,
    )  # fmt: skip
    return header
