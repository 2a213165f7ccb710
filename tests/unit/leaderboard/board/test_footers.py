"""Footers of Parquet files, as pyarrow reads them too."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from lensbench.errors import DataError
from lensbench.leaderboard.board.footers import column_chunks, pages_of, read_footer


@pytest.fixture
def footer(tmp_path):
    """That of a file with numbers, text and lists in several row groups, and pyarrow's reading."""
    lists = pa.array([np.zeros(n, np.float32) for n in range(300)])
    table = pa.table({"x": np.arange(300), "name": ["a"] * 300, "values": lists})
    path = tmp_path / "a.parquet"
    parquet.write_table(table, path, row_group_size=70)
    with path.open("rb") as file:
        return path, read_footer(file, path.stat().st_size), parquet.read_metadata(path)


def test_columns_are_as_pyarrow_has_them(footer):
    """Numbers of values, bytes and encodings, in the order of row groups and columns."""
    path, found, metadata = footer
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    columns = [group.column(i) for group in groups for i in range(group.num_columns)]
    assert len(columns) == 15
    with path.open("rb") as file:
        counts = [pages_of(file, chunk)[0] for chunk in column_chunks(found)]
    for count, one in zip(counts, columns, strict=True):
        assert one.num_values < count <= 2 * one.num_values
    kinds = {"INT64": 2, "FLOAT": 4, "BYTE_ARRAY": 6}
    assert [one.kind for one in column_chunks(found)] == [kinds[c.physical_type] for c in columns]
    assert all(
        len(one.encodings) == len(set(c.encodings))
        for one, c in zip(column_chunks(found), columns, strict=True)
    )


def test_what_is_no_footer_ends_in_an_error(footer):
    """Cut off anywhere, of huge lists, or nested without end: no hang and no other error."""
    _, found, _ = footer
    for end in range(0, len(found), 7):
        with pytest.raises((DataError, LookupError)):
            list(column_chunks(found[:end]))
    for text in (b"\x19\xf7" + b"\xff" * 9 + b"\x01", b"\x1c" * 100, b"\x1b" + b"\xff" * 50):
        with pytest.raises((DataError, LookupError)):
            list(column_chunks(text))
