"""The comparisons that a study declares: tested, and corrected among themselves.

All others are exploratory: they are shown with intervals and called neither better nor worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import pydantic

from lensbench.errors import UsageError
from lensbench.leaderboard.changes import Change, power_note, tested
from lensbench.leaderboard.comparisons import entrant_changes
from lensbench.leaderboard.forms import shown
from lensbench.leaderboard.pairing import Scores
from lensbench.leaderboard.selection import by_metric
from lensbench.leaderboard.study_text import listed
from lensbench.leaderboard.table import Table
from lensbench.stats.contrasts import Contrast

_FACTS = ("task", "dataset", "train_condition")


@dataclass(frozen=True)
class Answer:
    """What became of a contrast.

    Attributes:
        contrast: As it was declared.
        change: From `b` to `a`, tested; `None` where there is nothing to compare.
        reason: Why not.
    """

    contrast: Contrast
    change: Change | None = None
    reason: str = ""


def declared(study: str) -> tuple[Contrast, ...]:
    """The contrasts of a study file's text; none where it has none or cannot be read."""
    return listed(study, "contrast", pydantic.TypeAdapter(tuple[Contrast, ...]))


def answers(
    contrasts: Sequence[Contrast], records: pl.DataFrame, scores: pl.DataFrame
) -> list[Answer]:
    """Each contrast with its difference, tested at 5 % after Holm's correction for their number.

    Args:
        contrasts: As declared.
        records: Of the study, a row a seed.
        scores: How scores vary over scenes; no rows where that is not at hand.
    """
    known = Scores(scores)
    found = [_find(one, records, known) for one in contrasts]
    changes = iter(tested([one.change for one in found if one.change], "holm"))
    return [Answer(one.contrast, next(changes)) if one.change else one for one in found]


def _records_of(contrast: Contrast, records: pl.DataFrame) -> pl.DataFrame:
    rows = by_metric(records.lazy(), contrast.metric).filter(
        *(pl.col(name) == getattr(contrast, name) for name in _FACTS if getattr(contrast, name)),
        pl.col("test_dataset") == (contrast.test_dataset or pl.col("dataset")),
        pl.col("test_condition") == (contrast.condition or pl.col("train_condition")),
        pl.col("labels").is_null()
        if contrast.labels == "all"
        else pl.col("labels") == contrast.labels,
    )
    return rows.collect()


def _find(contrast: Contrast, records: pl.DataFrame, scores: Scores) -> Answer:
    frame = _records_of(contrast, records)
    if frame.is_empty():
        return Answer(contrast, reason="no record is of this task, dataset, condition and labels")
    try:
        found = entrant_changes(frame, scores, contrast.b, contrast.a)
    except UsageError as error:
        return Answer(contrast, reason=f"{error.message}")
    if len(found) > 1:
        return Answer(contrast, reason="several tables fit: name its dataset or train_condition")
    (change,) = found
    if change.difference is None:
        return Answer(contrast, reason=f"there is no difference to test: {change.verdict}")
    return Answer(contrast, change)


def contrast_table(found: Sequence[Answer], records: pl.DataFrame | None = None) -> Table:
    """The contrasts as a table of text.

    Args:
        found: All of the study: p-values are corrected for their number, whatever is shown.
        records: Where only some records are shown: contrasts of others get no row.
    """
    header = ["contrast", "task", "condition", "difference", "p", "detectable", "verdict"]
    rows = []
    for one in found:
        contrast, change = one.contrast, one.change
        if records is not None and _records_of(contrast, records).is_empty():
            continue
        name = f"{contrast.a} less {contrast.b}"
        seen = (contrast.condition or "trained on", contrast.test_dataset)
        where = [contrast.task, ", ".join(filter(None, seen))]
        if change is None or change.difference is None:
            rows.append([name, *where, *["–"] * 3, one.reason])
            continue
        value = change.difference
        span = f"{value.value:+.3g} [{value.low:+.3g}, {value.high:+.3g}]"
        numbers = [f"{change.p:.2g}", shown(change.detectable)]
        rows.append([name, *where, span, *numbers, change.verdict])
    tests = sum(one.change is not None for one in found)
    note = (
        f"Declared in the study before it was computed; p is corrected for {tests} tests (Holm). "
        "Detectable: the smallest true difference that would have been found four times in five. "
    )
    note += power_note([one.change for one in found if one.change])
    return Table("Primary contrasts", header, rows, note.strip())
