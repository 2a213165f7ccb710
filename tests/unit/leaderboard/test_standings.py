"""Standings, of which every table shows the same."""

from __future__ import annotations

import pytest
from tests.board_records import study_records

from lensbench.leaderboard.columns import COLUMNS, columns_of
from lensbench.leaderboard.contenders import with_notes
from lensbench.leaderboard.seeds import over_seeds
from lensbench.leaderboard.standings import by_every_metric, in_order, rank
from lensbench.store.records import records_frame


def row(entrant: str, condition: str, value: float | None, **other) -> dict:
    return {
        "entrant": entrant, "state": "done" if value is not None else "failed", "task": "t",
        "dataset": "d", "test_dataset": "d", "budget": "b", "train_condition": "home",
        "test_condition": condition, "metric": "auroc", "unit": "", "higher_is_better": True,
        "primary": True, "value": value, "low": value, "high": value, "n": 10, "target_view": "",
        "pretraining_views": "", "seed_draw": 0, "seed_pretraining": 0, "seed_fit": 0,
        "cell": entrant, "seconds_pretraining": 1.0, "seconds_fit": 2.0, "seconds_predict": 0.25,
        "parameters": 1234567, **other,
    }  # fmt: skip


def ranking(rows, **limits):
    return rank(with_notes(over_seeds(records_frame(rows))), **limits)


def test_place_worst_gap_and_cost():
    """The worst is sought away from home; the cost counts every prediction."""
    found = ranking([
        row("a", "home", 0.9), row("a", "psf@10", 0.5), row("a", "psf@2", 0.7),
        row("b", "home", 0.8), row("b", "psf@2", 0.85), row("c", "home", None),
    ])  # fmt: skip
    assert found.conditions == ("home", "psf@2", "psf@10")
    assert [(one.name, one.place) for one in found.standings] == [("a", 1), ("b", 2), ("c", None)]
    first, second, failed = found.standings
    assert first.worst["test_condition"] == "psf@10"
    assert (first.gap, second.gap) == (pytest.approx(0.4), pytest.approx(-0.05))
    assert (first.seconds, second.seconds, failed.seconds) == (3.75, 3.5, None)
    assert failed.home is None and failed.gap is None


def test_without_the_training_condition_the_first_ranks():
    """As where a board was tested elsewhere alone."""
    found = ranking([row("a", "psf@2", 0.7), row("b", "psf@1", 0.9)])
    assert found.home == "psf@1"
    assert [one.place for one in found.standings] == [1, None]


def test_a_column_stands_where_an_entrant_has_a_value():
    """All columns in the order of their one definition; none of which nothing is known."""
    standings = ranking([row("a", "home", 0.9)]).standings
    shown = {column.label: column.shown(standings[0]) for column in columns_of(standings)}
    assert shown == {
        "worst": "–", "gap": "–", "n": "10", "seeds": "1", "seconds": "3.2",
        "parameters": "1\u202f234\u202f567",
    }  # fmt: skip
    assert [one.label for one in COLUMNS][-2:] == ["trust", "efficiency"]


def test_a_failure_stands_in_the_table_of_every_metric():
    """It has one record, by the metric that ranks."""
    records = records_frame([
        row("a", "home", 0.9), row("a", "home", 0.1, metric="ece", primary=False),
        row("b", "home", None),
    ])  # fmt: skip
    every = by_every_metric(records)
    assert sorted(every.select("entrant", "metric", "state").rows()) == [
        ("a", "auroc", "done"), ("a", "ece", "done"), ("b", "auroc", "failed"),
        ("b", "ece", "failed"),
    ]  # fmt: skip
    same = study_records()
    assert by_every_metric(same).equals(same)


def test_grades_are_in_order_of_their_number():
    """And names by letter."""
    names = ["psf@10", "psf@2", "depth@1", "des-i"]
    assert sorted(names, key=in_order) == ["depth@1", "des-i", "psf@2", "psf@10"]


def test_rows_say_which_fits_did_not_converge():
    """One fit that came to the limit marks its row; a budget that sets the length marks none."""
    fits = {
        "ended": ("converged", "converged"), "cut": ("converged", "limit"),
        "set": ("fixed", "fixed"), "untrained": (None, None),
    }  # fmt: skip
    found = ranking([
        row(name, "home", 0.9, seed_fit=seed, stopped_fit=stopped, cell=f"{name}{seed}",
            low=0.8, high=1.0)
        for name, stops in fits.items() for seed, stopped in enumerate(stops)
    ])  # fmt: skip
    (column,) = (column for column in columns_of(found.standings) if column.label == "training")
    shown = {one.name: column.shown(one) for one in found.standings}
    assert shown == {"ended": "converged", "cut": "not converged", "set": "–", "untrained": "–"}
    only_set = ranking([row("set", "home", 0.9, stopped_fit="fixed")])
    assert "training" not in [column.label for column in columns_of(only_set.standings)]


def test_an_undefined_metric_hides_no_other():
    """A metric without a value is undefined alone; a failed cell has failed by each metric."""
    undefined = {"state": "undefined", "low": None, "high": None, "n": None}
    records = records_frame([
        row("a", "home", 0.9), row("a", "home", 0.8, metric="accuracy", primary=False),
        row("a", "home", None, metric="purity", primary=False, **undefined),
        row("b", "home", None),
    ])  # fmt: skip
    states = by_every_metric(records).select("entrant", "metric", "state").rows()
    assert sorted(states) == [
        ("a", "accuracy", "done"), ("a", "auroc", "done"), ("a", "purity", "undefined"),
        ("b", "accuracy", "failed"), ("b", "auroc", "failed"), ("b", "purity", "failed"),
    ]  # fmt: skip
