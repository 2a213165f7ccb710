"""Means over seeds, from records alone."""

import math

import numpy as np
import polars as pl
import pytest
from boards import failed, rows
from scipy import stats as scipy_stats

from lensbench.leaderboard.pairing import Scores
from lensbench.leaderboard.seeds import over_seeds
from lensbench.leaderboard.table import study_tables
from lensbench.stats.crossed import estimate
from lensbench.store.records import COLUMNS, records_frame
from lensbench.store.scores import scores_frame


def test_one_seed_keeps_the_interval_of_its_record():
    """Asymmetric as the bootstrap made it."""
    record = rows("resnet18", 30.0, seeds=1)[0][0] | {"low": 29.0, "high": 30.2}
    (row,) = over_seeds(records_frame([record])).iter_rows(named=True)
    assert (row["value"], row["low"], row["high"]) == (record["value"], 29.0, 30.2)
    assert (row["n"], row["fits"]) == (40, 1)


def test_seeds_and_scenes_are_combined_as_by_hand():
    """Howe's half width from the mean variance of the scenes and that of the seeds."""
    records = records_frame(rows("resnet18", 30.0, seeds=4)[0])
    (row,) = over_seeds(records).iter_rows(named=True)
    half = (records["high"] - records["low"]).to_numpy() / 2
    t_scenes, t_seeds = scipy_stats.t.ppf(0.975, [39, 3])
    scenes = ((half / t_scenes) ** 2).mean()
    seeds = records["value"].var() / 4
    assert row["value"] == pytest.approx(records["value"].mean())
    assert row["se"] == pytest.approx(math.sqrt(scenes + seeds))
    wanted = math.sqrt(t_scenes**2 * scenes + t_seeds**2 * seeds)
    assert row["high"] - row["value"] == pytest.approx(wanted)
    assert scipy_stats.t.ppf(0.975, row["df"]) * row["se"] == pytest.approx(wanted)


def test_records_alone_are_never_surer_than_scores_by_scene():
    """What is not known from records makes the interval wider, and not by much."""
    records, scores = rows("resnet18", 30.0, seeds=5)
    alone = over_seeds(records_frame(records)).row(0, named=True)
    scored = Scores(scores_frame(scores)).of(records_frame(records))
    exact = estimate(scored.draws)
    assert alone["value"] == pytest.approx(exact.value)
    assert exact.high - exact.low < alone["high"] - alone["low"] < 1.2 * (exact.high - exact.low)


def test_several_draws_are_the_sample():
    """With three draws of two seeds, their means and two degrees of freedom count."""
    records = records_frame(rows("resnet18", 30.0, seeds=2, draws=3)[0])
    (row,) = over_seeds(records).iter_rows(named=True)
    means = records.group_by("seed_draw").agg(pl.col("value").mean())["value"].to_numpy()
    wanted = scipy_stats.t.interval(0.95, 2, means.mean(), scipy_stats.sem(means))
    assert (row["low"], row["high"]) == pytest.approx(wanted)
    assert (row["df"], row["fits"], row["n"]) == (2, 6, 120)


def test_a_metric_without_an_interval_has_none_over_seeds_or_draws():
    """Such as an RMSE: a few draws would also miss its rare outliers."""
    for seeds, draws in ((3, 1), (1, 3), (2, 3)):
        found = rows("resnet18", 30.0, seeds=seeds, draws=draws)[0]
        (row,) = over_seeds(
            records_frame([one | {"low": None, "high": None} for one in found])
        ).iter_rows(named=True)
        assert row["value"] == pytest.approx(np.mean([one["value"] for one in found]))
        assert [row[name] for name in ("low", "high", "se")] == [None] * 3


def test_draws_of_one_scene_are_a_sample_too():
    """One scene shows no scatter of its own, and several draws do."""
    found = rows("resnet18", 30.0, seeds=1, draws=3)[0]
    (row,) = over_seeds(
        records_frame([one | {"low": None, "high": None, "n": 1} for one in found])
    ).iter_rows(named=True)
    assert row["low"] < row["value"] < row["high"]


def test_fits_of_one_pretraining_are_averaged_first():
    """Two pretrainings with many fits have one degree of freedom, as two scores."""
    records = [
        row | {"seed_pretraining": p, "seed_fit": f, "value": 30.0 + 2 * p + 0.01 * f}
        for p in range(2)
        for f, row in enumerate(rows("resnet18", 30.0, seeds=5)[0])
    ]
    (row,) = over_seeds(records_frame(records)).iter_rows(named=True)
    t_seeds = scipy_stats.t.ppf(0.975, 1)
    assert row["value"] == pytest.approx(31.02)
    assert row["high"] - row["value"] > t_seeds * 1.0  # the seeds' standard error is 1


def test_a_failure_of_any_seed_is_a_failure_of_the_row():
    """Nothing is imputed, and n is empty and not zero."""
    records = [*rows("resnet18", 30.0)[0], failed("resnet18", chance=9)]
    (row,) = over_seeds(records_frame(records)).iter_rows(named=True)
    assert row["state"] == "failed"
    assert {row[name] for name in ("value", "low", "high", "n", "fits")} == {None}
    assert row["error"] == "it broke"


def test_groups_of_any_column_stay_apart():
    """Conditions, labels and metrics, empty values too, and no column of records is lost."""
    records = [
        *rows("a", 1.0)[0],
        *rows("a", 2.0, condition="far")[0],
        *rows("a", 3.0, labels=10)[0],
        *rows("b", 4.0)[0],
    ]
    found = over_seeds(records_frame(records))
    assert found.height == 4
    assert np.round(found["value"].to_numpy() - found["value"][0], 0).tolist() == [0, 1, 2, 3]
    assert found.columns == [*COLUMNS, "se", "df", "fits"]


def test_the_order_of_records_does_not_matter():
    """Not to the last bit of a single seed, nor to more than that of several."""
    frame = records_frame([*rows("a", 1.0)[0], *rows("b", 2.0, draws=2)[0]])
    there = over_seeds(frame).sort("entrant")
    back = over_seeds(frame.reverse()).sort("entrant")
    for name in ("value", "low", "high", "df"):
        assert there[name].to_list() == pytest.approx(back[name].to_list())


def test_tables_say_how_many_seeds_are_behind_them():
    """One number where all rows have as many, a range where not, nothing for one."""
    one = study_tables(records_frame(rows("a", 1.0, seeds=1)[0]))[0].note
    many = study_tables(records_frame([*rows("a", 1.0)[0], *rows("b", 1.0, seeds=2)[0]]))[0].note
    assert "bootstrap over test scenes" in one
    assert "test scenes and 2 to 3 seeds" in many


def test_a_failure_stands_in_the_table_of_every_metric():
    """Its one record is by the primary metric; the table of another shows it all the same."""
    others = [
        row | {"metric": "ssim", "primary": False, "unit": "", "value": 0.5}
        for row in rows("a", 1.0)[0]
    ]
    records = records_frame([*rows("a", 1.0)[0], *others, failed("broken")])
    (table,) = study_tables(records, "ssim")
    assert [row[0] for row in table.rows] == ["a", "broken"]
    assert table.rows[1][1] == "failed"
    assert "ssim, higher" in table.title
