"""Pixel scale and position of a FITS image, in all the ways that headers state them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

_SCALES = ("PIXSCALE", "PIXSCAY", "PIXSCAX", "PIXELSCL", "PSCALE", "SECPIX", "SECPIX1", "D001SCAL")
_SANE = (1e-4, 60.0)
"""Sides of pixels of cut-outs [arcsec]; others are taken for something else."""


def pixel_scale_of(headers: Sequence[Any]) -> float | None:
    """Side of a pixel [arcsec], from the first header that says it: by a card, then by its WCS.

    Args:
        headers: Of the image, then of the whole file.
    """
    for header in headers:
        for name in _SCALES:
            if (scale := _sane(header.get(name))) is not None:
                return scale
        area = header.get("PIXAR_A2")
        if isinstance(area, int | float) and area > 0 and (scale := _sane(math.sqrt(area))):
            return scale
    return next((scale for header in headers if (scale := _from_wcs(header)) is not None), None)


def position_of(header: Any, shape: tuple[int, ...]) -> tuple[float, float] | None:
    """Right ascension and declination [deg] of the centre of an image (..., H, W) by its WCS."""
    world = _celestial(header)
    if world is None:
        return None
    try:
        ra, dec = world.wcs_pix2world((shape[-1] - 1) / 2, (shape[-2] - 1) / 2, 0)
    except Exception:  # a WCS that cannot be inverted says nothing
        return None
    found = float(ra), float(dec)
    return found if all(map(math.isfinite, found)) else None


def _from_wcs(header: Any) -> float | None:
    world = _celestial(header)
    if world is not None:
        from astropy.wcs.utils import proj_plane_pixel_scales

        return _sane(sum(proj_plane_pixel_scales(world)) / 2 * 3600)
    if any(name in header for name in ("CD1_1", "CD1_2")):  # a matrix without CTYPE, in degrees
        a, b, c, d = (float(header.get(f"CD{n}", 0.0)) for n in ("1_1", "1_2", "2_1", "2_2"))
        return _sane(math.sqrt(abs(a * d - b * c)) * 3600)
    step = header.get("CDELT2", header.get("CDELT1"))
    if isinstance(step, int | float) and abs(step) not in (0.0, 1.0):
        return _sane(abs(step) * 3600)
    return None


def _celestial(header: Any) -> Any:
    """The celestial part of a header's WCS; `None` where there is none."""
    if "CTYPE1" not in header:
        return None
    from astropy.wcs import WCS

    world = WCS(header, naxis=2) if int(header.get("NAXIS", 2)) > 2 else WCS(header)
    return world.celestial if world.has_celestial else None


def _sane(scale: object) -> float | None:
    if not isinstance(scale, int | float) or not _SANE[0] <= float(scale) <= _SANE[1]:
        return None
    return float(scale)
