"""Records of other versions."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensbench.errors import StoreError
from lensbench.store.records import (
    COLUMNS,
    VERSION,
    read_records,
    records_frame,
    views_of,
    views_text,
)

NAMES = st.text(st.sampled_from("ab |%=/,:é"), min_size=1).filter(lambda name: name.strip() == name)


def test_records_of_an_older_version_are_read(tmp_path):
    """Columns that it had not are empty, the others as they were."""
    old = records_frame([{"entrant": "a", "value": 0.5, "flops": 7.0}]).drop("flops", "git")
    old = old.with_columns(version=pl.lit(2, pl.Int32))
    old.write_parquet(tmp_path / "old.parquet")
    records_frame([{"entrant": "b", "flops": 8.0}]).write_parquet(tmp_path / "new.parquet")
    found = read_records([tmp_path / "old.parquet", tmp_path / "new.parquet"])
    assert found.columns == list(COLUMNS)
    assert found["version"].to_list() == [2, VERSION]
    assert found["value"].to_list() == [0.5, None]
    assert found["flops"].to_list() == [None, 8.0]


def test_records_of_a_newer_version_are_refused(tmp_path):
    """In one line that says what to do."""
    new = records_frame([{"entrant": "a"}]).with_columns(version=pl.lit(VERSION + 1, pl.Int32))
    new.write_parquet(tmp_path / "new.parquet")
    with pytest.raises(StoreError) as told:
        read_records([tmp_path / "new.parquet"])
    assert told.value.message == (
        f"records in {str(tmp_path)!r} have version {VERSION + 1}, this lensbench knows {VERSION}"
    )
    assert told.value.hint == "update lensbench"


def test_a_name_with_brackets_is_a_name(tmp_path):
    """And no pattern for others."""
    for name, entrant in (("run[1].parquet", "a"), ("run1.parquet", "b")):
        records_frame([{"entrant": entrant}]).write_parquet(tmp_path / name)
    assert read_records([tmp_path / "run[1].parquet"])["entrant"].to_list() == ["a"]


def test_no_files_are_no_records():
    """With all columns none the less."""
    assert read_records([]).columns == list(COLUMNS)


@given(st.lists(st.tuples(NAMES, NAMES)))
def test_views_are_read_back_from_their_text(views):
    """Names with options may have a path with spaces and bars in it."""
    assert views_of(views_text(views)) == views


def test_the_text_of_views_is_that_of_published_boards():
    """Names without special characters stay as they are."""
    views = [("lenses:population=survey", "euclid-vis"), ("lenses", "psf@3")]
    assert views_text(views) == "lenses:population=survey euclid-vis | lenses psf@3"
    assert views_of(None) == views_of("") == []
