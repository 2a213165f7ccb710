"""What a Parquet file says of the sizes of its columns, read without trust.

It is in Thrift's compact protocol. pyarrow's description of a column ends the process where its
statistics are damaged, so what a stranger wrote is looked at here before it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from lensbench.errors import DataError

_MAX_FOOTER = 64 * 10**6
_MAX_HEADER = 2**16
"""Bytes of the header of a page."""

_MAX_DEPTH = 32
_ROW_GROUPS, _COLUMNS, _META = 4, 1, 3
"""Numbers of fields: of the footer, of a row group, and of a chunk of a column."""

_PAGES = (5, 7, 8)
"""Numbers of fields of the header of a page that say what it holds: values, a dictionary, values
in the second version."""


class ColumnChunk(NamedTuple):
    """A column of a row group.

    Attributes:
        path: Its name; with a dot before each name within it.
        kind: Number of its physical type.
        encodings: Numbers of its encodings.
        values: How many it has.
        dictionary: Whether it has a dictionary.
        start, size: Where its pages are [bytes].
        unpacked: Their size once they are uncompressed [bytes].
    """

    path: str
    kind: int
    encodings: frozenset[int]
    values: int
    dictionary: bool
    start: int
    size: int
    unpacked: int


def read_footer(file: BinaryIO, size: int) -> bytes:
    """The footer of a Parquet file of so many bytes; the place in the file stays.

    Raises:
        DataError: Where it is too long.
    """
    place = file.tell()
    file.seek(size - 8)
    length = int.from_bytes(file.read(4), "little")
    if length > min(_MAX_FOOTER, size - 8):
        raise DataError(f"a footer of {length} bytes is too long")
    file.seek(size - 8 - length)
    footer = file.read(length)
    file.seek(place)
    return footer


def row_groups(footer: bytes) -> Iterator[list[ColumnChunk]]:
    """The columns of each row group.

    Raises:
        DataError: Where it is nested too deeply.
        LookupError: Where it ends too early or lacks a field.
    """
    for group in _Reader(footer).struct()[_ROW_GROUPS]:
        yield [_column(column[_META]) for column in group[_COLUMNS]]


def _column(meta: dict[int, Any]) -> ColumnChunk:
    return ColumnChunk(
        path=b".".join(meta[3]).decode(errors="replace"),
        kind=meta[1],
        encodings=frozenset(meta[2]),
        values=meta[5],
        dictionary=11 in meta,
        start=min(meta[9], meta.get(11) or meta[9]),
        size=meta[7],
        unpacked=meta[6],
    )


def pages_of(file: BinaryIO, chunk: ColumnChunk) -> tuple[int, int]:
    """How many values the pages of a column have, and bytes once they are uncompressed.

    A footer may state fewer than a reader of the pages would get.

    Raises:
        DataError: Where a number is negative.
        LookupError: Where a page has no header.
    """
    at, values, unpacked = chunk.start, 0, 0
    while at < chunk.start + chunk.size:
        file.seek(at)
        reader = _Reader(file.read(_MAX_HEADER))
        header = reader.struct()
        count = sum(header[field][1] for field in _PAGES if field in header)
        if min(count, header[2], header[3]) < 0:
            raise DataError("a page has fewer than no values or bytes")
        values, unpacked = values + count, unpacked + header[2]
        at += reader.at + header[3]
    return values, unpacked


class _Reader:
    """Values of Thrift's compact protocol, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """Fields by their number."""
        if depth > _MAX_DEPTH:
            raise DataError("a footer is nested too deeply")
        found: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._integer()
            found[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth + 1)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        """A value: a truth value or byte, an integer, a double, bytes, a list, a map, a struct."""
        if kind in (1, 2, 3):
            return self._byte()
        if kind in (4, 5, 6):
            return self._integer()
        if kind in (7, 8):
            return self._bytes(8 if kind == 7 else self._varint())
        if kind in (9, 10):
            head = self._byte()
            count = self._varint() if head >> 4 == 15 else head >> 4
            return [self._value(head & 15, depth) for _ in range(count)]
        if kind == 11:
            count = self._varint()
            kinds = self._byte() if count else 0
            return [
                (self._value(kinds >> 4, depth), self._value(kinds & 15, depth))
                for _ in range(count)
            ]
        if kind == 12:
            return self.struct(depth)
        raise DataError(f"a footer has a value of kind {kind}")

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _bytes(self, count: int) -> bytes:
        self.at += count
        if self.at > len(self._data):
            raise IndexError("a footer ends too early")
        return self._data[self.at - count : self.at]

    def _varint(self) -> int:
        found = shift = 0
        while shift < 70:
            byte = self._byte()
            found |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
        return found

    def _integer(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)
