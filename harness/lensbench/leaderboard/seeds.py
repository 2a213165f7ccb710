"""One row for all seeds of an entrant, from records alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from lensbench.stats.intervals import LEVEL

BY = (
    "entrant",
    "pretraining_views",
    "task",
    "dataset",
    "test_dataset",
    "train_condition",
    "test_condition",
    "labels",
    "target_view",
    "budget",
    "metric",
)
"""Columns in which records of different seeds agree."""

SEEDS = ("seed_draw", "seed_pretraining", "seed_fit")
"""Columns that tell the fits of an entrant apart."""

ADDED = {"se": pl.Float64, "df": pl.Float64, "fits": pl.Int64}
"""Columns that stand beside those of records: standard error, degrees of freedom, seeds."""


def over_seeds(records: pl.DataFrame, by: Sequence[str] = BY) -> pl.DataFrame:
    """One row for all seeds of an entrant under a condition, by a metric.

    The value is the mean over seeds. The interval counts scenes and seeds and is Howe's, as that
    of `lensbench.stats.estimate`: the variance of the mean is that of the scenes, as the records'
    own intervals tell it (the mean over seeds, for these see the same scenes), and that of the
    seeds over their number. What a seed and a scene have between them is in both, so the
    interval is too wide by that; `estimate` takes it off where scores by scene are at hand. Where
    there are several draws their means are the sample. A metric whose records show no interval has
    none here. A row of one seed keeps the interval of its record. A row in which any seed failed is
    failed; one in which any fit stopped at the limit of steps did not converge.

    Returns:
        Columns of records, and `se`, `df` and `fits`.
    """
    placed = _placed(records, by)
    done = placed.filter(pl.col("state") == "done")
    means = _over_draws(_over_pretrainings(_over_fits(done)))
    other = [c for c in records.columns if c not in {"value", "low", "high", "state", "n"}]
    facts = placed.group_by(_PLACE, maintain_order=True).agg(
        pl.col("state").sort_by(pl.col("state") == "done").first(), *map(_over_all, other)
    )
    joined = facts.join(means, on=_PLACE, how="left", maintain_order="left")
    numbers = ("value", "low", "high", "n", *ADDED)
    scored = pl.when(pl.col("state") == "done")
    return joined.with_columns(scored.then(pl.col(name)).alias(name) for name in numbers).select(
        *records.columns, *ADDED
    )


def _over_all(column: str) -> pl.Expr:
    """Costs in the mean; of how fits ended `limit` where one did so; else what is first."""
    if column.startswith(("seconds", "memory", "joules")):
        return pl.col(column).mean()
    values = pl.col(column).drop_nulls()
    if column == "stopped_fit":
        return values.sort_by(values != "limit").first()
    return values.first()


_PLACE, _DRAW, _PRETRAINING = "_place", "_draw", "_pretraining"


def _placed(records: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Records with numbers for where they stand, their draw and their pretraining there.

    Grouping by one number is several times quicker than by a dozen texts.
    """
    place = _combined(pl.Series(_PLACE, np.zeros(len(records), dtype=np.int64)), records, by)
    draw = _combined(place.alias(_DRAW), records, ["seed_draw"])
    pretraining = _combined(draw.alias(_PRETRAINING), records, ["seed_pretraining"])
    return records.with_columns(place, draw, pretraining)


