"""Three bands as one colour picture."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

_Q = 8.0
"""How soon the stretch bends (Lupton et al. 2004)."""

_FULL = math.asinh(0.1 * _Q) / 0.1
"""The value of asinh that is full brightness at this Q, in astropy's scaling."""

_BLUE_TO_RED = ("u", "g", "b", "v", "r", "vis", "i", "z", "y", "j", "h", "k")
_FILTER = re.compile(r"f(\d{3,4})[a-z]\d*", re.IGNORECASE)


def colours(pixels: np.ndarray, bands: Sequence[str] = ()) -> np.ndarray:
    """Colours (H, W, 3), from 0 to 1, of three bands (3, H, W), after Lupton et al. 2004.

    The sky of each band is taken off and its scatter becomes one. All bands share one stretch, so
    that the colour of a pixel does not depend on its brightness; the 99.8th percentile is full.
    The reddest band is red where the bands' names say which that is, else the first is.

    Args:
        pixels: Unknown ones are NaN, and come out black.
        bands: Names of the three.
    """
    from astropy.visualization import make_lupton_rgb

    levels = np.stack([_in_units_of_sky(pixels[place]) for place in _red_first(bands)])
    mean, strongest = levels.mean(0), levels.max(0)
    top = max(float(np.percentile(mean, 99.8)), 1e-6)
    bright = mean >= top
    ratio = float(np.median(strongest[bright] / mean[bright])) if bright.any() else 1.0
    bend = _Q * top / math.sinh(_FULL / ratio)
    with np.errstate(invalid="ignore"):  # where all bands are zero, astropy divides by it
        rgb = make_lupton_rgb(*levels, minimum=0.0, stretch=max(bend, 1.0), Q=_Q)
    return np.asarray(rgb, dtype=np.float64) / 255


def _in_units_of_sky(band: np.ndarray) -> np.ndarray:
    """A band (H, W) above the sky (the median of its darker three quarters), over its scatter."""
    finite = band[np.isfinite(band)]
    if not len(finite):
        return np.zeros(band.shape)
    dark = finite[finite <= np.percentile(finite, 75)]
    sky, scatter = float(np.median(dark)), 1.5 * float(np.std(dark))
    level = np.where(np.isfinite(band), band - sky, 0.0)
    return np.asarray(level / scatter if scatter > 0 else level)


def _red_first(bands: Sequence[str]) -> list[int]:
    """Places of three bands from red to blue; their own order where names do not say it."""
    places = [_place(name) for name in bands]
    known = [place for place in places if place is not None]
    if len(known) < 3 or len(set(known)) < 3:
        return [0, 1, 2]
    return sorted(range(3), key=lambda band: -known[band])


def _place(band: str) -> float | None:
    """Where a band is on the way from blue to red, among those of its instrument."""
    if found := _FILTER.search(band):
        return float(found[1])
    last = re.split(r"[-_. ]", band.lower())[-1]
    return float(_BLUE_TO_RED.index(last)) if last in _BLUE_TO_RED else None
