"""Several files as one source: the splits of one data set, or the shards of one survey."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lensbench.data.picture import Column, Item, Picture, Source
from lensbench.data.readers.array_names import CLASS
from lensbench.data.readers.levels import parted
from lensbench.data.readers.tables import split_in_name
from lensbench.data.splits import split_of

_JOINED = ("stack", "hdf5", "parquet", "fits-table", "named-images")


def joined_by_name(folder: Path, sources: Sequence[Source]) -> list[Source]:
    """Sources with those of one layout joined: splits or classes by name, or shards of one shape.

    Names are of splits and classes, as `train_lens.npy`, or words for lenses and for others.
    """
    left = list(sources)
    for layout in _JOINED:
        alike = [source for source in left if source.layout == layout]
        if len(alike) < 2:
            continue
        stems = [Path(source.path).name.partition(".")[0] for source in alike]
        splits = [split_in_name(Path(source.path)) for source in alike]
        labels = [parted(stem)[1] for stem in stems] if all(splits) else stems
        if all(map(CLASS.fullmatch, labels)) and not _have_classes(alike):
            named = zip(alike, labels, strict=True)
            labelled = [_labelled(source, label) for source, label in named]
            left = [source for source in left if source not in alike]
            left.append(_joined(folder, labelled, splits if all(splits) else [""] * len(alike)))
            continue
        own = any(item.split for source in alike for item in source.items)
        if not own and (all(splits) or _are_shards(alike)):
            left = [source for source in left if source not in alike]
            left.append(_joined(folder, alike, splits if all(splits) else [""] * len(alike)))
    return left


def _have_classes(sources: Sequence[Source]) -> bool:
    return any(item.label for source in sources for item in source.items)


def _labelled(source: Source, label: str) -> Source:
    """A source all of whose images are of one class."""
    items = tuple(replace(item, label=label) for item in source.items)
    return replace(source, items=items, classes=(label,))


def _are_shards(sources: Sequence[Source]) -> bool:
    """Whether files differ in a running number alone, and hold images of one shape.

    Files of one image each need not differ so: each is of one object.
    """
    if all(len(source.items) == 1 for source in sources):
        return True
    stems = {re.sub(r"\d+", "#", Path(source.path).name) for source in sources}
    if len(stems) > 1:
        return False
    return len({source.read(0).pixels.shape for source in sources}) == 1


def joined_by_folder(folder: Path, sources: Sequence[Source], classes: bool) -> list[Source]:
    """One source of all where each folder has one, alike, whose name is a split or a class.

    Args:
        folder: Above these folders.
        sources: One of each folder, with their paths.
        classes: Whether names of folders can be classes.
    """
    names = [Path(source.path).relative_to(folder).parts[0] for source in sources]
    layouts = {source.layout for source in sources}
    if not 1 < len(sources) == len(set(names)) or len(layouts) > 1 or not layouts <= {*_JOINED}:
        return list(sources)
    items = [item for source in sources for item in source.items]
    splits = list(map(split_of, names))
    named = all(splits)
    if any(item.split if named else item.label for item in items) or not (named or classes):
        return list(sources)
    labelled = [
        replace(
            source,
            items=tuple(_in_folder(item, name, "" if named else name) for item in source.items),
            classes=source.classes if named else (name,),
        )
        for source, name in zip(sources, names, strict=True)
    ]
    return [_joined(folder, labelled, splits if named else [""] * len(names))]


def _in_folder(item: Item, folder: str, label: str) -> Item:
    """An item of a folder, as seen from the one above."""
    scene = f"{folder}/{item.scene or item.name}"
    return replace(item, name=f"{folder}/{item.name}", scene=scene, label=label or item.label)


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
    files = ", ".join(str(Path(source.path).relative_to(folder)) for source in sources[:6])
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
