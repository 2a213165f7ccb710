"""Overall scores: fixed scales, so that nobody's score depends on who else is there."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from tests.board_records import study_records

from lensbench.leaderboard.anchors import Anchor, anchor_of, load_anchors
from lensbench.leaderboard.page.overall import budget_names, leaders, overall, table_titles
from lensbench.leaderboard.page.payload import combine
from lensbench.leaderboard.page.rankings import rankings_of
from lensbench.leaderboard.standings import Limit

PEDAGOGICAL = "lenses:population=pedagogical"


def scores_of(records: pl.DataFrame) -> dict:
    return overall(rankings_of(combine(records)))


def rows_of(records: pl.DataFrame) -> dict[tuple[str, str], dict]:
    return {(row["entrant"], row["note"]): row for row in scores_of(records)["rows"]}


def test_a_score_is_between_chance_and_no_error():
    """An AUROC of 0.5 is 0 and one of 1 is 1, whoever else is in the table."""
    records = study_records(entrants=3, tasks=1, conditions=1, labels=(None,)).filter(
        pl.col("state") == "done"
    )
    found = rows_of(records)
    for entrant, value in records.select("entrant", "value").iter_rows():
        assert found[entrant, ""]["mean"] == pytest.approx((value - 0.5) / 0.5, rel=1e-6)


def test_a_new_entrant_changes_nobody_else():
    """Neither a perfect one nor one that is worse than chance."""
    records = study_records(entrants=6, tasks=2, conditions=3, labels=(None,))
    one = records.filter(pl.col("entrant") == records["entrant"][0])
    extremes = [
        one.with_columns(pl.lit(f"new {value}").alias("entrant"), pl.lit(value).alias("value"))
        for value in (0.1, 1.0)
    ]
    before, after = rows_of(records), rows_of(pl.concat([records, *extremes]))
    assert len(after) == len(before) + 2
    for name, row in before.items():
        assert {key: after[name][key] for key in ("mean", "parts", "worst", "gap")} == {
            key: row[key] for key in ("mean", "parts", "worst", "gap")
        }
        assert all(0 <= part <= 1 for part in row["parts"] if part is not None)


def test_intervals_and_ranks_follow_the_intervals_of_the_values():
    """Half widths are those of one table's values; the better has the lower mean rank."""
    records = study_records(entrants=1, tasks=1, conditions=1, labels=(None,))
    both = pl.concat(
        records.with_columns(
            pl.lit(name).alias("entrant"), pl.lit(value).alias("value"),
            pl.lit(value - 0.02).alias("low"), pl.lit(value + 0.02).alias("high"),
        )
        for name, value in (("good", 0.8), ("bad", 0.6))
    )  # fmt: skip
    found = rows_of(both)
    good, bad = found["good", ""], found["bad", ""]
    assert good["interval"] == pytest.approx([0.56, 0.64], abs=0.01)
    assert (good["rank"], bad["rank"]) == (1, 2)
    assert good["rank_interval"] == [1, 1] and bad["rank_interval"] == [2, 2]
    assert good["profile"][0] == 1 and good["profile"][-1] == 0


def test_two_pretrainings_of_one_entrant_have_two_scores():
    """Each of its own values, under a name that says on what."""
    one = study_records(entrants=1, tasks=1, conditions=2, labels=(None,))
    views = ["lenses euclid-vis", "lenses euclid-vis | lenses hst-acs"]
    both = pl.concat(
        one.with_columns(
            pl.lit(view).alias("pretraining_views"), (pl.col("value") - 0.1 * i).alias("value")
        )
        for i, view in enumerate(views)
    )
    rows = scores_of(both)["rows"]
    assert [(row["entrant"], row["note"]) for row in rows] == [
        (one["entrant"][0], ", pretrained on lenses under euclid-vis"),
        (one["entrant"][0], ", pretrained on lenses under euclid-vis and hst-acs"),
    ]
    assert rows[0]["mean"] - rows[1]["mean"] == pytest.approx(0.2)


