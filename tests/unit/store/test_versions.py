"""Two versions of lensbench on one store: what either does with what the other wrote."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from lensbench.errors import StoreError
from lensbench.store import open_store
from lensbench.store.artefacts import FORMAT
from lensbench.store.records import COLUMNS, VERSION, read_records, records_frame


def keep_run(root: Path, key: str, records: pl.DataFrame) -> None:
    """Writes a run as a sweep does."""
    with open_store(root).writing("runs", key, ".parquet", {"kind": "runs"}) as path:
        records.write_parquet(path)


def as_version(root: Path, version: object) -> None:
    """Makes a store one of another format, and leaves in it what a process at work might."""
    (root / "store.json").write_text(json.dumps({"format": version}))
    (root / "claims").mkdir(exist_ok=True)
    (root / "claims" / "made-otherwise").write_text("somebody's")
    (root / "writing" / "1-abc").mkdir(parents=True)
    (root / "writing" / "1-abc.lock").touch()


@pytest.mark.parametrize("scheme", ["", "file://"])
@pytest.mark.parametrize(
    ("version", "reason", "hint"),
    [
        (FORMAT + 1, f"has format {FORMAT + 1}, this lensbench knows {FORMAT}", "update lensbench"),
        (FORMAT - 1, f"has format {FORMAT - 1}, whose keys this lensbench", "name a new folder"),
        ("two", "has format 'two'", "--store"),
    ],
)
def test_a_store_of_another_format_is_refused_and_left_as_it_is(
    tmp_path, lensbench, version, reason, hint, scheme
):
    """One line for each verb; nothing of it is tidied away, for it may be at work."""
    keep_run(tmp_path, "abcd", records_frame([{"entrant": "a"}]))
    as_version(tmp_path, version)
    before = sorted(tmp_path.rglob("*"))
    for words in (("store", "ls"), ("store", "gc", "--yes"), ("status",)):
        done = lensbench(*words, "--store", f"{scheme}{tmp_path}")
        assert done.code == 2
        error, told = done.err.splitlines()
        assert error.startswith("error: the store ") and reason in error
        assert hint in told
    assert sorted(tmp_path.rglob("*")) == before


def newer(records: pl.DataFrame) -> pl.DataFrame:
    """Records as a later version might have them: with a column more, and one of another type."""
    columns = {"version": pl.lit(VERSION + 1, pl.Int32), "mood": pl.lit("good")}
    return records.with_columns(**columns).with_columns(pl.col("n").cast(pl.String))


def test_records_of_a_later_version_are_refused_whatever_columns_they_have(tmp_path, lensbench):
    """The line names both versions, and runs of this version beside them are read."""
    mine = records_frame([{"entrant": "a", "state": "done", "task": "t", "metric": "m"}])
    keep_run(tmp_path, "aaaa", mine)
    keep_run(tmp_path, "bbbb", newer(mine))
    told = f"have version {VERSION + 1}, this lensbench knows {VERSION}"
    with pytest.raises(StoreError, match=told):
        read_records([tmp_path / "runs" / "aaaa.parquet", tmp_path / "runs" / "bbbb.parquet"])
    done = lensbench("leaderboard", "show", "bbbb", "--store", tmp_path)
    assert (done.code, len(done.err.splitlines())) == (2, 2)
    assert told in done.err and "hint: update lensbench" in done.err
    assert read_records([tmp_path / "runs" / "aaaa.parquet"]).columns == list(COLUMNS)


def test_runs_of_both_versions_stay_apart(tmp_path):
    """Each has its keys; what one does not know, it neither counts as damaged nor removes."""
    store = open_store(tmp_path)
    keep_run(tmp_path, "aaaa", records_frame([{"entrant": "a"}]))
    with store.writing("novelties", "kkkk", ".bin", {"kind": "novelties"}) as path:
        path.write_bytes(b"of a later version")
    assert store.intact("novelties", "kkkk")
    from lensbench.store.care import damaged, unneeded

    assert damaged(store) == []
    assert unneeded(store) == []
