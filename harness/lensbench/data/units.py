"""From the unit of a pixel to surface brightness in µJy/arcsec²."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from typing import Any, TypeGuard

from lensbench.api.condition import MICROJANSKY_ZEROPOINT

ZEROPOINTS = ("MAGZERO", "MAGZPT", "MAGZP", "ZEROPNT", "ZEROPOINT", "PHOTZP", "ZP", "ABMAGZP")
"""Keywords of the AB magnitude of one count per second."""

TIMES = ("EXPTIME", "TEXPTIME")
"""Keywords of the exposure time [s]."""

_SPELLINGS = (
    (r"µ|μ", "u"),
    (r"²", "2"),
    (r"\bcps\b", "ct s-1"),
    (r"\b(e-(?![\d.])|e\b(?![-+\d])|electrons?)", "electron"),
    (r"\b(counts?|cts?|dn|adu|photons?|ph)\b", "ct"),
    (r"\b(seconds?|secs?)\b", "s"),
    (r"\bpix(els?)?\b", "pix"),
    (r"\bmicro-?(jansky|jy)s?\b", "uJy"),
    (r"\bnano-?(jansky|jy)s?\b", "nJy"),
    (r"\bmega-?(jansky|jy)s?\b", "MJy"),
    (r"\bnjy\b", "nJy"),
    (r"\bujy\b", "uJy"),
    (r"\bjy\b", "Jy"),
    (r"\b(nanomagg(y|ies)|nmgy)\b", "3.631 uJy"),
    (r"\b(magg(y|ies)|mgy)\b", "3631 Jy"),
    (r"\b(sr|steradians?)\b", "sr"),
    (r"\b(arcsecs?|arcseconds?)", "arcsec"),
    (r"\bs\b", "s"),
)
"""Ways to write units, whatever their case, and how astropy spells them."""


def microjansky_of(
    unit: str, pixel_scale: float | None, header: Mapping[str, Any], zeropoint: float | None = None
) -> float | None:
    """Surface brightness [µJy/arcsec²] of a pixel of value one; `None` where it is not known.

    Args:
        unit: As the file gives it, such as `MJy/sr`, `nJy` (of a pixel) or `electrons/s`. Without
            one, a zero point is taken to be the magnitude of a pixel of value one.
        pixel_scale: Side of a pixel [arcsec].
        header: Of the image: zero point, exposure time, PHOTFLAM and PHOTPLAM.
        zeropoint: AB magnitude of one count per second, in place of the header's.
    """
    from astropy import units

    found = _parsed(unit)
    if found is None or not (unit.strip() or _stated(header)):
        return None
    surface = units.uJy / units.arcsec**2
    if found.is_equivalent(surface):
        return float(found.to(surface))
    if not pixel_scale:
        return None
    if found.is_equivalent(units.Jy):
        return float(found.to(units.uJy)) / pixel_scale**2
    rate = _rate(found, header) if unit.strip() else 1.0
    magnitude = zeropoint if zeropoint is not None else zeropoint_of(header)
    if rate is None or magnitude is None:
        return None
    return float(rate * 10 ** (-0.4 * (magnitude - MICROJANSKY_ZEROPOINT)) / pixel_scale**2)


def one_spelling(unit: str) -> str:
    """A unit in one spelling, to be compared: `e-/s` and `ELECTRONS/S` are `electron / s`."""
    found = _parsed(unit)
    return unit.strip() if found is None else found.to_string()


def is_surface_brightness(unit: str) -> bool:
    """Whether a unit is of a solid angle, such as `MJy/sr`: its values do not grow with pixels."""
    from astropy import units

    found = _parsed(unit)
    return found is not None and found.is_equivalent(units.Jy / units.sr)


def _parsed(unit: str) -> Any:
    """A unit of a pixel as astropy's, less `per pixel`; `None` where it is none that is known."""
    from astropy import units

    text = unit.strip()
    for form, spelling in _SPELLINGS:
        text = re.sub(form, spelling, text, flags=re.IGNORECASE)
    if "sr" in text:  # in capitals, as many headers are
        text = text.replace("MJY", "MJy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", units.UnitsWarning)
        try:
            found = units.Unit(text)
        except (ValueError, TypeError):
            return None
    plain = found.decompose()
    powers = dict(zip(plain.bases, plain.powers, strict=True))
    return found * units.pix if powers.get(units.pix) == -1 else found


def _rate(unit: Any, header: Mapping[str, Any]) -> float | None:
    """Counts per second of a pixel of value one, from the exposure time where it has totals."""
    from astropy import units

    for one in (units.ct, units.electron):
        if unit.is_equivalent(one / units.s):
            return float(unit.to(one / units.s))
        if unit.is_equivalent(one):
            time = next(filter(None, map(header.get, TIMES)), None)
            return float(unit.to(one)) / float(time) if _positive(time) else None
    return None


def zeropoint_of(header: Mapping[str, Any]) -> float | None:
    """AB magnitude of one count per second, from a zero point or from PHOTFLAM and PHOTPLAM.

    The latter after the HST data handbook: m_AB = −2.5 log10 PHOTFLAM − 5 log10 PHOTPLAM − 2.408.
    """
    if (stated := _stated(header)) is not None:
        return stated
    flam, plam = header.get("PHOTFLAM"), header.get("PHOTPLAM")
    if _positive(flam) and _positive(plam):
        return -2.5 * math.log10(float(flam)) - 5 * math.log10(float(plam)) - 2.408
    flux = header.get("FLUXMAG0")
    return 2.5 * math.log10(float(flux)) if _positive(flux) else None


def _stated(header: Mapping[str, Any]) -> float | None:
    """A zero point that stands in a header as such."""
    found = (header.get(name) for name in ZEROPOINTS)
    sane = (float(one) for one in found if isinstance(one, int | float) and 10 < one < 50)
    return next(sane, None)


def _positive(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0