def _combined(number: pl.Series, records: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """A number for each combination of a number and the values of columns."""
    for name in columns:
        column = records[name]
        if column.dtype == pl.String:
            column = column.cast(pl.Categorical).to_physical()
        code = column.rank("dense").cast(pl.Int64).fill_null(0)
        if code.n_unique() > 1:
            number = (number * (len(records) + 1) + code).rank("dense").cast(pl.Int64)
    return number


def _over_fits(done: pl.DataFrame) -> pl.DataFrame:
    """Fits of one pretraining: their mean, its variance over fits, and over scenes."""
    half = (pl.col("high") - pl.col("low")) / 2
    return (
        done.with_columns(scenes=(half / student(pl.col("n") - 1)) ** 2)
        .group_by(_PRETRAINING, maintain_order=True)
        .agg(
            pl.col("value").mean(),
            pl.col("value").var().alias("variance"),
            pl.len().alias("fits"),
            pl.col("scenes").mean(),
            pl.col("n").max(),
            pl.col("low", "high", _PLACE, _DRAW).first(),
        )
    )


def _over_pretrainings(fits: pl.DataFrame) -> pl.DataFrame:
    """Pretrainings of one draw; where there is one, its fits are what varied."""
    several = pl.len() > 1
    count = pl.when(several).then(pl.len()).otherwise(pl.col("fits").first())
    variance = pl.when(several).then(pl.col("value").var()).otherwise(pl.col("variance").first())
    return fits.group_by(_DRAW, maintain_order=True).agg(
        pl.col("value").mean(),
        (variance / count).alias("seeds"),
        count.alias("count"),
        pl.col("fits").sum(),
        pl.col("scenes").mean(),
        pl.col("n").max(),
        pl.col("low", "high", _PLACE).first(),
    )


def _over_draws(draws: pl.DataFrame) -> pl.DataFrame:
    """Draws; where there is one, scenes and seeds are what varied."""
    seeds = (student(pl.col("count") - 1) ** 2 * pl.col("seeds")).fill_null(0.0).fill_nan(0.0)
    one = draws.with_columns(
        se=(pl.col("scenes") + pl.col("seeds").fill_null(0.0)).sqrt(),
        half=(student(pl.col("n") - 1) ** 2 * pl.col("scenes") + seeds).sqrt(),
    )
    several, single = pl.len() > 1, (pl.len() == 1) & (pl.col("fits").first() == 1)
    # A metric whose interval does not hold on one draw has none on several.
    holds = (pl.col("half").is_not_null() | (pl.col("n") < 2)).any()
    between = pl.when(holds).then(pl.col("value").std() / pl.len().sqrt())
    se = pl.when(several).then(between).otherwise(pl.col("se").first()).alias("se")
    means = one.group_by(_PLACE, maintain_order=True).agg(
        pl.col("value").mean(),
        se,
        pl.len().alias("draws"),
        pl.col("half").first(),
        pl.col("fits").sum().cast(pl.Int64),
        pl.col("n").sum(),
        single.alias("single"),
        pl.col("low", "high").first(),
    )
    spread = pl.when(pl.col("draws") > 1)
    means = means.with_columns(
        half=spread.then(student(pl.col("draws") - 1) * pl.col("se")).otherwise("half")
    ).with_columns(
        df=spread.then(pl.col("draws") - 1.0).otherwise(_df(pl.col("half") / pl.col("se")))
    )
    bounds = {"low": pl.col("value") - pl.col("half"), "high": pl.col("value") + pl.col("half")}
    return means.with_columns(
        pl.when("single").then(pl.col(name)).otherwise(bound).alias(name)
        for name, bound in bounds.items()
    ).drop("single", "half", "draws")


def _df(ratio: pl.Expr) -> pl.Expr:
    """Degrees of freedom with which Student's interval is so many standard errors to a side."""

    def solve(column: pl.Series) -> pl.Series:
        from scipy import special

        return pl.Series(special.stdtridf(0.5 + LEVEL / 2, column.to_numpy()))

    return ratio.map_batches(solve, return_dtype=pl.Float64)


def student(df: pl.Expr) -> pl.Expr:
    """The factor of a standard error in a 95 % interval, for degrees of freedom in a column."""

    def quantile(column: pl.Series) -> pl.Series:
        from scipy import special

        return pl.Series(special.stdtrit(column.cast(pl.Float64).to_numpy(), 0.5 + LEVEL / 2))

    return df.map_batches(quantile, return_dtype=pl.Float64)
