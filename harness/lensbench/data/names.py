"""Names of files, columns and arrays: bands, sides of pairs, units, pixel scales and widths."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

BAND = re.compile(
    r"(band[\W_]?\w{1,4}|[ugrizyjhk]|vis|nir[\W_]?[yjh]|f\d{3,4}[wlmnx]p?|"
    r"(des|hsc|lsst|sdss|euclid|nisp|wfc3|acs)[\W_]?\w{1,6})$",
    re.IGNORECASE,
)
"""A band or filter."""

PAIRS: Mapping[str, str] = {
    "lr": "LR", "low": "LR", "lowres": "LR", "low_res": "LR", "low_resolution": "LR",
    "hr": "HR", "high": "HR", "highres": "HR", "high_res": "HR", "high_resolution": "HR",
    "noisy": "noisy", "noise": "noisy", "clean": "clean", "denoised": "clean", "noiseless": "clean",
}  # fmt: skip
SIDES = ({"LR", "HR"}, {"noisy", "clean"})
"""What the two sides of a pair are called."""

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


_EPOCH = r"([\W_]?(j?2000|deg|icrs))?$"
_RA = re.compile(rf"_?(ra|right[\W_]?ascension|alpha){_EPOCH}", re.IGNORECASE)
_DEC = re.compile(rf"_?(de|dec|decl|declination|delta){_EPOCH}", re.IGNORECASE)


def position_names(names: Iterable[str]) -> tuple[str, str] | None:
    """Columns of right ascension and declination; `None` where there are not both."""
    listed = list(names)
    found = [next((n for n in listed if form.match(n)), "") for form in (_RA, _DEC)]
    return (found[0], found[1]) if all(found) else None


def few(names: Sequence[str], most: int = 5) -> str:
    """The first names of many."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
