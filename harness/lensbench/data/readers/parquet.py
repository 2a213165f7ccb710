"""Parquet files of others: what they become in memory is known before they are read.

A few kilobytes of Parquet can stand for terabytes: a value that a dictionary holds once is given
to any number of rows. Texts and bytes therefore stay as codes until their lengths were added up.
"""

from __future__ import annotations

import bisect
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.data.readers.guard import RefusedFileError, check_count
from lensbench.errors import DataError
from lensbench.files import MAX_DECODED, check_expansion, check_members
from lensbench.footers import ColumnChunk, read_footer, row_groups

_WIDTHS = {0: 1, 1: 4, 2: 8, 3: 12, 4: 4, 5: 8}
"""Bytes of one value by the number of its physical type: a truth value, integers of 4, 8 and 12
bytes, floats of 4 and 8 bytes."""

_BYTES, _FIXED = 6, 7
"""Numbers of two more: bytes of any length, and of that in the schema."""

_SHARING = 7
"""Number of the encoding DELTA_BYTE_ARRAY, in which values share their beginnings."""


class ParquetRows:
    """Rows of a Parquet file, read a row group at a time.

    Attributes:
        count: How many rows there are.
        metadata: Of the file, as text.
        types: Arrow types by column, as text.

    Raises:
        DataError: Where the file becomes far more than its size allows; see `check_expansion`.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self._path, self._size = path, path.stat().st_size
        plain = pq.ParquetFile(path)
        chunks = check_parquet(path, plain.metadata)
        schema = plain.schema_arrow
        self.count = plain.metadata.num_rows
        self.metadata = {k.decode(): v.decode() for k, v in (schema.metadata or {}).items()}
        self.types = {field.name: str(field.type) for field in schema}
        self._coded = sorted({one.path for one in chunks if one.kind == _BYTES and one.dictionary})
        self._file = pq.ParquetFile(path, read_dictionary=self._coded)
        groups = range(plain.metadata.num_row_groups)
        sizes = [plain.metadata.row_group(group).num_rows for group in groups]
        self._starts = np.concatenate([[0], np.cumsum(sizes)]).tolist()
        self._groups: dict[int, Any] = {}
        self._decoded: dict[tuple[int, tuple[str, ...]], int] = {}

    def check(self) -> None:
        """Looks at all codes before another library unpacks the file.

        Raises:
            DataError: Where it becomes far more than its size allows.
        """
        for group in range(len(self._starts) - 1):
            self._read(group, self._coded)

    def whole(self, names: Iterable[str]) -> dict[str, list[Any]]:
        """All values of these columns."""
        wanted = sorted(names)
        groups = range(len(self._starts) - 1)
        parts = [self._read(group, wanted).to_pydict() for group in groups]
        return {name: [value for part in parts for value in part[name]] for name in wanted}

    def value(self, index: int, column: str, columns: Sequence[str]) -> object:
        """One value of a column that is read together with others."""
        group = bisect.bisect_right(self._starts, index) - 1
        if group not in self._groups:
            self._groups.clear()
            self._groups[group] = self._read(group, columns)
        return self._groups[group][column][index - self._starts[group]].as_py()

    def _read(self, group: int, columns: Sequence[str]) -> Any:
        table = self._file.read_row_group(group, columns=list(columns))
        chunks = (chunk for column in table.columns for chunk in column.chunks)
        self._decoded[group, tuple(columns)] = sum(map(_decoded, chunks))
        try:
            check_expansion(self._path, self._size, sum(self._decoded.values()), sys.maxsize)
        except DataError as error:
            raise RefusedFileError(error.message, error.hint) from None
        return table


def check_parquet(path: Path, metadata: Any) -> list[ColumnChunk]:
    """Refuses a Parquet file that says of itself that it becomes far more than its size allows.

    Args:
        path: The file.
        metadata: Of the file, as pyarrow has it.

    Returns:
        The columns of all row groups.

    Raises:
        DataError: Where it has absurdly many rows or columns for its size, or one row group or
            all together unpack to far more than they should; see `check_expansion`.
    """
    size, total = path.stat().st_size, 0
    check_count(path, metadata.num_rows, size)
    check_members(path, metadata.num_columns * max(1, metadata.num_row_groups))
    with path.open("rb") as file:
        groups = list(row_groups(read_footer(file, size)))
    for group in groups:
        columns = zip(group, range(metadata.num_columns), strict=True)
        unpacked = sum(_unpacked(path, one, metadata.schema.column(i).length) for one, i in columns)
        check_expansion(path, sum(one.size for one in group), unpacked)
        total += unpacked
    check_expansion(path, size, total, sys.maxsize)
    return [one for group in groups for one in group]


def _unpacked(path: Path, column: ColumnChunk, length: int) -> int:
    """Bytes of a column of a row group, as far as the footer tells."""
    if _SHARING in column.encodings and column.values * column.unpacked > MAX_DECODED:
        raise DataError(
            f"{str(path)!r} shares the beginnings of values in {column.path!r}, "
            "so that what it becomes cannot be known before it is read",
            "write it with another encoding than DELTA_BYTE_ARRAY",
        )
    width = length if column.kind == _FIXED else _WIDTHS.get(column.kind, 0)
    return max(column.unpacked, width * column.values)


def _decoded(array: Any) -> int:
    """Bytes of an Arrow array with the values of dictionaries in place of their codes."""
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_struct(array.type):
        return sum(map(_decoded, array.flatten()))
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return _decoded(array.flatten())
    if pa.types.is_dictionary(array.type):
        lengths = compute.binary_length(array.dictionary).cast(pa.int64())
        return int(compute.sum(lengths.take(array.indices)).as_py() or 0)
    return int(array.nbytes)
