"""How scores vary over scenes stands beside records, and stays as long as these."""

import polars as pl
import pytest

from lensbench.store import Store
from lensbench.store.care import export, unneeded
from lensbench.store.scores import COLUMNS, read_scores, scenes_digest, scores_frame


def put(store: Store, kind: str, key: str, **inputs) -> None:
    """An artefact that was made from others."""
    with store.writing(kind, key, ".parquet", {"kind": kind, "inputs": inputs}) as path:
        path.write_bytes(key.encode())


@pytest.fixture
def store(tmp_path) -> Store:
    """A run of one cell with its scores, and scores of a cell whose records are gone."""
    store = Store(tmp_path / "store")
    put(store, "records", "a", predictions=[])
    put(store, "scores", "a", records="a")
    put(store, "runs", "r", records=["a"])
    put(store, "scores", "b", records="b")
    return store


def test_scores_are_needed_as_long_as_their_records(store):
    """Those of records that are gone could go."""
    assert [(one.kind, one.key) for one in unneeded(store)] == [("scores", "b")]


def test_scores_go_with_an_exported_run(store, tmp_path):
    """And are counted; those of other runs stay."""
    assert export(store, "r", tmp_path / "other", images=False) == 3
    assert Store(tmp_path / "other").stored("scores") == {"a"}


def test_scores_come_back_in_their_order(tmp_path):
    """Whatever the order of files; columns are fixed, a missing one is an error."""
    row = dict.fromkeys(COLUMNS, "x") | {"per_scene": True, "n": 2, "values": [1.5, float("nan")]}
    for name in "ba":
        scores_frame([row | {"cell": name}]).write_parquet(tmp_path / f"{name}.parquet")
    found = read_scores([tmp_path / "b.parquet", tmp_path / "a.parquet"])
    assert found["cell"].to_list() == ["a", "b"]
    assert found["values"].dtype == pl.List(pl.Float32)
    assert read_scores([]).columns == list(COLUMNS)
    with pytest.raises(KeyError):
        scores_frame([{"cell": "a"}])


def test_scenes_in_another_order_are_other_scenes():
    """Pairs are by place."""
    assert scenes_digest(["a", "b"]) != scenes_digest(["b", "a"])
    assert scenes_digest(["ab"]) != scenes_digest(["a", "b"])


def test_the_digest_of_scenes_stays_what_it_is():
    """It is in published boards: of ids in their order, which none can run into another."""
    assert scenes_digest(["a", "b"]) == "59b271ae1bbcb1d31d41"
    assert scenes_digest(["a", "b"]) != scenes_digest(["b", "a"])
    assert scenes_digest(["ab", "c"]) != scenes_digest(["a", "bc"])
