"""PSFs from FITS files."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from lensbench.api.psf_image import PsfImage
from lensbench.errors import DataError

_SCALE_KEYS = ("PIXELSCL", "PIXSCALE", "PIXSCL", "PSCALE")
"""Header cards that hold a PSF's sampling [arcsec]: WebbPSF's and STPSF's first."""


def read_psf(path: str | Path, hdu: int = 0, pixel_scale: float = 0.0) -> PsfImage:
    """The PSF in a FITS file; see `PsfImage` for its centre and normalisation.

    Args:
        path: The file.
        hdu: Which extension, by number.
        pixel_scale: Side of its pixels [arcsec]; where 0, from PIXELSCL or a like card, or
            from CD1_1 or CDELT1 [deg].

    Raises:
        DataError: Naming the file, where it is missing, no FITS file, not a square finite image
            of positive sum, or of unknown sampling.
    """
    from astropy.io import fits

    file = Path(path)
    if not file.is_file():
        raise DataError(f"PSF file {file} does not exist", "check psf=")
    try:
        with fits.open(file, memmap=False) as opened:
            data = opened[hdu].data
            header = opened[hdu].header
    except (OSError, IndexError, ValueError, TypeError) as error:
        raise DataError(f"{file}: cannot be read as FITS: {error}", "check psf_hdu=") from None
    if not isinstance(data, np.ndarray) or data.dtype.kind not in "fiu":
        raise DataError(f"{file}: extension {hdu} holds no image", "check psf_hdu=")
    try:
        return PsfImage(pixel_scale or _scale_of(header), data.astype(np.float64))
    except DataError as error:
        raise DataError(f"{file}: {error.message}", error.hint) from None


def measure_fwhm(image: PsfImage) -> float:
    """Full width at half maximum [arcsec]: of the circle with the area above half the maximum.

    The image is interpolated by its own band limit, to an eighth of its pixels or to an image of
    2048 pixels on a side.
    """
    n = image.size
    factor = max(1, min(8, 2048 // n))
    spectrum = np.fft.fftshift(np.fft.fft2(image.values))
    before = factor * n // 2 - n // 2
    padded = np.pad(spectrum, (before, factor * n - n - before))
    dense = np.fft.ifft2(np.fft.ifftshift(padded)).real
    area = np.count_nonzero(dense >= dense.max() / 2) * (image.pixel_scale / factor) ** 2
    return 2 * math.sqrt(area / math.pi)


def _scale_of(header: object) -> float:
    """Side of a pixel [arcsec] as the header says."""
    get = header.get  # type: ignore[attr-defined]
    for key in _SCALE_KEYS:
        if get(key):
            return float(get(key))
    for key in ("CD1_1", "CDELT1"):
        if get(key):
            return abs(float(get(key))) * 3600
    raise DataError("its header says no pixel scale", "give psf_scale= in arcsec")
