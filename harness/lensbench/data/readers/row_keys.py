"""Which row of a table is of which image: by the name of its file, or by its position."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lensbench.data.links import ARCSEC, directions
from lensbench.data.names import position_names
from lensbench.data.readers.entries import SUFFIXES, stem_of
from lensbench.data.readers.table_files import Row

_DEPTH = 4
_WORDS = 12
_BANDS = 16
"""Files of one row: more than these are not known by that part of their names."""

FIRST = 1000
"""Files of many by which it is seen what a table names."""


def bare_name(name: str) -> str:
    """The name of an image file without its suffix; other texts as they are."""
    return stem_of(name) if name.lower().endswith(SUFFIXES) else name


def keys_of_rows(rows: Mapping[str, object], files: Sequence[Path]) -> list[str]:
    """The key of the row of each image file; empty where it has none.

    It is the end of the file's path or its stem; where no row is found so, a part of its name.
    """
    if not rows:
        return [""] * len(files)
    keys = [_key_of(rows, file) for file in files]
    return keys if any(keys) else _keys_by_name(rows, files)


def _key_of(rows: Mapping[str, object], file: Path) -> str:
    parts, stem = file.parts, file.name.partition(".")[0]
    ends = ["/".join(parts[-depth:]) for depth in range(min(_DEPTH, len(parts)), 0, -1)]
    above = [end.rpartition("/")[0] for end in ends[:-1]]
    stems = [f"{one}/{stem}" for one in above] + [f"{one}/{file.stem}" for one in above]
    return next((key for key in (*ends, *stems, file.stem, stem) if key in rows), "")


def _keys_by_name(rows: Mapping[str, object], files: Sequence[Path]) -> list[str]:
    """Keys by one part of the names of files, or of the last names of rows without suffixes.

    The part is the run of words, or the number, at that place in all names which names most rows.
    Marks between words, capitals and leading zeros do not matter.
    """
    alone = len({file.name for file in files}) == len(files)
    whole: dict[str, str] = {}
    bare: dict[str, str] = {}
    for row in rows:
        above, _, name = row.replace("\\", "/").rpartition("/")
        for known, text in ((whole, bare_name(name)), (bare, Path(name).stem)):
            if alone or not above:
                known[_plain(text)] = "" if _plain(text) in known else row
    known = bare | whole
    named: dict[object, list[str]] = {}
    stems = [stem_of(file.name) for file in files]
    for stem in stems[:: 1 + len(stems) // FIRST]:
        for place, part in _parts(stem).items():
            if row := known.get(part, ""):
                named.setdefault(place, []).append(row)
    sure = {p: rows for p, rows in named.items() if len(rows) <= _BANDS * len(set(rows))}
    if not sure:
        return [""] * len(files)
    best = max(sure, key=lambda place: len(set(sure[place])))
    return [known.get(_parts(stem).get(best, ""), "") for stem in stems]


def _parts(stem: str) -> dict[object, str]:
    """Runs of words and numbers of a name by their places from its start and from its end."""
    words = list(re.finditer(r"[^_.\-\s]+", stem))[:_WORDS]
    numbers = re.findall(r"\d+", stem)
    count = len(words)
    found: dict[object, str] = {"all": _plain(stem)}
    for first in range(count):
        for last in reversed(range(first, count)):
            part = _plain(stem[words[first].start() : words[last].end()])
            found[first, last] = found[first - count, last - count] = part
    for place, number in enumerate(numbers):
        found[place] = found[place - len(numbers)] = _plain(number)
    return found


def _plain(name: str) -> str:
    """A name without capitals, marks and leading zeros; signs stay."""
    text = re.sub(r"[\s_.]", "", re.sub(r"(?<=\d)\.0$", "", name.lower().replace("\u2212", "-")))
    return text.lstrip("0") or "0" if text.isdecimal() else text


def keys_by_position(
    rows: Mapping[str, Row], positions: Sequence[tuple[float, float] | None]
) -> list[str]:
    """The key of the row within an arcsecond of each image."""
    keys = [""] * len(positions)
    places = np.array([one or (np.nan, np.nan) for one in positions], float).reshape(-1, 2)
    stated = _positions_in(list(rows.values()))
    known, images = (np.flatnonzero(np.isfinite(one).all(1)) for one in (stated, places))
    if len(known) and len(images):
        from scipy.spatial import cKDTree

        distances, nearest = cKDTree(directions(stated[known])).query(directions(places[images]))
        names = list(rows)
        for image, distance, place in zip(images, distances, nearest, strict=True):
            if distance < ARCSEC:
                keys[image] = names[known[place]]
    return keys


def _positions_in(rows: Sequence[Row]) -> np.ndarray:
    """Positions (N, 2) [deg] in degrees, or in hours and degrees with minutes; NaN elsewhere."""
    names = position_names(rows[0]) if rows else None
    texts = [[row.get(name, "") for name in names] for row in rows] if names else []
    try:
        return np.array([[float(text or "nan") for text in pair] for pair in texts]).reshape(-1, 2)
    except ValueError:
        from astropy.coordinates import SkyCoord

        right, declination = map(list, zip(*texts, strict=True))
    try:
        found = SkyCoord(right, declination, unit=("hourangle", "deg"))
    except ValueError:
        return np.full((len(rows), 2), np.nan)
    return np.stack([found.ra.deg, found.dec.deg], 1)
