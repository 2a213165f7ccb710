"""Masks and data-quality planes: which pixels must not be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

_RUBIN_BAD = ("BAD", "SAT", "NO_DATA", "CR", "SUSPECT", "EDGE", "UNMASKEDNAN")


def not_good(data: np.ndarray) -> np.ndarray:
    """Pixels (H, W) or (C, H, W) that a plane which marks good ones does not."""
    plane = data[0] if data.ndim == 3 and data.shape[0] == 1 else data
    return np.asarray(np.nan_to_num(plane) == 0)


def bad_pixels(data: np.ndarray, header: Mapping[str, Any], first: Mapping[str, Any]) -> np.ndarray:
    """Pixels (H, W) or (C, H, W) that must not be used.

    Planes of the Rubin and HSC pipelines name their bits in `MP_` cards, of which DETECTED is no
    defect. JWST marks with its lowest bit what must not be used. Elsewhere anything but zero is
    bad. A plane that flags every pixel marks good ones, as some archives do.
    """
    plane = data[0] if data.ndim == 3 and data.shape[0] == 1 else data
    bits = [header[f"MP_{name}"] for name in _RUBIN_BAD if f"MP_{name}" in header]
    if bits:
        return np.asarray((plane & sum(1 << int(bit) for bit in bits)) != 0)
    if str(first.get("TELESCOP", "")).strip().upper() == "JWST" and plane.dtype.kind in "iu":
        return np.asarray((plane & 1) != 0)
    flagged = np.nan_to_num(plane) != 0
    return np.zeros_like(flagged) if flagged.all() else flagged
