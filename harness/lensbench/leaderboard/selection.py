"""Any part of records, in any order, turned any way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from lensbench.errors import UsageError, nearest
from lensbench.leaderboard.board.claims import SCORED
from lensbench.leaderboard.forms import shown
from lensbench.leaderboard.seeds import ADDED, BY, SEEDS, over_seeds
from lensbench.leaderboard.tiers import with_tiers
from lensbench.store.records import COLUMNS

_TEST = re.compile(r"(?P<column>[^!<>=]+)(?P<sign>!=|>=|<=|=|>|<)(?P<value>.*)", re.DOTALL)
_LISTED = 8
"""Values that a message names, at most."""

_NEEDED = (*BY, *SEEDS, "state", "value", "low", "high", "n", "unit", "higher_is_better", "primary")
DEFAULT = (
    "entrant",
    "task",
    "dataset",
    "train_condition",
    "test_condition",
    "labels",
    "metric",
    "value",
    "low",
    "high",
    "n",
    "fits",
)
"""Columns of a flat table where none are named."""


@dataclass(frozen=True)
class Selection:
    """What to show of records.

    Attributes:
        where: Tests such as `task=superres`, `test_condition=psf@*|depth@1`, `value>=30`,
            `labels=all`, `error=` (empty), `state!=done`; all have to hold.
        metric: Its name; the primary ones where empty, all where `all`.
        columns: To show; `DEFAULT` where empty.
        sort: Columns to sort by, each with a minus before it to turn the order; what is empty
            comes last.
        pivot: Column whose values become columns.
        rows: With a pivot: columns that name a row.
        value: With a pivot: column to show.
        limit: Rows at most; all where zero.
        each_seed: A row for each seed in place of one for all.
    """

    where: Sequence[str] = ()
    metric: str = ""
    columns: Sequence[str] = ()
    sort: Sequence[str] = ()
    pivot: str = ""
    rows: Sequence[str] = ("entrant",)
    value: str = "value"
    limit: int = 0
    each_seed: bool = False


def filtered(records: pl.LazyFrame, where: Iterable[str], metric: str = "") -> pl.LazyFrame:
    """Records for which all tests hold, by a metric.

    Raises:
        UsageError: Where a test makes no sense.
    """
    for text in where:
        records = records.filter(_test(text))
    return records if metric == "all" else by_metric(records, metric)


def nothing_left(records: pl.LazyFrame, where: Sequence[str]) -> UsageError:
    """Why no record passes: the first test that none of those before it passes, and what is there.

    Args:
        records: A row a seed.
        where: Tests as `filtered` takes them.
    """
    for text in where:
        passed = records.filter(_test(text))
        if passed.head(1).collect().is_empty():
            name, _, _ = _parts(text)
            known = records.select(pl.col(name).unique().sort()).collect()[name].to_list()
            listed = [shown(value, name) for value in known]
            more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
            return UsageError(
                f"no record passes --where {text!r}",
                f"{name} is {', '.join(listed[:_LISTED])}{more}",
            )
        records = passed
    return UsageError("no record is left", "take out a --where or name another --metric")


def by_metric(records: pl.LazyFrame, metric: str = "") -> pl.LazyFrame:
    """Records by one metric, the primary ones where it is empty.

    What has no score has one record, by the primary metric: it stands for every metric of its
    task, so that no failure is missing from a table. A metric that is undefined has a record of
    its own.
    """
    if not metric:
        return records.filter(pl.col("primary"))
    scored, mine = pl.col("state").is_in(SCORED), pl.col("metric") == metric
    facts = [
        pl.when(scored)
        .then(name)
        .otherwise(pl.col(name).filter(scored & mine).first().over("task"))
        .alias(name)
        for name in ("unit", "higher_is_better", "chance")
    ]
    named = pl.when(scored).then("metric").otherwise(pl.lit(metric)).alias("metric")
    asked = (scored & mine).any().over("task")
    return records.with_columns(facts).filter(asked & (mine | ~scored)).with_columns(named)


def select(
    records: pl.LazyFrame, chosen: Selection, tiers: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """The part of records that was chosen.

    Args:
        records: A row a seed.
        chosen: What of them.
        tiers: That cells of a board have earned: they give a column `tier`, the lowest of a row.

    Raises:
        UsageError: Where a column is unknown, nothing is left, or a pivot has several values for a
            place.
    """
    columns = list(chosen.columns or (*DEFAULT, *(["tier"] if tiers else [])))
    keys = [name.removeprefix("-") for name in chosen.sort]
    pivoted = [*chosen.rows, chosen.pivot, chosen.value] if chosen.pivot else []
    asked = pivoted or columns
    for name in (*asked, *([] if chosen.pivot else keys)):
        _known(name, chosen.each_seed)
    with_tier = "tier" in (*asked, *keys)
    wanted = dict.fromkeys(
        (*_NEEDED, *(["cell"] if with_tier else []), *(c for c in (*asked, *keys) if c in COLUMNS))
    )
    frame = filtered(records, chosen.where, chosen.metric).select(list(wanted)).collect()
    if frame.is_empty():
        raise nothing_left(records, chosen.where)
    if with_tier:
        seeds = SEEDS if chosen.each_seed else ()
        rows = frame if chosen.each_seed else over_seeds(frame)
        frame = with_tiers(rows, frame, tiers or {}, (*BY, *seeds))
    elif not chosen.each_seed:
        frame = over_seeds(frame)
    if chosen.each_seed and "fits" in asked:
        frame = frame.with_columns(fits=pl.lit(1, pl.Int64))
    frame = _pivoted(frame, chosen) if chosen.pivot else frame
    frame = _sorted(frame, chosen.sort)
    frame = frame if chosen.pivot else frame.select(columns)
    return frame.head(chosen.limit) if chosen.limit else frame


def _pivoted(frame: pl.DataFrame, chosen: Selection) -> pl.DataFrame:
    rows, on, value = list(chosen.rows), chosen.pivot, chosen.value
    if on in rows or value in rows or on == value:
        raise UsageError(f"a pivot over {on!r} of {value!r} needs other --rows", f"not {rows}")
    places = frame.select(*rows, on)
    repeated = places.is_duplicated()
    if repeated.any():
        several = frame.filter(repeated)
        first = several.filter(
            pl.all_horizontal(
                pl.col(name).eq_missing(pl.lit(several[name][0])) for name in (*rows, on)
            )
        )
        others = [name for name in (*BY, *SEEDS) if name not in (*rows, on)]
        varied = [name for name in others if first[name].n_unique() > 1]
        raise UsageError(
            f"{first.height} records share one place of the pivot; they differ in "
            f"{', '.join(varied) or 'nothing'}",
            "add these to --rows, or choose with --where",
        )
    named = frame.with_columns(pl.col(on).cast(pl.String).fill_null(shown(None, on)))
    return named.pivot(on, index=rows, values=value, maintain_order=True)


def _sorted(frame: pl.DataFrame, sort: Sequence[str]) -> pl.DataFrame:
    if not sort:
        return frame
    names = [name.removeprefix("-") for name in sort]
    for name in names:
        if name not in frame.columns:
            raise UsageError(
                f"there is no column {name!r} to sort by", nearest(name, frame.columns)
            )
    turned = [name.startswith("-") for name in sort]
    return frame.sort(names, descending=turned, nulls_last=True, maintain_order=True)


def _known(name: str, each_seed: bool) -> None:
    allowed = [*COLUMNS, "tier", *(["fits"] if each_seed else ADDED)]
    if name not in allowed:
        raise UsageError(f"records have no column {name!r}", nearest(name, allowed))


def _test(text: str) -> pl.Expr:
    """`column=value` and its like as an expression."""
    name, sign, value = _parts(text)
    column, kind = pl.col(name), COLUMNS[name]
    if sign in ("=", "!="):
        parts = [_equal(name, part) for part in value.split("|")]
        same = pl.any_horizontal(parts)
        return same if sign == "=" else ~same
    if kind in (pl.String, pl.Boolean):
        raise UsageError(f"--where {text!r}: {name} has no order", "use = or !=")
    number = _number(name, value)
    tests = {
        ">": column > number,
        "<": column < number,
        ">=": column >= number,
        "<=": column <= number,
    }
    return tests[sign]


def _parts(text: str) -> tuple[str, str, str]:
    """Column, sign and value of a test."""
    found = _TEST.fullmatch(text)
    if found is None:
        raise UsageError(f"--where {text!r} is no test", "e.g. task=superres or value>=30")
    name = found["column"].strip()
    if name not in COLUMNS:
        raise UsageError(f"records have no column {name!r}", nearest(name, COLUMNS))
    return name, found["sign"], found["value"]


def _equal(name: str, value: str) -> pl.Expr:
    column, kind = pl.col(name), COLUMNS[name]
    if name == "labels" and value == "all":
        return column.is_null()
    if not value:
        return column.is_null() | (column == "") if kind == pl.String else column.is_null()
    if kind == pl.Boolean:
        if value not in ("true", "false"):
            raise UsageError(f"{name} is true or false, not {value!r}", "")
        return column.eq_missing(value == "true")
    if kind != pl.String:
        return column.eq_missing(_number(name, value))
    if "*" not in value:
        return column.eq_missing(value)
    pattern = ".*".join(re.escape(part) for part in value.split("*"))
    return column.str.contains(f"(?s)^{pattern}$").fill_null(False)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{name} is a number, not {text!r}", "e.g. value>=30") from None
