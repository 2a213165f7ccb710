"""A sweep leaves what pairs its entrants, and the verbs that read it agree with the records."""

import json

import numpy as np
import polars as pl

from lensbench.store import Store
from lensbench.store.scores import BY, read_scores

STUDY = """
name = "pairs"
budget = "smoke"
[axes]
dataset = ["lenses:population=pedagogical"]
task = ["morphology"]
baseline = ["spectrum-logreg", "pca-logreg"]
[tests]
condition = ["rubin-r"]
[seeds]
fit = 2
"""


def test_a_sweep_leaves_scores_by_scene(lensbench, tmp_path):
    """A row a record with an interval; means over scenes are the values; `compare` pairs them."""
    (tmp_path / "pairs.toml").write_text(STUDY)
    where = ("--store", tmp_path / "store")
    swept = lensbench("sweep", tmp_path / "pairs.toml", *where, "--workers", "0", "--quiet")
    assert swept.code == 0, swept.err
    store = Store(tmp_path / "store")
    records = pl.read_parquet(store.find("runs", store.keys("runs")[-1]))
    scores = read_scores(store.find("scores", key) for key in store.keys("scores"))
    joined = records.join(scores, on=list(BY), how="inner", validate="1:1")
    assert joined.height == scores.height
    without = records.join(scores, on=list(BY), how="anti")
    assert set(without["metric"]) == {"ece", "ece_excess"}  # shown without an interval
    for row in joined.filter("per_scene").iter_rows(named=True):
        assert len(row["values"]) == row["n"]
        assert np.isclose(np.mean(row["values"]), row["value"])
    compared = lensbench("leaderboard", "compare", "spectrum", "pca", "--in", "", "--json", *where)
    changes = json.loads(compared.out)["changes"]
    assert {change["method"] for change in changes} == {"paired"}
    assert {change["test_condition"] for change in changes} == {"euclid-vis", "rubin-r"}
