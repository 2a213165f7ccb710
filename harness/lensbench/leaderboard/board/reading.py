"""Reads the files of a board: whatever their bytes are, it ends in values or in one error line."""

from __future__ import annotations

import io
import json
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lensbench.errors import DataError
from lensbench.files import check_expansion, open_file, parse_toml, read_document
from lensbench.footers import pages_of, read_footer, row_groups
from lensbench.leaderboard.board.layout import shown
from lensbench.leaderboard.board.zips import Slice

MAX_ROWS = 20_000_000
MAX_DOCUMENT = 512 * 10**6
"""Bytes of a document that is read as a whole; the manifest allows less for most."""

_BATCH = 65_536
_HINT = "fetch the board again; the file is damaged or was made to do harm"


@contextmanager
def reading(name: str, form: str) -> Iterator[None]:
    """Turns whatever a parser raises into a `DataError` that names the file.

    Args:
        name: Of the file in its board.
        form: What it is read as.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DataError:
        raise
    except (Exception, RecursionError) as error:  # parsers raise all kinds of errors
        lines = str(error).splitlines() or [type(error).__name__]
        raise DataError(f"{name} cannot be read as {form}: {shown(lines[0], 120)}", _HINT) from None


def read_bytes(path: Path, name: str, limit: int = MAX_DOCUMENT) -> bytes:
    """A regular file as a whole.

    Raises:
        DataError: Where it is a link, a pipe or a device, or has more than `limit` bytes.
    """
    if path.is_symlink():
        raise DataError(f"{name} is a link", _HINT)
    with reading(name, "bytes"):
        return read_document(path, limit)


def read_text(path: Path, name: str) -> str:
    """A file of UTF-8 text."""
    data = read_bytes(path, name)
    with reading(name, "text"):
        return data.decode("utf-8")


def read_json(path: Path, name: str) -> Any:
    """A file of JSON without NaN and Inf."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    data = read_bytes(path, name)
    with reading(name, "JSON"):
        return json.loads(data, parse_constant=refuse)


def read_toml(path: Path, name: str) -> dict[str, Any]:
    """A file of TOML.

    Raises:
        DataError: Where it is none, or is nested too deeply.
    """
    text = read_text(path, name)
    with reading(name, "TOML"):
        return parse_toml(name, text)


Source = Path | Slice
"""A file, or a member of an archive."""


@contextmanager
def _opened(source: Source) -> Iterator[Any]:
    """The source as a file that parsers read."""
    if isinstance(source, Slice):
        yield io.BytesIO(source.view())
    else:
        with open_file(source) as handle:
            yield handle


def read_table(source: Source, name: str, columns: Sequence[str] | None = None) -> Any:
    """A Parquet file of plain columns as a `pyarrow.Table`.

    Columns may be numbers, truth values, text, and lists of numbers. Text stays
    coded by dictionaries until its length was looked at, so that no small file becomes a large one.

    Args:
        source: The file.
        name: What it is called in its board.
        columns: Those to read; all where none are named.

    Raises:
        DataError: Where it is no such file or would take too much memory.
    """
    import pyarrow as pa
    from pyarrow import parquet

    with reading(name, "Parquet"), _opened(source) as handle:
        schema = parquet.read_schema(handle)
        texts = [field.name for field in schema if _is_text(field.type)]
        for field in schema:
            if not _is_plain(field.type):
                raise DataError(f"{name} has a column of type {shown(str(field.type))}", _HINT)
        handle.seek(0)
        file = parquet.ParquetFile(handle, read_dictionary=texts)
        packed = source.size if isinstance(source, Slice) else source.stat().st_size
        _check_size(name, packed, file.metadata, handle)
        size = 0
        batches = []
        for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
            size += batch.nbytes
            check_expansion(name, packed, size)
            batches.append(batch)
        fields = [field for field in file.schema_arrow if columns is None or field.name in columns]
        table = pa.Table.from_batches(batches, pa.schema(fields))
        if table.num_rows != file.metadata.num_rows:
            raise DataError(f"{name} has {table.num_rows} rows and says it has others", _HINT)
        table.validate(full=True)
        return _decoded(table, name, packed)


_WIDTHS = {0: 1, 1: 4, 2: 8, 4: 4, 5: 8, 6: 4}
"""Bytes of a value in memory by the number of its physical type: a truth value, integers and
floats of 4 and 8 bytes, and text, which is coded by a dictionary."""

_UNBOUNDED = {7}
"""Encodings (DELTA_BYTE_ARRAY) of which no size tells what they become."""


def _check_size(name: str, packed: int, metadata: Any, handle: BinaryIO) -> None:
    """Refuses a table that would become far more than its size allows."""
    if not 0 <= metadata.num_rows <= MAX_ROWS or metadata.num_columns > 256:
        raise DataError(f"{name} claims {metadata.num_rows} rows, at most {MAX_ROWS} may be", _HINT)
    total = 0
    chunks = (chunk for group in row_groups(read_footer(handle, packed)) for chunk in group)
    for chunk in chunks:
        if chunk.encodings & _UNBOUNDED:
            raise DataError(f"{name} has texts that share their beginnings", _HINT)
        values, unpacked = pages_of(handle, chunk)
        total += max(unpacked, values * _WIDTHS[chunk.kind])
    check_expansion(name, packed, total)


_MAX_TEXT = 10_000
"""Bytes of one text in a table; what each column allows is far less."""


