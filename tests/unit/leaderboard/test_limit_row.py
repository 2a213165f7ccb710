"""Local reference and bound in a run's table."""

import math

from lensbench.leaderboard.columns import value_text
from lensbench.leaderboard.standings import Limit
from lensbench.leaderboard.table import run_table
from lensbench.store.records import records_frame


def rmse(entrant: str, condition: str, value: float) -> dict:
    return {
        "entrant": entrant, "state": "done", "task": "regression", "dataset": "lenses",
        "test_dataset": "lenses", "budget": "smoke", "train_condition": "home",
        "test_condition": condition, "metric": "rmse_theta_E", "unit": "arcsec",
        "higher_is_better": False, "primary": True, "value": value, "low": value * 0.8,
        "high": value * 1.2, "n": 24, "seconds_fit": 1.0, "seconds_predict": 1.0,
    }  # fmt: skip


ROWS = [
    rmse("fit", "home", 0.02), rmse("fit", "far", 0.03), rmse("net", "home", 0.2),
    rmse("net", "far", 0.3),
]  # fmt: skip


def test_a_known_limit_is_two_rows_and_a_column():
    """Reference and bound stand beneath all entrants; efficiency is by the reference."""
    limits = {("rmse_theta_E", "home"): Limit(0.01, 0.002)}
    table = run_table(records_frame(ROWS), limits=limits)
    assert table.header[-1] == "efficiency"
    assert [row[-1] for row in table.rows] == ["0.5", "0.05", "1.00", "5.00"]
    assert table.rows[-2][:3] == ["local reference", "0.0100", "–"]
    assert table.rows[-1][:3] == ["van Trees bound", "0.0020", "–"]
    assert {len(row) for row in table.rows} == {len(table.header)}


def test_without_a_limit_the_table_is_as_it_was():
    """A limit of another metric or condition adds nothing."""
    plain = run_table(records_frame(ROWS))
    limits = {("rmse_shear_1", "home"): Limit(1.0, 0.5)}
    assert run_table(records_frame(ROWS), limits=limits) == plain


def test_a_limit_elsewhere_gives_no_efficiency_here():
    """It has rows, and no column: efficiency is that under the training condition."""
    limits = {("rmse_theta_E", "far"): Limit(0.01, math.nan)}
    table = run_table(records_frame(ROWS), limits=limits)
    assert table.rows[-2][:3] == ["local reference", "–", "0.0100"]
    assert table.rows[-1][:3] == ["van Trees bound", "–", "–"]
    assert "efficiency" not in table.header
    assert {len(row) for row in table.rows} == {len(table.header)}


def test_a_limit_of_classes_is_one_row_without_efficiency():
    """An upper bound on the AUROC is the limit of information, where it is known."""
    rows = [{**row, "metric": "auroc", "unit": "", "higher_is_better": True} for row in ROWS]
    limits = {("auroc", "home"): Limit(math.nan, 0.998)}
    table = run_table(records_frame(rows), limits=limits)
    assert [row[0] for row in table.rows] == ["net", "fit", "limit of information"]
    assert table.rows[-1][:3] == ["limit of information", "0.998", "–"]
    assert "efficiency" not in table.header
    assert {len(row) for row in table.rows} == {len(table.header)}
    assert "upper bound" in table.note


def test_one_scene_shows_no_interval():
    """A value without bounds says so in their place."""
    row = {"value": 0.5, "low": None, "high": None, "n": 1}
    assert value_text(row) == "0.500 (no interval)"
