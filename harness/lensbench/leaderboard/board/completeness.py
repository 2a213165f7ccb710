"""What a board's records have to have so that nothing was left out: conditions, metrics, draws."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from lensbench.errors import DataError
from lensbench.leaderboard.board.claims import SCORED, VIEW
from lensbench.leaderboard.board.layout import RECORDS, shown


def check_complete(records: pl.DataFrame) -> None:
    """Refuses records that lack a row which others of their kind have, or disagree on a metric.

    Cells that were trained on the same scenes for one task are tested under the same conditions. An
    entrant has the same metrics in each cell of a task. A metric of a task has one unit and one
    direction, and one metric of a task is the primary one.

    Raises:
        DataError: Naming the cell or the metric.
    """
    for column in ("unit", "higher_is_better", "primary"):
        values = records.group_by("task", "metric").agg(pl.col(column).n_unique().alias("count"))
        several = values.filter(pl.col("count") > 1)
        if not several.is_empty():
            raise DataError(
                f"{RECORDS}: {column} of {several['metric'][0]} of {several['task'][0]} differs "
                "between rows"
            )
    primary = records.filter("primary").group_by("task").agg(pl.col("metric").n_unique())
    if primary.height != records["task"].n_unique() or (primary["metric"] > 1).any():
        raise DataError(f"{RECORDS}: a task has no primary metric or several")
    _check_alike(
        records.select("task", "dataset", "train_condition", "cell", *VIEW).unique(),
        ("task", "dataset", "train_condition"),
        VIEW,
        "a row under",
    )
    scored = records.filter(pl.col("state").is_in(SCORED))
    _check_alike(
        scored.select(
            "task",
            "entrant",
            "test_dataset",
            "metric",
            pl.concat_str("cell", "test_condition", separator=" ").alias("cell"),
        ),
        ("task", "entrant", "test_dataset"),
        ("metric",),
        "a row of",
    )
    _check_draws(records)
    if scored["cell"].n_unique() and (
        scored.filter("primary").select("cell", *VIEW).unique().height
        != scored.select("cell", *VIEW).unique().height
    ):
        raise DataError(f"{RECORDS} lacks the primary metric of a cell")


def check_metrics(records: pl.DataFrame, predicted: Mapping[str, str]) -> None:
    """Refuses cells that lack a metric which others have whose predictions are of the same kinds.

    Args:
        records: All of a board.
        predicted: Names of the arrays of predictions by their key, as far as these are here.

    Raises:
        DataError: Naming the cell and the metric.
    """
    names = pl.DataFrame(
        {"predictions": list(predicted), "names": list(predicted.values())},
        schema={"predictions": pl.String, "names": pl.String},
    )
    rows = records.join(names, on="predictions")
    _check_alike(
        rows.select(
            "task",
            "test_dataset",
            "names",
            "metric",
            pl.concat_str("cell", "test_condition", separator=" ").alias("cell"),
        ),
        ("task", "test_dataset", "names"),
        ("metric",),
        "a row of",
    )


def check_usual_metrics(records: pl.DataFrame, others: pl.DataFrame) -> None:
    """Refuses cells that lack a metric which every entrant of others has for their task.

    Raises:
        DataError: Naming the task and the metric.
    """
    group = ("task", "test_dataset")
    entrants = others.group_by(group).agg(pl.col("entrant").n_unique().alias("entrants"))
    usual = (
        others.group_by(*group, "metric")
        .agg(pl.col("entrant").n_unique().alias("having"))
        .join(entrants, on=group)
        .filter(pl.col("having") == pl.col("entrants"))
    )
    asked = records.select(group).unique().join(usual, on=group)
    lacking = asked.join(records, on=[*group, "metric"], how="anti")
    if not lacking.is_empty():
        row = lacking.row(0, named=True)
        raise DataError(
            f"the bundle lacks {row['metric']} of {row['task']}, which every entrant of the board "
            "has",
            "submit it with its predictions",
        )


def _check_draws(records: pl.DataFrame) -> None:
    """Refuses an entrant without a draw of test scenes that others of its table have.

    A study asks for all of its draws of each entrant, and a fit that failed has a row. So a draw
    that is not there was left out, perhaps because it went badly.
    """
    table = ("task", "dataset", "train_condition", "labels")
    who = ("entrant", "pretraining_views", "target_view")
    draws = pl.col("seed_draw").unique().sort()
    all_ = records.group_by(*table).agg(draws.alias("all"))
    have = records.group_by(*table, *who).agg(draws).sort(*who)
    for row in have.join(all_, on=list(table), nulls_equal=True).iter_rows(named=True):
        lacking = sorted(set(row["all"]) - set(row["seed_draw"]))
        if lacking:
            raise DataError(
                f"{RECORDS}: {shown(row['entrant'])} lacks draw {lacking[0]} of {row['task']}, "
                "which other entrants have",
                "publish every draw of every entrant; a fit that failed has a row of its own",
            )


def _check_alike(
    rows: pl.DataFrame, group: tuple[str, ...], what: tuple[str, ...], lacking: str
) -> None:
    """Refuses groups in which a cell lacks something that another cell of the group has."""
    have = rows.group_by(*group, "cell").agg(pl.struct(what).n_unique().alias("have"))
    all_ = rows.group_by(*group).agg(pl.struct(what).unique().alias("all"))
    joined = have.join(all_, on=list(group), nulls_equal=True)
    short = joined.filter(pl.col("have") < pl.col("all").list.len())
    if short.is_empty():
        return
    row = short.sort("cell").row(0, named=True)
    cell = str(row["cell"]).partition(" ")[0]
    mine = rows.filter(pl.col("cell") == row["cell"]).select(what).unique().rows()
    name = next(one for one in row["all"] if tuple(one.values()) not in mine)
    raise DataError(f"{RECORDS}: cell {cell} lacks {lacking} {shown(' '.join(name.values()))}")