def test_two_adaptations_of_one_entrant_have_two_scores():
    """Each of its own values; one that a table has once needs no more than its name."""
    one = study_records(entrants=1, tasks=1, conditions=2, labels=(None,))
    both = pl.concat(
        one.with_columns(
            pl.lit(f"lenses {target}").alias("target_view"),
            (pl.col("value") - 0.1 * i).alias("value"),
        )
        for i, target in enumerate(("hst-acs", "des-r"))
    )
    assert [row["note"] for row in scores_of(both)["rows"]] == [
        ", adapted to lenses hst-acs", ", adapted to lenses des-r",
    ]  # fmt: skip
    alone = both.filter(pl.col("target_view") == "lenses des-r")
    assert [row["note"] for row in scores_of(alone)["rows"]] == [""]


def test_a_missing_condition_leaves_no_score():
    """An entrant that failed or is absent under a condition has none of that table."""
    found = rows_of(study_records(entrants=4, tasks=1, conditions=3, labels=(None,)))
    assert found["resnet18 + none + finetune", ""]["mean"] is None  # absent under the last
    assert found["mae-vit + mae + finetune", ""]["mean"] is not None


def test_a_metric_without_a_scale_is_left_out_and_named():
    """An error whose dataset has no anchor."""
    records = study_records(entrants=3, tasks=3, conditions=2, labels=(None,))
    found = scores_of(records)
    assert [one["name"] for one in found["tables"]] == ["morphology"]
    assert found["left_out"] == ["superres", "theta-e"]  # without bicubic, and unknown


def test_zero_may_be_a_traditional_method_of_the_same_table():
    """A tenth of its error, 20 dB, is 1; without the method there is no scale."""
    facts = {"task": "superres", "metric": "psnr", "test_dataset": "lenses"}
    anchor = anchor_of(facts)
    done = {"state": "done", "chance": None}
    rows = {"bicubic": done | {"value": 30.0}, "net": done | {"value": 99.0}}
    scale = anchor.at(rows, "euclid-vis")
    assert (scale.zero, scale.one, scale.log) == (30.0, 50.0, False)
    assert anchor.at({"net": rows["net"]}, "euclid-vis") is None


def test_numbers_by_condition_have_one_for_all_others():
    """Named conditions first."""
    anchor = Anchor(["rmse"], "log", 1.0, {"near": 0.1, "*": 0.2}, ["a", "b"], "a test")
    assert [anchor.at({}, name).one for name in ("near", "far")] == [0.1, 0.2]
    assert Anchor(["rmse"], "log", 1.0, {"near": 0.1}, ["a", "b"], "a test").at({}, "far") is None


@pytest.mark.parametrize(
    ("metric", "guess"),
    [
        ("rmse_theta_E", np.std),
        ("error_68_theta_E", lambda radii: np.quantile(abs(radii - radii.mean()), 0.6827)),
    ],
)
def test_radii_are_between_guessing_the_mean_and_the_reference(metric, guess):
    """Zero is the spread of the pedagogical radii; no other population claims their limit."""
    facts = {"task": "regression", "metric": metric}
    scale = anchor_of(facts | {"test_dataset": PEDAGOGICAL}).at({}, "euclid-vis")
    radii = np.random.default_rng(0).uniform(0.8, 1.6, 200_000)
    assert scale.zero == pytest.approx(guess(radii), rel=5e-3)
    assert float(scale.score(scale.zero)) == 0 and float(scale.score(scale.one)) == 1
    assert float(scale.score(np.sqrt(scale.zero * scale.one))) == pytest.approx(0.5)
    for other in ("lenses", f"{PEDAGOGICAL}@theta_E", "lenses:population=look-alikes"):
        assert anchor_of(facts | {"test_dataset": other}) is None


def test_the_first_screen_says_where_each_leader_stands():
    """The best of each table with all labels, and its place between chance and no error."""
    records = study_records(entrants=3, tasks=2, conditions=2)
    rankings = rankings_of(combine(records))
    found = leaders(rankings)
    assert [one["title"] for one in found] == ["morphology", "superres"]
    best = rankings[found[0]["ranking"]]
    assert best.facts["labels"] is None
    assert found[0]["score"] == pytest.approx((best.standings[0].home["value"] - 0.5) / 0.5)
    assert (found[0]["ends"], found[0]["names"]) == ([0.5, 1.0], ["chance", "no error"])
    assert found[0]["place"] == f"{best.standings[0].home['value'] - 0.5:.2g} over chance"
    assert "score" not in found[1]


