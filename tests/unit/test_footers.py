"""Footers of Parquet files, as pyarrow reads them too."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from lensbench.errors import DataError
from lensbench.footers import pages_of, read_footer, row_groups


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
    chunks = [chunk for group in row_groups(found) for chunk in group]
    assert len(columns) == 15
    with path.open("rb") as file:
        counts = [pages_of(file, chunk)[0] for chunk in chunks]
    for count, one in zip(counts, columns, strict=True):
        assert one.num_values < count <= 2 * one.num_values
    kinds = {"INT64": 2, "FLOAT": 4, "BYTE_ARRAY": 6}
    for ours, theirs in zip(chunks, columns, strict=True):
        assert ours.path == theirs.path_in_schema
        assert ours.kind == kinds[theirs.physical_type]
        assert len(ours.encodings) == len(set(theirs.encodings))
        assert ours.values == theirs.num_values
        assert ours.dictionary == theirs.has_dictionary_page
        assert ours.size == theirs.total_compressed_size
        assert ours.unpacked == theirs.total_uncompressed_size


def test_what_is_no_footer_ends_in_an_error(footer):
    """Cut off anywhere, of huge lists, or nested without end: no hang and no other error."""
    _, found, _ = footer
    for end in range(0, len(found), 7):
        with pytest.raises((DataError, LookupError)):
            list(row_groups(found[:end]))
    for text in (b"\x19\xf7" + b"\xff" * 9 + b"\x01", b"\x1c" * 100, b"\x1b" + b"\xff" * 50):
        with pytest.raises((DataError, LookupError)):
            list(row_groups(text))


def test_damaged_statistics_do_not_end_the_process(tmp_path):
    """pyarrow's description of a column aborts there, so it is never asked for."""
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"theta_E": np.arange(9.0)}), path)
    whole = path.read_bytes()
    histogram, shorter = b"\x26\x00\x12", b"\x16\x00\x12"  # [0, 9], and [0] with a field behind it
    assert whole.count(histogram) == 1
    path.write_bytes(whole.replace(histogram, shorter))
    assert parquet.read_metadata(path).num_rows == 9
    words = [sys.executable, "-c", "from lensbench.cli import main; main()", "data", "inspect"]
    done = subprocess.run([*words, str(path)], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "has no column of images" in done.stderr
