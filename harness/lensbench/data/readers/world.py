"""Pixel scale and position of a FITS image, in all the ways that headers state them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

_CARD = re.compile(
    r"(pix(el)?sca?le?[xy12]?|pixsca[xy]|pixelscl|pi?x(el)?size|secpix[12]?|pscale|platescale|"
    r"pltscale|d001scal)$"
)
"""Keywords of the side of a pixel, in small letters and without underscores."""

_UNITS = {"deg": 3600.0, "mas": 1e-3, "milliarcsec": 1e-3, "arcmin": 60.0, "rad": 206264.806}
_SANE = (1e-4, 60.0)
"""Sides of pixels of cut-outs [arcsec]; others are taken for something else."""

_UNLIKE = 10.0
"""Factor between a card and a WCS above which the card is of another unit."""


def pixel_scale_of(headers: Sequence[Any]) -> float | None:
    """Side of a pixel [arcsec], from the first header that says it: by a card, else by its WCS.

    A card that is tenfold off the WCS of its header has another unit, and the WCS is taken.

    Args:
        headers: Of the image, then of the whole file.
    """
    sky = next((scale for header in headers if (scale := _from_wcs(header)) is not None), None)
    for header in headers:
        for scale in _from_cards(header):
            if sky is None or 1 / _UNLIKE < scale / sky < _UNLIKE:
                return scale
    if sky is not None:
        return sky
    areas = (header.get("PIXAR_A2") for header in headers)
    sides = (_sane(math.sqrt(area)) for area in areas if isinstance(area, int | float) and area > 0)
    return next(filter(None, sides), None)


def position_of(header: Any, shape: tuple[int, ...]) -> tuple[float, float] | None:
    """Right ascension and declination [deg] of the centre of an image (..., H, W) by its WCS."""
    world = _celestial(header)
    if world is None or _from_wcs(header) is None:
        return None
    try:
        place = world.pixel_to_world((shape[-1] - 1) / 2, (shape[-2] - 1) / 2).icrs
    except Exception:  # a WCS that cannot be inverted says nothing
        return None
    found = float(place.ra.deg), float(place.dec.deg)
    return found if all(map(math.isfinite, found)) else None


def _from_cards(header: Any) -> Iterator[float]:
    """Sides of a pixel [arcsec] that cards state, as numbers or texts.

    The unit is that of the text or of the card's comment; what is too small for arcsec is degrees.
    """
    for name in header:
        if not _CARD.match(str(name).lower().replace("_", "").replace(" ", "")):
            continue
        value, comment = header[name], ""
        if isinstance(value, str):
            number = re.match(r"\s*([-+.\de]+)(.*)", value, re.IGNORECASE)
            if not number:
                continue
            value, comment = number[1], number[2]
        comment = f"{comment} {getattr(header, 'comments', {name: ''})[name]}".lower()
        try:
            side = abs(float(value))
        except (ValueError, TypeError):
            continue
        words = re.findall(r"[a-z]+", comment)
        factor = next((_UNITS[word] for word in words if word in _UNITS), 1.0)
        if factor == 1.0 and side < _SANE[0]:
            factor = _UNITS["deg"]
        if (scale := _sane(side * factor)) is not None:
            yield scale


def _from_wcs(header: Any) -> float | None:
    world = _celestial(header)
    if world is not None:
        from astropy.wcs.utils import proj_plane_pixel_scales

        return _sane(sum(proj_plane_pixel_scales(world)) / 2 * 3600)
    unit = str(header.get("CUNIT1", "deg")).strip().lower()
    factor = 1.0 if unit.startswith("arcsec") else _UNITS.get(unit, _UNITS["deg"])
    if any(name in header for name in ("CD1_1", "CD1_2")):  # a matrix without CTYPE, in degrees
        a, b, c, d = (float(header.get(f"CD{n}", 0.0)) for n in ("1_1", "1_2", "2_1", "2_2"))
        return _sane(math.sqrt(abs(a * d - b * c)) * factor)
    step = header.get("CDELT2", header.get("CDELT1"))
    if isinstance(step, int | float) and abs(step) not in (0.0, 1.0):
        return _sane(abs(step) * factor)
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
