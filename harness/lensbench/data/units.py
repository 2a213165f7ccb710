"""From the unit of a pixel to surface brightness in µJy/arcsec²."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from lensbench.api.condition import MICROJANSKY_ZEROPOINT

_ZEROPOINTS = ("MAGZERO", "MAGZPT", "MAGZP", "ZEROPNT", "ZEROPOINT", "PHOTZP", "ZP", "ABMAGZP")
_PER_SECOND = {"e/s", "e-/s", "electrons/s", "electron/s", "counts/s", "count/s", "cps", "dn/s",
               "adu/s", "ct/s", "photons/s"}  # fmt: skip
_TOTALS = {"e", "e-", "electrons", "electron", "counts", "count", "dn", "adu", "ct", "photons"}


def microjansky_of(
    unit: str, pixel_scale: float | None, header: Mapping[str, Any], zeropoint: float | None = None
) -> float | None:
    """Surface brightness [µJy/arcsec²] of a pixel of value one; `None` where it is not known.

    Args:
        unit: As the file gives it, such as `MJy/sr`, `nJy` (of a pixel) or `electrons/s`.
        pixel_scale: Side of a pixel [arcsec].
        header: Of the image: zero point, exposure time, PHOTFLAM and PHOTPLAM.
        zeropoint: AB magnitude of one count per second, in place of the header's.
    """
    text = _squeezed(unit)
    if text in _PER_SECOND or text in _TOTALS:
        magnitude = zeropoint if zeropoint is not None else zeropoint_of(header)
        if magnitude is None or not pixel_scale:
            return None
        flux = 10 ** (-0.4 * (magnitude - MICROJANSKY_ZEROPOINT))
        if text in _TOTALS:
            time = header.get("EXPTIME") or header.get("TEXPTIME")
            if not _positive(time):
                return None
            flux /= float(time)  # type: ignore[arg-type]
        return float(flux / pixel_scale**2)
    return _physical(unit, pixel_scale)


def one_spelling(unit: str) -> str:
    """A unit of counts or electrons in one spelling, to be compared; others without their spaces.

    `e-/s` and `ELECTRONS/S` are `electrons/s`.
    """
    text = re.sub(r"^(e-?|electrons?)(?=$|/)", "electrons", _squeezed(unit))
    return re.sub(r"^(ct|counts?)(?=$|/)", "counts", text.replace("cps", "counts/s"))


def _squeezed(unit: str) -> str:
    return unit.strip().lower().replace(" ", "").replace("sec", "s").replace("**-1", "")


def zeropoint_of(header: Mapping[str, Any]) -> float | None:
    """AB magnitude of one count per second, from a zero point or from PHOTFLAM and PHOTPLAM.

    The latter after the HST data handbook: m_AB = −2.5 log10 PHOTFLAM − 5 log10 PHOTPLAM − 2.408.
    """
    for name in _ZEROPOINTS:
        value = header.get(name)
        if isinstance(value, int | float) and 10 < value < 50:
            return float(value)
    flam, plam = header.get("PHOTFLAM"), header.get("PHOTPLAM")
    if _positive(flam) and _positive(plam):
        return -2.5 * math.log10(float(flam)) - 5 * math.log10(float(plam)) - 2.408  # type: ignore[arg-type]
    flux = header.get("FLUXMAG0")
    return 2.5 * math.log10(float(flux)) if _positive(flux) else None  # type: ignore[arg-type]


def _physical(unit: str, pixel_scale: float | None) -> float | None:
    """The factor of a unit of flux, of a pixel or of a solid angle."""
    from astropy import units

    try:
        known = units.Unit(unit.replace("µ", "u").replace("μ", "u").replace("²", "2"))
    except (ValueError, TypeError):
        return None
    wanted = units.Unit("uJy")
    if known.is_equivalent(units.Unit("Jy/sr")):
        return float(known.to(wanted / units.arcsec**2))
    if known.is_equivalent(units.Jy) and pixel_scale:
        return float(known.to(wanted)) / pixel_scale**2
    maggy = units.Unit("3631 Jy")
    names = {"nanomaggy": 1e-9, "nanomaggies": 1e-9, "nmgy": 1e-9, "maggy": 1.0}
    factor = names.get(unit.strip().lower())
    if factor is None or not pixel_scale:
        return None
    return float(factor * maggy.to(wanted)) / pixel_scale**2


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0