def _decoded(table: Any, name: str, packed: int) -> Any:
    """The table with text in place of codes, once no text is too long, nor all together."""
    import pyarrow as pa
    from pyarrow import compute

    columns = []
    total = 0
    for column, field in zip(table.columns, table.schema, strict=True):
        if not pa.types.is_dictionary(field.type):
            if _is_text(field.type):
                _check_lengths(name, column.chunks)
            columns.append(column)
            continue
        _check_lengths(name, [chunk.dictionary for chunk in column.chunks])
        for chunk in column.chunks:
            lengths = compute.take(compute.binary_length(chunk.dictionary), chunk.indices)
            total += compute.sum(lengths).as_py() or 0
        check_expansion(name, packed, total)
        columns.append(compute.cast(column, pa.large_string()))
    return pa.table(columns, names=table.column_names)


def _check_lengths(name: str, chunks: list[Any]) -> None:
    from pyarrow import compute

    for chunk in chunks:
        longest = compute.max(compute.binary_length(chunk)).as_py() or 0
        if longest > _MAX_TEXT:
            raise DataError(f"{name} has a text of {longest} bytes, {_MAX_TEXT} may be", _HINT)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_plain(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_fixed_size_list(kind):
        return 0 < kind.list_size <= 100_000 and _is_number(kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _is_number(kind.value_type)
    return _is_number(kind) or _is_text(kind) or bool(pa.types.is_boolean(kind))


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    return kind in (pa.int32(), pa.int64(), pa.float32(), pa.float64())


def read_predictions(path: Path, name: str) -> tuple[list[str], dict[str, np.ndarray]]:
    """Scene ids and finite predictions (N, ...) of a file of Parquet or HDF5.

    Raises:
        DataError: Where it is none, a scene is named twice, or a number is not finite.
    """
    if path.suffix == ".h5":
        ids, arrays = _mapped_predictions(path, name)
    else:
        ids, arrays = _table_predictions(path, name)
    if not ids or not arrays:
        raise DataError(f"{name} holds no predictions")
    _check_scenes(ids, name)
    for what, values in arrays.items():
        if len(values) != len(ids):
            raise DataError(f"{name}: {shown(what)} has {len(values)} rows for {len(ids)} scenes")
        if not all(np.isfinite(part).all() for part in np.array_split(values, 1 + len(ids) // 64)):
            raise DataError(f"{name}: {shown(what)} holds numbers that are not finite")
    return ids, arrays


def _check_scenes(ids: list[str], name: str) -> None:
    if len(set(ids)) != len(ids):
        twice = next(one for one, count in Counter(ids).items() if count > 1)
        raise DataError(f"{name} has scene {shown(twice)} more than once")


def _table_predictions(path: Path, name: str) -> tuple[list[str], dict[str, np.ndarray]]:
    import pyarrow as pa

    table = read_table(path, name)
    with reading(name, "Parquet"):
        if "scene" not in table.column_names or not _is_text(table.schema.field("scene").type):
            raise DataError(f"{name} has no column of scenes", _HINT)
        arrays = {}
        for field in table.schema:
            column = table.column(field.name).combine_chunks()
            if column.null_count:
                raise DataError(f"{name}: {shown(field.name)} has empty values")
            if field.name == "scene":
                continue
            if not (pa.types.is_fixed_size_list(field.type) or _is_number(field.type)):
                raise DataError(f"{name}: {shown(field.name)} is no number or array", _HINT)
            if pa.types.is_fixed_size_list(field.type):
                flat = column.flatten()
                if flat.null_count:
                    raise DataError(f"{name}: {shown(field.name)} has empty values")
                arrays[field.name] = np.array(flat).reshape(-1, field.type.list_size)
            else:
                arrays[field.name] = np.array(column)
        return table.column("scene").to_pylist(), arrays


def _mapped_predictions(path: Path, name: str) -> tuple[list[str], dict[str, np.ndarray]]:
    """Arrays of an HDF5 file, each in one piece of it; anything cleverer is refused."""
    import h5py

    size = path.stat().st_size
    arrays: dict[str, np.ndarray] = {}
    with reading(name, "HDF5"), h5py.File(path, "r") as file:
        if len(file) > 64:
            raise DataError(f"{name} has {len(file)} arrays, at most 64 may be", _HINT)
        for key in file:
            if type(file.get(key, getlink=True)) is not h5py.HardLink:
                raise DataError(f"{name}: {shown(key)} is a link", _HINT)
            found = file[key]
            if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "ifS":
                raise DataError(f"{name}: {shown(key)} is no array of numbers or names", _HINT)
            offset = found.id.get_offset()
            if found.external or found.is_virtual or found.chunks or offset is None:
                raise DataError(f"{name}: {shown(key)} is not in one piece of the file", _HINT)
            count = int(np.prod([float(side) for side in found.shape]))
            if count * found.dtype.itemsize + offset > size:
                raise DataError(f"{name}: {shown(key)} is larger than the file", _HINT)
            arrays[key] = np.memmap(path, found.dtype, "c", offset, found.shape)
        if "scene" not in arrays or arrays["scene"].ndim != 1 or arrays["scene"].dtype.kind != "S":
            raise DataError(f"{name} has no list of scenes", _HINT)
        ids = [scene.decode("ascii") for scene in arrays.pop("scene").tolist()]
    return ids, arrays


def check_weights(source: Slice, name: str) -> None:
    """Refuses what is not safetensors; nothing else is ever taken for weights.

    Raises:
        DataError: Naming the file.
    """
    from safetensors.numpy import load

    with reading(name, "safetensors"):
        if not load(bytes(source.view())):
            raise DataError(f"{name} holds no weights", _HINT)


def read_scenes(source: Slice, name: str) -> list[str]:
    """The scene ids of an archive's list: UTF-8 with NUL between them.

    Raises:
        DataError: Where it is none, or a scene is named twice.
    """
    with reading(name, "text"):
        ids = bytes(source.view()).decode("utf-8").split("\0")
    _check_scenes(ids, name)
    return ids
