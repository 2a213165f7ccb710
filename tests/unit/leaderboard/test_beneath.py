"""Limits and published values beneath the entrants of a table."""

import math
from dataclasses import asdict, replace

import pytest
from tests.unit.leaderboard import boards

from lensbench.leaderboard.beneath import literature
from lensbench.leaderboard.columns import value_text
from lensbench.leaderboard.standings import Limit
from lensbench.leaderboard.table import run_table
from lensbench.limits import stored
from lensbench.limits.classes import ClassLimit
from lensbench.limits.places import PlaceLimit
from lensbench.registry import load_catalogue
from lensbench.stats.published import PublishedValue
from lensbench.store import open_store
from lensbench.store.records import records_frame
from lensbench.study.cell import View


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


def test_what_is_better_than_any_method_can_be_is_named():
    """Where the whole interval is beyond the bound; the reference is none."""
    limits = {("rmse_theta_E", "home"): Limit(0.05, 0.03), ("rmse_theta_E", "far"): Limit(1, 0.03)}
    note = run_table(records_frame(ROWS), limits=limits).note
    assert "BETTER THAN ANY METHOD CAN BE: fit under home. " in note
    assert "BETTER" not in run_table(records_frame(ROWS)).note


def test_an_error_without_an_interval_is_held_to_the_bound_by_its_number_of_scenes():
    """By the χ² interval of normal errors: of 0.02 over 40 scenes it ends at 0.02 × 1.28."""
    rows = [one | {"low": None, "high": None, "n": 40} for one in ROWS]
    for bound, named in ((0.0255, False), (0.0258, True)):
        limits = {("rmse_theta_E", "home"): Limit(0.05, bound)}
        note = run_table(records_frame(rows), limits=limits).note
        assert ("BETTER THAN ANY METHOD CAN BE: fit under home. " in note) == named


def test_an_error_without_a_bound_has_the_reference_alone():
    """As the 68 % error: van Trees' inequality is about the root mean square."""
    table = run_table(records_frame(ROWS), limits={("rmse_theta_E", "home"): Limit(0.01, math.nan)})
    assert [row[0] for row in table.rows] == ["fit", "net", "local reference"]
    assert "van Trees" not in table.note


def test_without_a_limit_the_table_is_as_it_was():
    """A limit of another metric or condition adds nothing."""
    plain = run_table(records_frame(ROWS))
    limits = {("rmse_shear_1", "home"): Limit(1.0, 0.5)}
    assert run_table(records_frame(ROWS), limits=limits) == plain


def test_a_limit_elsewhere_gives_no_efficiency_here():
    """It has rows, and no column: efficiency is that under the training condition."""
    limits = {("rmse_theta_E", "far"): Limit(0.01, math.nan)}
    table = run_table(records_frame(ROWS), limits=limits)
    assert table.rows[-1][:3] == ["local reference", "–", "0.0100"]
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


def test_tables_of_a_study_show_the_limits_that_the_store_has(lensbench, tmp_path, monkeypatch):
    """Of the task and dataset of each table; without them, or for another dataset, no row."""
    store = open_store(tmp_path / "store")
    dataset = "lenses:population=survey"
    made = [ClassLimit("no_sub", "cdm", (0.0, 0.0))]
    monkeypatch.setattr(stored, "drawn_scenes", lambda *_: [])
    monkeypatch.setattr(stored, "class_limits", lambda *_: made)
    monkeypatch.setattr(stored, "place_limits", lambda *_: [PlaceLimit(**asdict(*made))])
    view = View(dataset, "hsc-i")
    stored.ensure_class_limits(store, load_catalogue(), "anomaly", view)
    facts = {"task": "anomaly", "metric": "auroc", "dataset": dataset, "test_dataset": dataset}
    rows = boards.rows("vit", 0.7, condition="hsc-i", train_condition="hsc-i", **facts)
    board = boards.write_board(tmp_path / "known", rows)
    shown = lensbench("leaderboard", "show", board, "--store", tmp_path / "store")
    (limit,) = (line for line in shown.out.splitlines() if line.startswith("limit of information"))
    assert limit.split()[3] == "0.500"
    assert "Limit of information: an upper bound" in shown.out
    elsewhere = lensbench("leaderboard", "show", board, "--store", tmp_path / "none")
    assert "limit of information" not in elsewhere.out
    other = boards.rows("vit", 0.7, condition="hsc-i", **{**facts, "test_dataset": "theirs"})
    board = boards.write_board(tmp_path / "unknown", other)
    shown = lensbench("leaderboard", "show", board, "--store", tmp_path / "store")
    assert (shown.code, "limit of information" in shown.out) == (0, False)


PAPER = PublishedValue("LEMON", "arXiv:2503.15329", "regression", "rmse_theta_E", 0.025)


def test_a_published_value_is_a_row_and_no_entrant():
    """Under the training condition unless it names another; not ranked, and the note says so."""
    plain = run_table(records_frame(ROWS))
    elsewhere = replace(PAPER, name="other", condition="far")
    table = run_table(records_frame(ROWS), published=[PAPER, elsewhere])
    assert table.rows[: len(plain.rows)] == plain.rows
    assert table.rows[-2][:3] == ["published: LEMON (arXiv:2503.15329)", "0.025", "–"]
    assert table.rows[-1][:3] == ["published: other (arXiv:2503.15329)", "–", "0.025"]
    assert table.note == f"{plain.note} Published values are of other data, and are not ranked."
    assert {len(row) for row in table.rows} == {len(table.header)}


@pytest.mark.parametrize(
    "other",
    [{"task": "finding"}, {"metric": "nmad_theta_E"}, {"dataset": "images"}, {"labels": 100}],
)
def test_a_published_value_of_another_table_is_not_shown(other):
    plain = run_table(records_frame(ROWS))
    assert run_table(records_frame(ROWS), published=[replace(PAPER, **other)]) == plain
    same = replace(PAPER, dataset="lenses", labels="all")
    assert len(run_table(records_frame(ROWS), published=[same]).rows) == len(plain.rows) + 1


def test_published_values_are_read_from_a_study():
    """What is no study, or has a wrong one, has none."""
    values = "\n".join(f"{name} = {value!r}" for name, value in vars(PAPER).items())
    assert literature(f"[[published]]\n{values}") == (PAPER,)
    assert literature("no study") == literature("[[published]]\nname = 'x'") == ()
