"""Filters that FITS headers state, of an image or of the planes of a cube."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_CARDS = ("BAND", "FILTER", "FILTNAM", "FILTNAM1", "FILTER1", "FILTER2")
_CLEAR = re.compile(r"(clear|open|none|n/?a|empty|null|unknown)\w*$", re.IGNORECASE)


def filter_of(headers: Sequence[Any]) -> str:
    """The filter of an image, from the first header that says it; empty where none does.

    Of `r DECam SDSS c0002 6415.0 1480.0` it is the first word; wheels that are clear are none.

    Args:
        headers: Of the image, then of the whole file.
    """
    for header in headers:
        for card in _CARDS:
            words = str(header.get(card, "")).split()
            if words and not _CLEAR.match(words[0]):
                return words[0]
    return ""


def filters_of_planes(header: Any, planes: int) -> tuple[str, ...]:
    """Names of the planes of a cube, where one card states as many: `BANDS = 'grz'`."""
    for card in ("BANDS", "FILTERS"):
        text = str(header.get(card, "")).strip()
        for names in (re.split(r"[\s,;]+", text), list(text)):
            if len(names) == planes > 1:
                return tuple(names)
    return ()
