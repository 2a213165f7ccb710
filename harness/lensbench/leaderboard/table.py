"""The table of a run: a row an entrant, a column a condition, every value with its interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from lensbench.errors import UsageError, nearest
from lensbench.leaderboard.beneath import note_beneath, rows_beneath
from lensbench.leaderboard.columns import columns_of, value_text
from lensbench.leaderboard.contenders import with_notes
from lensbench.leaderboard.forms import text_table
from lensbench.leaderboard.pairing import detectable_in
from lensbench.leaderboard.seeds import over_seeds
from lensbench.leaderboard.selection import by_metric
from lensbench.leaderboard.standings import (
    GROUPS,
    Limits,
    Row,
    Standing,
    has_value,
    rank,
)
from lensbench.leaderboard.tiers import with_tiers
from lensbench.stats.published import PublishedValue


@dataclass(frozen=True)
class Table:
    """Rows of text under a header, with what it says about itself."""

    title: str
    header: list[str]
    rows: list[list[str]]
    note: str

    def text(self, form: str = "terminal", width: int | None = None) -> str:
        """The table for a `terminal` of so many signs a line, in `markdown` or in `latex`."""
        return text_table(self.header, self.rows, form, self.title, self.note, width)


def study_tables(
    records: pl.DataFrame,
    metric: str = "",
    tiers: Mapping[str, str] | None = None,
    limits: Callable[[Row], Limits] | None = None,
    published: Sequence[PublishedValue] = (),
) -> list[Table]:
    """A table for each task, dataset, training condition and number of labels of a study.

    Values are means over seeds, with intervals that count scenes and seeds.

    Args:
        records: Of a study.
        metric: Its name; the primary one of each task where empty.
        tiers: That cells of a board have earned; where there are some, rows say their lowest.
        limits: Gives the limits of the table that begins with a row.
        published: Values of papers that a study names.

    Raises:
        UsageError: Where no record has this metric.
    """
    chosen = by_metric(records.lazy(), metric).collect()
    if chosen.is_empty() and metric:
        raise _no_metric(records, metric)
    rows = over_seeds(chosen)
    rows = with_tiers(rows, chosen, tiers) if tiers else rows
    groups = rows.group_by(*GROUPS, maintain_order=True)
    return [
        run_table(
            frame,
            str(name[-1]),
            limits(frame.row(0, named=True)) if limits else None,
            published,
        )
        for name, frame in groups
    ]


def run_table(
    records: pl.DataFrame,
    metric: str = "",
    limits: Limits | None = None,
    published: Sequence[PublishedValue] = (),
) -> Table:
    """The table of one task, dataset and budget, ranked by the in-distribution value.

    Args:
        records: Records of one run.
        metric: Its name; the primary one where empty.
        limits: Of errors; where some are known there are rows for the local reference and for the
            bound, and a column `efficiency`, the reference over the error reached under the
            training condition.
        published: Values of papers; those of this table have a row each.

    Raises:
        UsageError: Where no record has this metric.
        ValueError: Where the records are of several tasks or budgets, or there are none.
    """
    shown = records.filter(pl.col("primary") if not metric else pl.col("metric") == metric)
    if metric and shown.is_empty():
        raise _no_metric(records, metric)
    for column in GROUPS:
        values = shown[column].unique().to_list()
        if len(values) != 1:
            raise ValueError(f"a table shows one {column}, these records have {sorted(values)}")
    first = shown.row(0, named=True)
    ranking = rank(with_notes(shown), limits, published)
    home, *others = ranking.conditions
    columns = [one for one in columns_of(ranking.standings) if not one.only_page]
    header = ["entrant", f"{home} (trained on)", *others, *(one.label for one in columns)]
    rows = [
        [one.name, *_values(one, ranking.conditions), *(column.shown(one) for column in columns)]
        for one in ranking.standings
    ]
    for beneath in rows_beneath(ranking):
        shown_for = {"efficiency": beneath.efficiency}
        rest = [shown_for.get(column.label, "–") for column in columns]
        rows.append([beneath.name, *beneath.values, *rest])
    values = [row for one in ranking.standings for row in one.rows.values() if has_value(row)]
    bare = NO_INTERVAL if any(row["low"] is None for row in values) else ""
    notes = _note(first, _seeds(shown)), bare, _power_note(shown, home), note_beneath(ranking)
    return Table(
        title=_title(first),
        header=header,
        rows=rows,
        note=" ".join(filter(None, notes)),
    )


def _power_note(shown: pl.DataFrame, home: str) -> str:
    """Which difference between two entrants could have been seen under a condition."""
    rows = shown if "se" in shown.columns else over_seeds(shown)
    found = detectable_in(rows.filter(pl.col("test_condition") == home).iter_rows(named=True))
    if found is None:
        return ""
    return (
        f"A true difference of {found:.2g} between two entrants under {home} would have been seen "
        f"four times in five, and smaller ones where `leaderboard compare` pairs the scenes."
    )


NO_INTERVAL = (
    "No interval: too few scenes, a perfect ranking, or a metric whose interval nobody can trust."
)
"""What a table says where a value has none."""

DIRECTIONS = {
    True: "higher is better",
    False: "lower is better",
    None: "neither higher nor lower is better",
}
"""What a table says of the direction of its metric."""


def _title(first: Row) -> str:
    unit = f" [{first['unit']}]" if first["unit"] else ""
    other = first["test_dataset"] != first["dataset"]
    tested = first["test_dataset"] if other else "its test split"
    labels = f", {first['labels']} labels" if first["labels"] else ""
    return (
        f"{first['task']} on {first['dataset']}, tested on {tested}, budget "
        f"{first['budget']}{labels}: {first['metric']}{unit}, "
        f"{DIRECTIONS[first['higher_is_better']]}"
    )


def _values(standing: Standing, conditions: Iterable[str]) -> Iterator[str]:
    for condition in conditions:
        row = standing.rows.get(condition)
        if row is None:
            yield "absent"
        elif has_value(row):
            yield value_text(row)
        else:
            yield "not finite" if row["state"] == "done" else str(row["state"])


def _no_metric(records: pl.DataFrame, metric: str) -> UsageError:
    known = records["metric"].unique()
    return UsageError(f"these records have no metric {metric!r}", nearest(metric, known))


def _seeds(shown: pl.DataFrame) -> str:
    """How many seeds are behind a row, fewest to most; empty where nowhere more than one."""
    counts = sorted(set(shown["fits"].drop_nulls())) if "fits" in shown.columns else []
    if not counts or counts[-1] == 1:
        return ""
    return str(counts[-1]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _note(first: dict[str, Any], seeds: str) -> str:
    over = f"test scenes and {seeds} seeds" if seeds else "bootstrap over test scenes"
    parts = [f"Values with their 95 % intervals ({over})."]
    if first["data_range"] is not None:
        parts.append(f"Data range {first['data_range']:g} µJy/arcsec².")
    if first["chance"] is not None:
        parts.append(f"Chance level {first['chance']:.3g}.")
    parts.append("Gap: trained-on value against the worst. Seconds: pretraining, fit, predictions;")
    parts.append("not the training of weights that were given, which their model cards state.")
    return " ".join(parts)
