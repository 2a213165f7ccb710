"""Hugging Face `datasets`: on the hub, as a copy of its repository, or as saved on disk."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.data.joining import joined_columns
from lensbench.data.picture import Picture, Selection, Source
from lensbench.data.readers.cards import Facts, read_facts
from lensbench.data.readers.columns import (
    Table,
    beside_columns,
    image_columns,
    plain_columns,
    table_source,
    unused_lists,
)
from lensbench.data.readers.guard import reading
from lensbench.data.readers.parquet import ParquetRows
from lensbench.errors import DataError
from lensbench.files import files_below


def open_huggingface(path: Path, selection: Selection) -> Source:
    """Source of a folder that `datasets.save_to_disk` wrote."""
    with reading(path, "Hugging Face dataset"):
        import datasets

        loaded = datasets.load_from_disk(str(path))
        if not isinstance(loaded, datasets.Dataset | datasets.DatasetDict):
            raise DataError(f"{str(path)!r} is no dataset of `datasets`", "")
        return huggingface_source(str(path), loaded, selection, {})


def open_hub(name: str, selection: Selection) -> Source:
    """Source of a dataset on the Hugging Face hub, or of a local copy of its repository.

    Args:
        name: `owner/name`, or a folder with its Parquet files.
        selection: Columns.

    Raises:
        DataError: Where it cannot be reached, saying what to do by hand.
    """
    import datasets

    local = files_below(Path(name)) if Path(name).is_dir() else ()
    for file in (one for one in local if one.suffix == ".parquet"):
        with reading(file, "Parquet"):  # `datasets` writes it to the disk anew, unpacked
            ParquetRows(file).check()
    try:
        loaded = datasets.load_dataset(name)
    except Exception as error:
        raise DataError(
            f"dataset {name!r} cannot be loaded: {str(error).splitlines()[0][:160]}",
            f"where there is a connection: `hf download --repo-type dataset {name} "
            "--local-dir FOLDER`, then name that folder here",
        ) from error
    return huggingface_source(name, loaded, selection, read_facts(name))


def huggingface_source(path: str, loaded: Any, selection: Selection, facts: Facts) -> Source:
    """Source of a loaded `Dataset` or of all splits of a `DatasetDict`."""
    splits = dict(loaded) if hasattr(loaded, "keys") else {"": loaded}
    parts = [
        _huggingface_split(path, split, rows, selection, facts.get(split, {}))
        for split, rows in splits.items()
    ]
    starts = np.concatenate([[0], np.cumsum([len(part.items) for part in parts])]).tolist()

    def read(index: int) -> Picture:
        part = bisect.bisect_right(starts, index) - 1
        return parts[part].read(index - starts[part])

    first = parts[0]
    named = [split for split in splits if split]
    title = f"Hugging Face dataset of {starts[-1]} images" + (
        f" in splits {', '.join(named)}" if named else ""
    )
    return Source(
        path,
        "huggingface",
        title,
        tuple(item for part in parts for item in part.items),
        read,
        first.notes,
        first.options,
        first.facts,
        first.classes,
        columns=joined_columns(parts),
        left_out=first.left_out,
    )


def _huggingface_split(
    path: str, split: str, dataset: Any, selection: Selection, facts: Mapping[str, str]
) -> Source:
    dataset.data.table.validate(full=True)
    plain_arrow = dataset.with_format(None)
    types = {name: type(feature).__name__ for name, feature in dataset.features.items()}
    types = {
        n: "image" if kind in ("Image", "Array2D", "Array3D") else str(dataset.features[n])
        for n, kind in types.items()
    }
    images = image_columns(Path(path), types, selection)
    names = plain_columns(types, selection, facts) - set(images)
    plain = {name: list(plain_arrow[name]) for name in sorted(names)}
    beside = beside_columns(types, names, images)
    used = sorted({*images, *(name for of in beside.values() for name in of.values())} - names)
    classes: tuple[str, ...] = ()
    for name, values in plain.items():
        known = getattr(dataset.features[name], "names", None)
        if known:
            plain[name] = [known[v] if isinstance(v, int) and v >= 0 else "" for v in values]
            classes = tuple(known)
    wanted = dataset.select_columns(used).with_format("numpy")
    table = Table(
        len(dataset),
        images,
        plain,
        row=lambda index, column: wanted[index][column],
        beside=beside,
        left_out=unused_lists(types, {*used, *names}),
        facts=facts,
        split=split,
    )
    source = table_source(Path(path), "huggingface", "", table, selection)
    return source if not classes else replace(source, classes=classes)
