"""One row for all seeds of an entrant, from records alone."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from lensbench.stats.intervals import LEVEL

BY = (
    "entrant", "pretraining_views", "task", "dataset", "test_dataset", "train_condition",
    "test_condition", "labels", "target_view", "budget", "metric",
)  # fmt: skip
"""Columns in which records of different seeds agree."""

ADDED = {"se": pl.Float64, "df": pl.Float64, "fits": pl.Int64}
"""Columns that stand beside those of records: standard error, its degrees of freedom, seeds."""


def over_seeds(records: pl.DataFrame, by: Sequence[str] = BY) -> pl.DataFrame:
    """One row for all seeds of an entrant under a condition, by a metric.

    The value is the mean over seeds. The interval counts scenes and seeds: the variance of the
    mean is that of the scenes, as the records' own intervals tell it (the mean over seeds, for
    these see the same scenes), and that of the seeds over their number; degrees of freedom are
    Satterthwaite's (1946). What a seed and a scene have between them is in both, so the interval
    is too wide by that; `lensbench.stats.estimate` takes it off where scores by scene are at
    hand. Where there are several draws their means are the sample. A row of one seed keeps the
    interval of its record. A row in which any seed failed is failed.

    Returns:
        Columns of records, and `se`, `df` and `fits`.
    """
    done = records.filter(pl.col("state") == "done")
    means = _over_draws(_over_pretrainings(_over_fits(done, by), by), by)
    other = [c for c in records.columns if c not in {*by, "value", "low", "high", "state", "n"}]
    costs = [c for c in other if c.startswith(("seconds", "memory", "joules"))]
    facts = records.group_by(by, maintain_order=True).agg(
        pl.col("state").sort_by(pl.col("state") == "done").first(),
        *(pl.col(c).mean() if c in costs else pl.col(c).drop_nulls().first() for c in other),
    )
    joined = facts.join(means, on=by, how="left", nulls_equal=True, maintain_order="left")
    numbers = ("value", "low", "high", "n", *ADDED)
    scored = pl.when(pl.col("state") == "done")
    return joined.with_columns(scored.then(pl.col(name)).alias(name) for name in numbers).select(
        *records.columns, *ADDED
    )


def _over_fits(done: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Fits of one pretraining: their mean, its variance over fits, and over scenes."""
    half = (pl.col("high") - pl.col("low")) / 2
    return (
        done.with_columns(scenes=(half / student(pl.col("n") - 1)) ** 2)
        .group_by(*by, "seed_draw", "seed_pretraining", maintain_order=True)
        .agg(
            pl.col("value").mean(), pl.col("value").var().alias("variance"), pl.len().alias("fits"),
            pl.col("scenes").mean(), pl.col("n").max(), pl.col("low", "high").first(),
        )
    )  # fmt: skip


def _over_pretrainings(fits: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Pretrainings of one draw; where there is one, its fits are what varied."""
    several = pl.len() > 1
    count = pl.when(several).then(pl.len()).otherwise(pl.col("fits").first())
    variance = pl.when(several).then(pl.col("value").var()).otherwise(pl.col("variance").first())
    return fits.group_by(*by, "seed_draw", maintain_order=True).agg(
        pl.col("value").mean(), (variance / count).alias("seeds"), count.alias("count"),
        pl.col("fits").sum(), pl.col("scenes").mean(), pl.col("n").max(),
        pl.col("low", "high").first(),
    )  # fmt: skip


def _over_draws(draws: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Draws; where there is one, scenes and seeds are what varied."""
    one = draws.with_columns(
        own=pl.col("scenes") + pl.col("seeds").fill_null(0.0),
        doubt=pl.col("scenes") ** 2 / (pl.col("n") - 1)
        + (pl.col("seeds") ** 2 / (pl.col("count") - 1)).fill_null(0.0).fill_nan(0.0),
    )
    several, single = pl.len() > 1, (pl.len() == 1) & (pl.col("fits").first() == 1)
    own_df = pl.col("own").first() ** 2 / pl.col("doubt").first()
    means = one.group_by(by, maintain_order=True).agg(
        pl.col("value").mean(),
        pl.when(several)
        .then(pl.col("value").std() / pl.len().sqrt())
        .otherwise(pl.col("own").first().sqrt())
        .alias("se"),
        pl.when(several).then(pl.len() - 1.0).otherwise(own_df).alias("df"),
        pl.col("fits").sum().cast(pl.Int64), pl.col("n").sum(), single.alias("single"),
        pl.col("low", "high").first(),
    )  # fmt: skip
    half = student(pl.col("df")) * pl.col("se")
    bounds = {"low": pl.col("value") - half, "high": pl.col("value") + half}
    return means.with_columns(
        pl.when("single").then(pl.col(name)).otherwise(bound).alias(name)
        for name, bound in bounds.items()
    ).drop("single")


def student(df: pl.Expr) -> pl.Expr:
    """The factor of a standard error in a 95 % interval, for degrees of freedom in a column."""

    def quantile(column: pl.Series) -> pl.Series:
        from scipy import special

        return pl.Series(special.stdtrit(column.cast(pl.Float64).to_numpy(), 0.5 + LEVEL / 2))

    return df.map_batches(quantile, return_dtype=pl.Float64)
