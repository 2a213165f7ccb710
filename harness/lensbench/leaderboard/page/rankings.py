"""Rankings, and differences between entrants, as the page carries them.

The page sorts, filters and draws these; it computes none of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from lensbench.leaderboard.beneath import note_beneath, rows_beneath
from lensbench.leaderboard.changes import power_note
from lensbench.leaderboard.columns import COLUMNS, columns_of
from lensbench.leaderboard.contenders import CONTENDER, TABLE
from lensbench.leaderboard.contrasts import Answer, answers, declared
from lensbench.leaderboard.page.evidence import Evidence
from lensbench.leaderboard.page.packing import clip, short
from lensbench.leaderboard.pairing import (
    ScoredFits,
    Scores,
    detectable_among,
    estimate_of,
    paired_difference,
)
from lensbench.leaderboard.standings import (
    GROUPS,
    Limits,
    Ranking,
    Row,
    Standing,
    has_value,
    rank,
)
from lensbench.stats.crossed import Estimate, independent_difference
from lensbench.stats.published import PublishedValue

_MOST_COMPARED = 12
"""Entrants of a table that are compared with each other, the best first."""

_NONE = -1
"""In place of the number of a row that is not there."""


def rankings_of(
    rows: pl.DataFrame,
    limits: Callable[[Row], Limits] = lambda first: {},
    published: Sequence[PublishedValue] = (),
) -> list[Ranking]:
    """A ranking for each table, number of labels and metric, in the order of the rows.

    Args:
        rows: From `combine`.
        limits: Gives the limits of the table that begins with a row.
        published: Values of papers.
    """
    numbered = rows.with_row_index("row")
    groups = numbered.group_by(*GROUPS, maintain_order=True)
    return [rank(frame, limits(frame.row(0, named=True)), published) for _, frame in groups]


def packed_rankings(rankings: Sequence[Ranking], tables: Sequence[tuple[Any, ...]]) -> Any:
    """Rankings in values that JSON has; rows are named by their number."""
    return {
        "columns": [
            {"label": one.label, "meaning": one.meaning, "descending": one.descending}
            for one in COLUMNS
        ],
        "rankings": [_packed(one, tables) for one in rankings],
    }


def table_of(facts: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells a table from the others."""
    return tuple(facts[name] for name in TABLE)


def _packed(ranking: Ranking, tables: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    columns = columns_of(ranking.standings)
    return {
        "table": tables.index(table_of(ranking.facts)),
        "labels": ranking.facts["labels"],
        "metric": clip(ranking.facts["metric"]),
        "conditions": [clip(name) for name in ranking.conditions],
        "columns": [COLUMNS.index(column) for column in columns],
        "standings": [
            {
                "first": one.first["row"],
                "rows": [_number(one.rows.get(name)) for name in ranking.conditions],
                "place": one.place,
                "worst": _number(one.worst),
                "values": [_value(column.value(one)) for column in columns],
                "texts": [column.shown(one) for column in columns],
            }
            for one in ranking.standings
        ],
        "beneath": [
            {"name": clip(one.name), "texts": list(one.values), "efficiency": one.efficiency}
            for one in rows_beneath(ranking)
        ],
        "bounds": [None if one is None else short(one.bound) for one in ranking.limits],
        "about": note_beneath(ranking),
    }


def _number(row: Row | None) -> int:
    return _NONE if row is None else int(row["row"])


def _value(value: Any) -> Any:
    return value if isinstance(value, str) else short(value)


def differences(
    rankings: Sequence[Ranking], records: pl.DataFrame, scores: pl.DataFrame
) -> list[dict[str, Any]]:
    """Differences between the best entrants of each ranking under each condition.

    Only the metric that ranks is compared: every further one would add chance findings.

    Args:
        rankings: From `rankings_of`.
        records: A row a seed.
        scores: How scores vary over scenes. Without rows of an entrant the difference is taken
            from the intervals alone.
    """
    known = Scores(scores)
    done = records.filter((pl.col("state") == "done") & pl.col("primary"))
    seeds = dict(done.group_by(*GROUPS, "test_condition", *CONTENDER))
    found = []
    for number, ranking in enumerate(rankings):
        if not ranking.standings[0].first["primary"]:
            continue
        for condition in ranking.conditions:
            best = _best(ranking, condition)
            if len(best) < 2:
                continue
            scored = {place: _scored(known, seeds, ranking, row) for place, row in best}
            compared = list(_compared(best, scored))
            found.append(
                {
                    "ranking": number,
                    "condition": clip(condition),
                    "order": [place for place, _ in best],
                    "pairs": [pair for pair, _ in compared],
                    "detectable": short(detectable_among(one for _, one in compared)),
                }
            )
    return found


def contrasts_of(evidence: Evidence) -> dict[str, Any]:
    """Contrasts that the study declares, with their tests, and what these could not show."""
    found = answers(declared(evidence.study), evidence.records, evidence.scores)
    return {
        "note": power_note([one.change for one in found if one.change]),
        "rows": [_contrast(one) for one in found],
    }


def _contrast(answer: Answer) -> dict[str, Any]:
    contrast, change = answer.contrast, answer.change
    texts = {name: clip(str(text)) for name, text in asdict(contrast).items()}
    if change is None or change.difference is None:
        return {**texts, "verdict": clip(answer.reason), "metric": contrast.metric}
    value = change.difference
    return {
        **texts,
        "metric": clip(str(change.where["metric"])),
        "condition": clip(str(change.where["test_condition"])),
        "verdict": change.verdict,
        "difference": [short(one) for one in (value.value, value.low, value.high)],
        "p": short(change.p),
        "detectable": short(change.detectable),
        "method": change.method,
    }


def _best(ranking: Ranking, condition: str) -> list[tuple[int, Row]]:
    """Places in the ranking, and rows, of the best under a condition."""
    sign = -1 if ranking.higher_is_better else 1
    rows = [
        (place, row)
        for place, one in enumerate(ranking.standings)
        if (row := _valued(one, condition)) is not None
    ]
    return sorted(rows, key=lambda pair: sign * pair[1]["value"])[:_MOST_COMPARED]


def _valued(standing: Standing, condition: str) -> Row | None:
    row = standing.rows.get(condition)
    return row if has_value(row) else None


def _scored(
    known: Scores, seeds: Mapping[Any, pl.DataFrame], ranking: Ranking, row: Row
) -> ScoredFits | None:
    key = (*(ranking.facts[name] for name in GROUPS), row["test_condition"])
    records = seeds.get((*key, *(row[name] for name in CONTENDER)))
    return None if records is None else known.of(records)


def _compared(
    best: Sequence[tuple[int, Row]], scored: Mapping[int, ScoredFits | None]
) -> Iterator[tuple[list[Any], Estimate]]:
    """Places of two, the first less the second with its interval, and whether scenes pair them."""
    for (a, one), (b, other) in itertools.combinations(best, 2):
        mine, others = scored.get(a), scored.get(b)
        found = paired_difference(mine, others) if mine and others else None
        paired = found is not None
        if found is None:
            estimates = estimate_of(one), estimate_of(other)
            if estimates[0] is None or estimates[1] is None:
                continue
            found = independent_difference(estimates[0], estimates[1])
        yield [a, b, *map(short, (found.value, found.low, found.high)), int(paired)], found
