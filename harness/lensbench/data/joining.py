"""Several files as one source: the splits of one data set, or the shards of one survey."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lensbench.data.picture import Column, Picture, Source
from lensbench.data.splits import split_of

_JOINED = ("stack", "hdf5", "parquet", "fits-table")


def split_in_name(path: Path) -> str:
    """The split that a file's name states, such as `x_train.npy`; empty where none."""
    return next(filter(None, map(split_of, re.split(r"[\W_]+", path.stem))), "")


def joined_by_split(folder: Path, sources: Sequence[Source]) -> list[Source]:
    """Sources with those of one layout joined that are splits by name, or shards of one shape."""
    left = list(sources)
    for layout in _JOINED:
        alike = [source for source in left if source.layout == layout]
        if len(alike) < 2:
            continue
        splits = [split_in_name(Path(source.path)) for source in alike]
        own = any(item.split for source in alike for item in source.items)
        if not own and (all(splits) or _are_shards(alike)):
            left = [source for source in left if source not in alike]
            left.append(_joined(folder, alike, splits if all(splits) else [""] * len(alike)))
    return left


def _are_shards(sources: Sequence[Source]) -> bool:
    """Whether files differ in a running number alone, and hold images of one shape."""
    stems = {re.sub(r"\d+", "#", Path(source.path).name) for source in sources}
    if len(stems) > 1:
        return False
    return len({source.read(0).pixels.shape for source in sources}) == 1


def _joined(folder: Path, sources: Sequence[Source], splits: Sequence[str]) -> Source:
    starts = np.concatenate([[0], np.cumsum([len(source.items) for source in sources])]).tolist()
    items = tuple(
        replace(item, split=split or item.split)
        for source, split in zip(sources, splits, strict=True)
        for item in source.items
    )

    def read(index: int) -> Picture:
        place = bisect.bisect_right(starts, index) - 1
        return sources[place].read(index - starts[place])

    first = sources[0]
    kinds = sorted(set(filter(None, splits)))
    files = ", ".join(Path(source.path).name for source in sources[:6])
    title = f"{len(sources)} files of {len(items)} images" + (
        f" in splits {', '.join(kinds)}" if kinds else ""
    )
    return Source(
        str(folder),
        first.layout,
        title,
        items,
        read,
        (f"The files are {files}{', …' if len(sources) > 6 else ''}.",),
        first.options,
        classes=tuple(sorted({name for source in sources for name in source.classes})),
        columns=joined_columns(sources),
        left_out=tuple(what for source in sources for what in source.left_out),
    )


def joined_columns(sources: Sequence[Source]) -> dict[str, Column]:
    """Columns over the items of all sources, unknown where a source has none."""
    names = dict.fromkeys(name for source in sources for name in source.columns)
    columns = {}
    for name in names:
        known = [source.columns.get(name) for source in sources]
        first = next(column for column in known if column is not None)
        blank = np.nan if first.numeric else ""
        values = [
            np.full(len(source.items), blank) if column is None else column.values
            for source, column in zip(sources, known, strict=True)
        ]
        columns[name] = Column(np.concatenate(values), first.unit)
    return columns
