"""Tables of a board's archives: many predictions, or scores by scene, in one Parquet each.

One has the numbers of one entrant at one task. A prediction is a row for each of its arrays; scene
ids are not repeated but named by their digest, and lie in the archive once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.errors import DataError
from lensbench.leaderboard.board.layout import shown
from lensbench.leaderboard.board.reading import Source, read_table, reading
from lensbench.leaderboard.board.texts import check_key

Prediction = tuple[list[str], dict[str, np.ndarray]]
"""Scene ids, and arrays (N, ...) by name."""

_COLUMNS = ("predictions", "scenes", "name", "width", "values")
_MAX_WIDTH = 100_000
ROUNDED = 16
"""Bits of the mantissa that scores by scene keep: a relative error of 8e-6, far below what any
check of them allows."""


def prediction_digest(prediction: Prediction) -> str:
    """SHA-256 of scene ids and arrays, however they are stored."""
    ids, arrays = prediction
    digest = hashlib.sha256("\0".join(ids).encode())
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name])
        digest.update(f"\0{name} {values.dtype.str} {values.shape}\0".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def fits_a_table(prediction: Prediction) -> bool:
    """Whether these are numbers in single precision, a few for each scene, as tables hold."""
    return all(values.dtype == np.float32 and values.ndim <= 2 for values in prediction[1].values())


def predictions_table(
    predictions: Iterable[tuple[str, str, Mapping[str, np.ndarray]]], target: Path
) -> None:
    """Writes the table of predictions: key, digest of their scenes, and arrays of each."""
    import pyarrow as pa

    rows = [
        (key, scenes, name, values.shape[1] if values.ndim == 2 else 0, values.ravel())
        for key, scenes, arrays in predictions
        for name, values in sorted(arrays.items())
    ]
    keys, scenes, names, widths, values = zip(*rows, strict=True)
    columns = [
        pa.array(keys),
        pa.array(scenes),
        pa.array(names),
        pa.array(widths, pa.int32()),
        _lists(values),
    ]
    _write(pa.table(columns, list(_COLUMNS)), target)


def read_predictions_table(
    source: Source, name: str
) -> Iterator[tuple[str, str, dict[str, np.ndarray]]]:
    """Key, digest of the scenes and finite arrays of each prediction of a table.

    Raises:
        DataError: Where it is no such table.
    """
    table = read_table(source, name)
    if tuple(table.column_names) != _COLUMNS:
        raise DataError(f"{name} has other columns than {', '.join(_COLUMNS)}")
    with reading(name, "predictions"):
        if any(column.null_count for column in table.columns):
            raise DataError(f"{name} has empty values")
        *texts, widths, lists = table.combine_chunks().columns
        keys, scenes, names = (column.to_pylist() for column in texts)
        found: dict[str, tuple[str, dict[str, np.ndarray]]] = {}
        for number, values in enumerate(_arrays(lists, name)):
            key, what = keys[number], names[number]
            check_key(f"{name}: a key", key)
            check_key(f"{name}: a digest of scenes", scenes[number])
            digest, arrays = found.setdefault(key, (scenes[number], {}))
            if what in arrays or digest != scenes[number]:
                raise DataError(
                    f"{name} has {shown(what)} of {key} twice, or of two sets of scenes"
                )
            arrays[what] = _shaped(values, widths[number].as_py(), f"{name}: {shown(what)}")
    yield from ((key, scenes, arrays) for key, (scenes, arrays) in found.items())


def keys_of_table(source: Source, name: str) -> set[str]:
    """The keys of a table of predictions.

    Raises:
        DataError: Where it is no such table.
    """
    table = read_table(source, name, ["predictions"])
    with reading(name, "predictions"):
        return set(table.column("predictions").to_pylist())


def _arrays(lists: Any, name: str) -> Iterator[np.ndarray]:
    """The lists of a column as arrays, all of finite numbers."""
    import pyarrow as pa

    chunks = lists.chunks if isinstance(lists, pa.ChunkedArray) else [lists]
    for chunk in chunks:
        flat = chunk.flatten()
        if flat.null_count or chunk.type.value_type != pa.float32():
            raise DataError(f"{name} has values that are empty or no numbers in single precision")
        numbers = np.asarray(flat)
        if not np.isfinite(numbers).all():
            raise DataError(f"{name} holds numbers that are not finite")
        ends = np.cumsum(np.asarray(chunk.value_lengths()))
        yield from np.split(numbers, ends[:-1])


def _shaped(values: np.ndarray, width: int, what: str) -> np.ndarray:
    if width == 0:
        return values
    if not 0 < width <= _MAX_WIDTH or len(values) % width:
        raise DataError(f"{what} has {len(values)} numbers, which are no rows of {width}")
    return values.reshape(-1, width)


def scores_table(rows: Any, target: Path) -> None:
    """Writes a frame of scores by scene, rounded to `ROUNDED` bits of mantissa."""
    import pyarrow as pa

    table = rows.drop("values").to_arrow()
    values = [rounded(np.asarray(one, dtype=np.float32)) for one in rows["values"]]
    columns = [
        column.cast(pa.string()) if _is_view(column.type) else column for column in table.columns
    ]
    _write(pa.table([*columns, _lists(values)], [*table.column_names, "values"]), target)


def _is_view(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string_view(kind) or pa.types.is_large_string(kind))


def rounded(values: np.ndarray) -> np.ndarray:
    """Numbers in single precision (N,), to the nearest that has `ROUNDED` bits of mantissa."""
    dropped = 23 - ROUNDED
    bits = values.view(np.uint32).astype(np.uint64)
    bits += (1 << (dropped - 1)) - 1 + ((bits >> np.uint64(dropped)) & np.uint64(1))
    kept = (bits >> np.uint64(dropped)) << np.uint64(dropped)
    return np.where(np.isfinite(values), kept.astype(np.uint32).view(np.float32), values)


def _lists(values: Iterable[np.ndarray]) -> Any:
    import pyarrow as pa

    arrays = list(values)
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in arrays])]).astype(np.int32)
    flat = np.concatenate(arrays) if arrays else np.zeros(0, np.float32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat, pa.float32()))


def _write(table: Any, target: Path) -> None:
    """Numbers byte by byte, which packs them by a fifth; text by dictionaries."""
    from pyarrow import parquet

    texts = [name for name in table.column_names if name != "values"]
    parquet.write_table(
        table,
        target,
        compression="zstd",
        compression_level=9,
        use_dictionary=texts,
        column_encoding={"values.list.element": "BYTE_STREAM_SPLIT"},
        store_schema=False,
        write_statistics=False,
    )
