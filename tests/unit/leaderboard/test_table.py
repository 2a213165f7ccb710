"""The table of a run."""

import itertools

import polars as pl
import pytest
from scipy import stats
from statsmodels.stats.power import TTestIndPower

from lensbench.errors import UsageError
from lensbench.leaderboard.columns import value_text
from lensbench.leaderboard.pairing import detectable_in, estimate_of
from lensbench.leaderboard.seeds import over_seeds
from lensbench.leaderboard.table import NO_INTERVAL, run_table
from lensbench.stats.crossed import independent_difference
from lensbench.store.records import records_frame


def record(entrant: str, condition: str, value: float, **other) -> dict:
    return {
        "entrant": entrant, "state": "done", "task": "superres", "dataset": "lenses",
        "test_dataset": "lenses", "budget": "quick", "train_condition": "home",
        "test_condition": condition, "metric": "psnr", "unit": "dB", "higher_is_better": True,
        "primary": True, "value": value, "low": value - 0.5, "high": value + 0.5, "n": 40,
        "seconds_pretraining": 1.0, "seconds_fit": 2.0, "seconds_predict": 0.5, **other,
    }  # fmt: skip


def rows() -> list[dict]:
    return [
        record("weak", "home", 30.0), record("weak", "far", 29.0), record("weak", "near", 29.5),
        record("strong", "home", 40.0), record("strong", "far", 25.0),
        record("strong", "near", 39.0),
    ]  # fmt: skip


def test_entrants_are_ranked_with_worst_and_gap():
    """The best in distribution comes first; its worst condition and the gap are told."""
    table = run_table(records_frame(rows()))
    assert table.header == [
        "entrant", "home (trained on)", "far", "near", "worst", "gap", "n", "seconds",
    ]  # fmt: skip
    assert table.rows[0] == [
        "strong", "40.00 ± 0.50", "25.00 ± 0.50", "39.00 ± 0.50", "far", "+15.00", "40", "4.5",
    ]  # fmt: skip
    assert table.rows[1][0] == "weak"


def test_lower_is_better_turns_rank_and_worst():
    """With an error as the metric the smallest wins and the largest is the worst."""
    table = run_table(records_frame([row | {"higher_is_better": False} for row in rows()]))
    assert [row[0] for row in table.rows] == ["weak", "strong"]
    assert [row[4] for row in table.rows] == ["near", "near"]


def test_a_metric_without_direction_ranks_nobody():
    """A signed bias: rows keep their order, none is the worst, and the title says why."""
    table = run_table(records_frame([row | {"higher_is_better": None} for row in rows()]))
    assert [row[0] for row in table.rows] == ["weak", "strong"]
    assert [row[4:6] for row in table.rows] == [["–", "–"]] * 2
    assert table.title.endswith("neither higher nor lower is better")


def test_the_note_says_why_a_value_has_no_interval():
    """It stands only where a value has none."""
    bare = [record("perfect", "home", 1.0) | {"low": None, "high": None}]
    assert NO_INTERVAL in run_table(records_frame([*rows(), *bare])).note
    assert NO_INTERVAL not in run_table(records_frame(rows())).note


def test_failed_and_absent_look_like_what_they_are():
    """A failure keeps its row, at the end; a condition that was never tried says so."""
    failed = {"state": "failed", "value": None, "low": None, "high": None, "n": None}
    some = [*rows()[:-1], record("broken", "home", 0.0) | failed]
    table = run_table(records_frame(some))
    by_name = {row[0]: row for row in table.rows}
    assert by_name["broken"][1:4] == ["failed", "absent", "absent"]
    assert table.rows[-1][0] == "broken"
    assert by_name["strong"][3] == "absent"


@pytest.mark.parametrize("column", ["budget", "task", "dataset", "metric"])
def test_what_cannot_be_compared_shares_no_table(column):
    """Cells of two budgets, tasks, datasets or metrics never stand in one table."""
    mixed = rows()
    mixed[0][column] = "other"
    with pytest.raises(ValueError, match=column):
        run_table(records_frame(mixed))


def test_what_adapts_shares_the_table_and_says_to_what():
    """The same entrant adapted to two conditions has two rows beside one that adapts to none."""
    adapted = [record("adda", "home", 35.0, target_view=f"lenses {to}") for to in ("far", "near")]
    table = run_table(records_frame([record("plain", "home", 36.0, target_view=""), *adapted]))
    assert [row[0] for row in table.rows] == [
        "plain",
        "adda, adapted to lenses far",
        "adda, adapted to lenses near",
    ]