def test_the_first_screen_says_how_far_the_limit_is():
    """Of an AUROC the distance to the limit, of an error the ratios to both ends of the scale."""
    records = study_records(entrants=1, tasks=1, conditions=1, labels=(None,))

    def place(metric: str, value: float, limit: float) -> str:
        rows = combine(
            records.with_columns(
                pl.lit(metric).alias("metric"), pl.lit(value).alias("value"),
                pl.lit("regression" if "theta" in metric else "morphology").alias("task"),
                pl.lit(PEDAGOGICAL).alias("test_dataset"), pl.lit("done").alias("state"),
            )
        )  # fmt: skip
        known = {(metric, "euclid-vis"): Limit(math.nan, limit)}
        return leaders(rankings_of(rows, lambda first: known))[0]["place"]

    assert place("auroc", 0.75, 0.99) == "0.25 over chance, 0.24 under the limit of all methods"
    assert place("auroc", 0.4, 0.3) == "0.1 under chance, 0.1 over the limit of all methods"
    told = place("error_68_theta_E", 0.0073, math.nan)
    assert told == "1/37 of guessing the mean, 3.3 times the local reference"


def test_the_interval_of_a_score_is_over_the_tables_that_it_is_of():
    """Also where others lack one of them: ranks are then over fewer tables than the score."""
    one = study_records(entrants=1, tasks=1, conditions=1, labels=(None,))

    def row(name: str, task: str, value: float) -> pl.DataFrame:
        return one.with_columns(
            pl.lit(name).alias("entrant"), pl.lit(task).alias("task"), pl.lit(value).alias("value"),
            pl.lit(value - 0.01).alias("low"), pl.lit(value + 0.01).alias("high"),
            pl.lit("done").alias("state"),
        )  # fmt: skip

    records = pl.concat(
        [
            row("all", "morphology", 0.9), row("all", "anomaly", 0.6),
            row("one", "morphology", 0.8), row("two", "morphology", 0.7),
        ]
    )  # fmt: skip
    found = scores_of(records)
    assert found["compared"] == ["morphology"]
    rows = {line["entrant"]: line for line in found["rows"]}
    half = 0.02 / np.sqrt(2)
    assert rows["all"]["mean"] == pytest.approx(0.5)
    assert rows["all"]["interval"] == pytest.approx([0.5 - half, 0.5 + half], abs=0.005)
    assert rows["one"]["interval"] == pytest.approx([0.58, 0.62], abs=0.005)


def test_budgets_have_names_that_a_person_reads():
    """The text itself where two would have the same name."""
    said = {
        "minute": "first look",
        "full:train_steps=20": "full with 20 steps",
        "standard:test_scenes=300,train_steps=1500":
            "standard with 1,500 steps and 300 test scenes",
        "converged:test_scenes=30,train_scenes=1000,train_steps=9,validation_scenes=2":
            "converged with 1,000 training scenes, 9 steps and 30 test scenes",
        "full:batch=8,train_steps=20": "full with 20 steps and 1 other number",
    }  # fmt: skip
    assert budget_names(list(said)) == said
    alike = ["full:pretraining_steps=1", "full:pretraining_steps=2"]
    assert list(budget_names(alike).values()) == alike


def test_every_anchor_says_where_it_comes_from():
    """And what kind of scale it is."""
    version, anchors = load_anchors()
    assert version == 3
    assert all(one.source and one.scale in ("linear", "log") for one in anchors)


def test_titles_say_what_distinguishes_tables():
    """The task alone where it has one table; else what differs, and no more."""
    facts = {
        "task": "a",
        "dataset": "d",
        "test_dataset": "d",
        "train_condition": "c",
        "budget": "b",
    }
    assert table_titles([facts, facts | {"task": "b"}]) == ["a", "b"]
    assert table_titles([facts, facts | {"test_dataset": "e"}]) == [
        "a, tested on d", "a, tested on e",
    ]  # fmt: skip
    others = facts | {"dataset": "e", "test_dataset": "e"}
    titles = table_titles([facts, others, others | {"test_dataset": "d"}])
    assert titles == ["a, d", "a, e", "a, e, tested on d"]
