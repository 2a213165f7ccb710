"""Features in files of `lensbench embed`: read batch by batch, or the rows that are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lensbench.errors import DataError, UsageError

FEATURES = "features"
"""Column of pooled features."""

_COLUMNS = ["id", FEATURES]
_ROWS = 65_536
"""Features in memory at once."""


@dataclass(frozen=True)
class Batch:
    """Rows of a file that have features.

    Attributes:
        file: The file.
        rows: Their places in it (B,).
        ids: Of the images.
        features: (B, D), float32.
    """

    file: Path
    rows: np.ndarray
    ids: list[str]
    features: np.ndarray


def files_of(path: Path) -> list[Path]:
    """The file named, or all below a folder, sorted.

    Raises:
        UsageError: Where there is none.
    """
    files = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
    if not files:
        raise UsageError(f"{str(path)!r} holds no features", "name a folder of `lensbench embed`")
    return files


def batches_of(files: Sequence[Path]) -> Iterator[Batch]:
    """All that have features, in order.

    Raises:
        DataError: Where a file holds no features, or features of another length.
    """
    import pyarrow.parquet as pq

    width = 0
    for file in files:
        start = 0
        with _reading(file), pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(_ROWS, columns=_COLUMNS):
                found = _batch(file, batch, start)
                start += len(batch)
                if len(found.ids) == 0:
                    continue
                width = width or found.features.shape[1]
                if found.features.shape[1] != width:
                    raise DataError(
                        f"{str(file)!r} holds features of length {found.features.shape[1]}, "
                        f"expected {width}",
                        "search among features of one encoder",
                    )
                yield found


def footer_of(file: Path) -> tuple[int, bytes]:
    """Number of rows of a file, and a digest of its footer: of its making, sizes and extremes."""
    import pyarrow.parquet as pq

    with _reading(file):
        with file.open("rb") as opened:
            opened.seek(-8, 2)
            length = int.from_bytes(opened.read(4), "little")
            opened.seek(-8 - length, 2)
            footer = opened.read(length)
        return pq.read_metadata(file).num_rows, hashlib.sha256(footer).digest()


def rows_of(file: Path, rows: np.ndarray) -> Batch:
    """Rows of a file by their places, which are read with their row groups alone."""
    import pyarrow.parquet as pq

    parts: list[Batch] = []
    with _reading(file), pq.ParquetFile(file) as opened:
        start = 0
        for group in range(opened.num_row_groups):
            count = opened.metadata.row_group(group).num_rows
            within = rows[(rows >= start) & (rows < start + count)]
            if len(within):
                table = opened.read_row_group(group, columns=_COLUMNS).take(within - start)
                part = _batch(file, table.combine_chunks(), 0)
                parts.append(Batch(file, within[part.rows], part.ids, part.features))
            start += count
    return Batch(
        file,
        np.concatenate([part.rows for part in parts]),
        [one for part in parts for one in part.ids],
        np.concatenate([part.features for part in parts]),
    )


def features_of(files: Sequence[Path], one: str) -> np.ndarray:
    """Features (D,) of the image with an id.

    Raises:
        UsageError: Where no image has this id, or several have.
    """
    found = [features for _, features in _with_id(files, one)]
    if not found:
        raise UsageError(f"no features of {one!r} in {str(files[0].parent)!r}", "name an id there")
    if any(not np.array_equal(other, found[0]) for other in found):
        raise UsageError(f"{len(found)} images have the id {one!r}", "search in one file")
    return found[0]


def file_of(files: Sequence[Path], one: str) -> Path:
    """The first file with features of an image."""
    return next(file for file, _ in _with_id(files, one))


def _with_id(files: Sequence[Path], one: str) -> Iterator[tuple[Path, np.ndarray]]:
    import pyarrow.parquet as pq

    for file in files:
        with _reading(file):
            table = pq.read_table(file, columns=_COLUMNS, filters=[("id", "==", one)])
            found = _batch(file, table.combine_chunks(), 0)
        for features in found.features:
            yield file, np.asarray(features)


def _batch(file: Path, table: object, start: int) -> Batch:
    import pyarrow as pa

    if isinstance(table, pa.Table):
        batches = table.to_batches()
        table = batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
    valid = table.column(FEATURES).is_valid()  # type: ignore[attr-defined]
    kept = table.filter(valid)  # type: ignore[attr-defined]
    flat = kept.column(FEATURES).flatten().to_numpy(zero_copy_only=False)
    return Batch(
        file,
        start + np.flatnonzero(valid.to_numpy(zero_copy_only=False)),
        kept.column("id").to_pylist(),
        flat.reshape(len(kept), -1) if len(kept) else np.empty((0, 0), np.float32),
    )


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DataError(
            f"{str(file)!r} holds no features: {str(error).splitlines()[0]}",
            "name a file of `lensbench embed`",
        ) from None