def test_what_was_pretrained_on_several_things_has_a_row_for_each():
    """Each says on what; one that was pretrained on one thing alone needs no more than its name."""
    home, eight = "lenses home", " | ".join(f"lenses c{number}" for number in range(8))
    other = "a c0 | b c1"
    table = run_table(
        records_frame([
            record("mae", "home", 35.0, pretraining_views=home),
            record("mae", "home", 37.0, pretraining_views=eight),
            record("mae", "home", 36.0, pretraining_views=other),
            record("plain", "home", 30.0, pretraining_views=""),
            record("simclr", "home", 33.0, pretraining_views=home),
        ])
    )  # fmt: skip
    assert [(row[0], row[1]) for row in table.rows] == [
        ("mae, pretrained on lenses under 8 conditions", "37.00 ± 0.50"),
        ("mae, pretrained on a and b under c0 and c1", "36.00 ± 0.50"),
        ("mae, pretrained on lenses under home", "35.00 ± 0.50"),
        ("simclr", "33.00 ± 0.50"),
        ("plain", "30.00 ± 0.50"),
    ]


def test_pretrainings_that_are_alike_in_brief_are_told_in_full():
    """Three conditions and three others; so is what is no list of views at all."""
    views = [" | ".join(f"lenses {letter}{number}" for number in range(3)) for letter in "ab"]
    views.append(" | ")
    same = [record("mae", "home", 35.0 - i, pretraining_views=v) for i, v in enumerate(views)]
    table = run_table(records_frame(same))
    assert [row[0] for row in table.rows] == [f"mae, pretrained on {v}" for v in views]


def test_an_unknown_metric_is_told_with_the_known():
    """A mistake in the call."""
    with pytest.raises(UsageError, match="bleu"):
        run_table(records_frame(rows()), "bleu")


@pytest.mark.parametrize(
    ("form", "sign"), [("terminal", "----"), ("markdown", "|----"), ("latex", r"\toprule")]
)
def test_a_table_has_three_forms(form, sign):
    """Terminal, Markdown and LaTeX with booktabs."""
    assert sign in run_table(records_frame(rows())).text(form)


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (30.0, 29.5, 30.5, "30.00 ± 0.50"),
        (30.0, 29.0, 30.5, "30.00 −1.00 +0.50"),
        (0.5214, 0.5, 0.54, "0.521 −0.021 +0.019"),
        (30.0, 30.0, 30.0, "30.000 ± 0.000"),
        (31.4159, 19.0, 44.0, "31.4 −12.4 +12.6"),
    ],
)
def test_digits_follow_the_interval(value, low, high, text):
    """Values are shown to two figures of their interval, and never to none."""
    assert value_text({"value": value, "low": low, "high": high}) == text


def test_the_table_reads_records_alone():
    """Any frame with the columns will do, in any order of rows."""
    frame = records_frame(rows())
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=1)
    assert {r[0]: r[1] for r in run_table(shuffled).rows} == {
        r[0]: r[1] for r in run_table(frame).rows
    }
    assert isinstance(frame, pl.DataFrame)


def test_a_table_says_which_difference_could_have_been_seen():
    """Of two entrants with the same interval, as statsmodels has it for two independent means."""
    deviation = 0.5 / stats.t.ppf(0.975, 39) * 40**0.5
    effect = TTestIndPower().solve_power(nobs1=40, alpha=0.05, power=0.8)
    note = run_table(records_frame(rows())).note
    assert "not the training of weights that were given" in note
    assert f"A true difference of {effect * deviation:.2g} between two entrants under home" in note
    alone = run_table(records_frame(rows()[:3])).note
    assert "true difference" not in alone


def test_the_detectable_difference_is_that_of_the_median_pair():
    """Of all pairs by their standard errors; an entrant without an interval is in none."""
    widths = {"a": 0.1, "b": 0.2, "c": 0.4, "d": 0.8, "none": None}
    some = [
        record(name, "home", 30.0)
        | ({"low": 30 - w, "high": 30 + w} if w else {"low": None, "high": None})
        for name, w in widths.items()
    ]
    found = list(over_seeds(records_frame(some)).iter_rows(named=True))
    estimates = [estimate_of(row) for row in found if row["se"] is not None]
    pairs = [independent_difference(a, b) for a, b in itertools.combinations(estimates, 2)]
    assert len(pairs) == 6
    median = sorted(pairs, key=lambda one: one.se)[3]
    assert detectable_in(found) == pytest.approx(median.detectable())
    assert detectable_in(found[:1]) is None
