"""Names of columns and arrays: their units, bands, and the two numbers that readers use."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

BAND = re.compile(
    r"(band[\W_]?\w{1,4}|[ugrizyjhk]|vis|nir[\W_]?[yjh]|f\d{3,4}[wlmnx]p?|"
    r"(des|hsc|lsst|sdss|euclid|nisp|wfc3|acs)[\W_]?\w{1,6})$",
    re.IGNORECASE,
)
"""A band or filter."""

SCALES = ("pixel_scale", "pixscale", "pix_scale", "pixelscale")
WIDTHS = ("psf_fwhm", "seeing")

_UNIT = re.compile(r"^(.+?)(?:\s*[\[(]([^\])]*)[\])]|_(arcsec|arcmin|mas|deg|rad))$", re.IGNORECASE)
_TOKENS = re.compile(r"[/_\-. ]+")


def columns_and_units(names: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Columns by the names in a file, and units by column.

    Names such as `x [m]` and `x_arcsec` state the unit. Sides of pixels are `pixel_scale` and
    widths of PSFs `psf_fwhm`, as long as one column alone is of each.
    """
    found: dict[str, tuple[str, str]] = {}
    for name in names:
        form = _UNIT.match(name.strip())
        plain, unit = (form[1], form[2] or form[3].lower()) if form else (name.strip(), "")
        found[name] = (_usual(plain), unit)
    counts = Counter(plain for plain, _ in found.values())
    alone = {n: pair if counts[pair[0]] == 1 else (n.strip(), pair[1]) for n, pair in found.items()}
    return (
        {name: plain for name, (plain, _) in alone.items()},
        {plain: unit for plain, unit in alone.values() if unit},
    )


def _usual(name: str) -> str:
    lower = name.lower()
    return SCALES[0] if lower in SCALES else WIDTHS[0] if lower in WIDTHS else name


def arcsec_of(values: Mapping[str, float], name: str, units: Mapping[str, str]) -> float | None:
    """A positive angle among the numbers of an image, in arcsec; `None` where there is none."""
    value, unit = values.get(name), units.get(name, "")
    if value is None or not 0 < value < float("inf"):
        return None
    from astropy import units as astropy_units

    try:
        return float(value * astropy_units.Unit(unit or "arcsec").to(astropy_units.arcsec))
    except (ValueError, TypeError):
        return None


def without_band(name: str) -> tuple[str, str]:
    """A name less the band at its end, and the band: `image_g` is `image` and `g`."""
    tokens = [token for token in _TOKENS.split(name) if token]
    if tokens and BAND.match(tokens[-1]):
        return "_".join(tokens[:-1]), tokens[-1]
    return "_".join(tokens), ""
