"""One score for an entrant over conditions and tasks, on fixed scales, for the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lensbench.leaderboard.anchors import Anchor, Scale, anchor_of, load_anchors
from lensbench.leaderboard.contenders import TABLE
from lensbench.leaderboard.page.packing import clip, short
from lensbench.leaderboard.page.rankings import table_of
from lensbench.leaderboard.standings import Limit, Ranking, Row, Standing, has_value
from lensbench.stats.aggregate import Aggregate, aggregate, mean_ranks, profile

LEVELS = tuple(round(0.05 * step, 2) for step in range(21))
"""Scores at which performance profiles are taken."""

_DRAWS = 400
_NORMAL = 1.959964
"""Half of a normal's 95 % interval in standard deviations."""

_Named = tuple[str, str]
"""An entrant, and what its name needs where a table has it several times."""


@dataclass(frozen=True)
class _Table:
    """A ranking whose metric has a scale.

    Attributes:
        title: Its task, and what distinguishes it from other tables of that task.
        ranking: By the primary metric with all labels.
        anchor: Of the metric.
        entrants: Standings by name.
        scales: By condition, of those that have one.
    """

    title: str
    ranking: Ranking
    anchor: Anchor
    entrants: Mapping[_Named, Standing]
    scales: Mapping[str, Scale]

    def score(self, row: Row, value: np.ndarray | float) -> np.ndarray:
        """A value, or many, under the condition of a row, on its scale."""
        return self.scales[row["test_condition"]].score(value)

    def scores(self, standing: Standing) -> dict[str, float | None]:
        """Scores of an entrant by condition."""
        rows = {name: standing.rows.get(name) for name in self.ranking.conditions}
        return {
            name: float(self.score(row, row["value"]))
            if row is not None and has_value(row) and name in self.scales
            else None
            for name, row in rows.items()
        }


def _table(title: str, ranking: Ranking) -> _Table | None:
    """The ranking with its scales; `None` where its metric has no anchor."""
    anchor = anchor_of(ranking.facts)
    if anchor is None:
        return None
    entrants = _named(ranking)
    scales = {}
    for condition in ranking.conditions:
        rows = {
            one.first["entrant"]: one.rows[condition]
            for one in entrants.values()
            if condition in one.rows
        }
        scale = anchor.at(rows, condition)
        if scale is not None:
            scales[condition] = scale
    return _Table(title, ranking, anchor, entrants, scales)


def overall(rankings: Sequence[Ranking]) -> dict[str, Any]:
    """Scores of every entrant over all tables whose metric has a scale.

    Args:
        rankings: From `rankings_of`.

    Returns:
        `version` of the anchors, `tables` with their scales, `left_out` (tables whose metric has
        none), `compared` (the tables that ranks and profiles are of), `levels`, and `rows`.
    """
    ranked = [
        one for one in rankings if one.facts["labels"] is None and one.standings[0].first["primary"]
    ]
    titles = table_titles([one.facts for one in ranked])
    made = [_table(title, ranking) for title, ranking in zip(titles, ranked, strict=True)]
    tables = [one for one in made if one is not None and one.scales]
    scored = _scored(tables)
    kept = [one for one in tables if any(one.title in parts for parts in scored.values())]
    compared = _compared(scored)
    rows = [_line(name, parts, kept) for name, parts in sorted(scored.items())]
    spread = _spread(kept, scored, compared)
    for row, name in zip(rows, sorted(scored), strict=True):
        row.update(spread.get(name, {}))
    rows.sort(key=lambda row: (row["n"], row["mean"] or 0.0), reverse=True)
    return {
        "version": load_anchors()[0],
        "tables": [{"name": clip(one.title), "scale": one.anchor.source} for one in kept],
        "left_out": [clip(title) for title in titles if title not in {one.title for one in kept}],
        "compared": [clip(title) for title in compared],
        "levels": list(LEVELS),
        "rows": rows,
    }


def leaders(rankings: Sequence[Ranking]) -> list[dict[str, Any]]:
    """The ranking of each table that the first screen shows, and where its leader stands.

    Returns:
        For each table: `ranking`, its number; `title`; and where the metric has a scale, `score` of
        the leader, the values of 0 and 1 (`ends`), what they are (`names`), and how far the leader
        is from them and from the limit of all methods in words (`place`).
    """
    first: dict[tuple[Any, ...], tuple[int, Ranking]] = {}
    for number, ranking in enumerate(rankings):
        labels = ranking.facts["labels"]
        known = first.get(table_of(ranking.facts))
        better = known is None or labels is None or (known[1].facts["labels"] or labels) < labels
        if ranking.standings[0].first["primary"] and better:
            first[table_of(ranking.facts)] = number, ranking
    titles = table_titles([ranking.facts for _, ranking in first.values()])
    found = []
    for title, (number, ranking) in zip(titles, first.values(), strict=True):
        row = ranking.standings[0].home
        table = _table(title, ranking)
        scale = table.scales.get(ranking.home) if table else None
        line: dict[str, Any] = {"ranking": number, "title": clip(title)}
        if row is not None and table is not None and scale is not None:
            line["score"] = short(float(scale.score(row["value"])))
            line["ends"] = [short(scale.zero), short(scale.one)]
            line["names"] = list(table.anchor.names)
            line["place"] = _place(row["value"], scale, table.anchor.names, ranking.limits[0])
        found.append(line)
    return found


def _place(value: float, scale: Scale, names: Sequence[str], limit: Limit | None) -> str:
    """How far a value is from both ends of a scale, or from the limit of all methods."""
    if scale.log:
        if value <= 0:
            return ""
        below, above = scale.zero / value, value / scale.one
        return f"1/{below:.2g} of {names[0]}, {above:.2g} times the {names[1]}"
    ends = [(scale.zero, names[0])]
    if limit is not None and np.isfinite(limit.bound):
        ends.append((limit.bound, "the limit of all methods"))
    return ", ".join(
        f"{abs(value - end):.2g} {'under' if value < end else 'over'} {name}" for end, name in ends
    )


def table_titles(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """The task of each table, and as much more as distinguishes it from others of that task."""
    words = {"test_dataset": "tested on ", "train_condition": "trained on ", "budget": "budget "}
    budgets = budget_names([str(facts["budget"]) for facts in tables])
    titles = []
    for facts in tables:
        alike = [one for one in tables if one["task"] == facts["task"]]
        differ = [name for name in TABLE[1:] if len({one[name] for one in alike}) > 1]
        named = {**facts, "budget": budgets[facts["budget"]]}
        if "dataset" in differ and facts["test_dataset"] == facts["dataset"]:
            differ = [name for name in differ if name != "test_dataset"]
        parts = (f"{words.get(name, '')}{named[name]}" for name in differ)
        titles.append(", ".join([str(facts["task"]), *parts]))
    return titles


def _named(ranking: Ranking) -> dict[_Named, Standing]:
    """Standings by entrant, and what sets it apart where the table has it several times."""
    names = Counter((one.first["entrant"], one.first["pretrained"]) for one in ranking.standings)
    found = {}
    for one in ranking.standings:
        row = one.first
        several = names[row["entrant"], row["pretrained"]] > 1
        adapted = row["adapted"] if several else ""
        found[str(row["entrant"]), f"{adapted}{row['pretrained']}"] = one
    return found


def _scored(tables: Sequence[_Table]) -> dict[_Named, dict[str, Aggregate]]:
    """Scores over conditions of each entrant by table, as far as it has any."""
    found: dict[_Named, dict[str, Aggregate]] = {}
    for table in tables:
        for name, standing in table.entrants.items():
            over = aggregate(table.scores(standing), table.ranking.home)
            if over.n:
                found.setdefault(name, {})[table.title] = over
    return found


def _complete(parts: Mapping[str, Aggregate]) -> tuple[str, ...]:
    return tuple(title for title, one in parts.items() if one.complete)


def _compared(scored: Mapping[_Named, Mapping[str, Aggregate]]) -> tuple[str, ...]:
    """The most tables that two entrants at least have complete: ranks and profiles are of these."""
    known = [_complete(parts) for parts in scored.values()]
    shared = [one for one in known if one and known.count(one) > 1]
    return max(shared, key=len, default=())


def _line(name: _Named, parts: Mapping[str, Aggregate], tables: Sequence[_Table]) -> dict[str, Any]:
    complete = {title: one.mean for title, one in parts.items() if one.complete}
    over = aggregate({table.title: complete.get(table.title) for table in tables})
    worst = [one.worst for one in parts.values() if one.worst is not None]
    gaps = [one.gap for one in parts.values() if one.gap is not None]
    return {
        "entrant": clip(name[0]),
        "note": clip(name[1]),
        "mean": short(over.mean),
        "n": over.n,
        "expected": over.expected,
        "worst": short(sum(worst) / len(worst)) if worst else None,
        "gap": short(sum(gaps) / len(gaps)) if gaps else None,
        "parts": [short(complete.get(table.title)) for table in tables],
    }


def _spread(
    tables: Sequence[_Table],
    scored: Mapping[_Named, Mapping[str, Aggregate]],
    compared: Sequence[str],
) -> dict[_Named, dict[str, Any]]:
    """Intervals of scores; and of entrants that compare, mean ranks and profiles with theirs.

    A score's interval is over the tables that the score is of. Values are drawn again within
    their intervals: all of an entrant in one table together, for its conditions share scenes and
    fits, and those of different tables apart.
    """
    random = np.random.default_rng(0)
    means: dict[_Named, list[np.ndarray]] = {}
    ranks, exact = [], []
    names = [
        name for name, parts in sorted(scored.items()) if set(compared) <= set(_complete(parts))
    ]
    for table in tables:
        known = [name for name, parts in sorted(scored.items()) if table.title in _complete(parts)]
        if not known:
            continue
        drawn, fixed = _drawn(table, known, random.standard_normal((_DRAWS, len(known))))
        for place, name in enumerate(known):
            means.setdefault(name, []).append(drawn[:, place].mean(axis=-1))
        if table.title in compared:
            places = [known.index(name) for name in names]
            ranks.append(drawn[:, places])
            exact.append(fixed[places])
    found: dict[_Named, dict[str, Any]] = {
        name: {"interval": _bounds(np.mean(drawn, axis=0))} for name, drawn in means.items()
    }
    if ranks and len(names) > 1:
        scores = np.concatenate(exact, axis=-1)
        drawn_ranks = mean_ranks(np.concatenate(ranks, axis=-1))
        shares = profile(scores, LEVELS)
        mine = mean_ranks(scores)
        for place, name in enumerate(names):
            found[name] |= {
                "rank": short(float(mine[place])),
                "rank_interval": _bounds(drawn_ranks[:, place]),
                "profile": [short(float(share)) for share in shares[place]],
            }
    return found


def _drawn(
    table: _Table, names: Sequence[_Named], shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scores with values shifted within their intervals (R, E, C), and as they are (E, C)."""
    drawn, fixed = [], []
    for place, name in enumerate(names):
        rows = [table.entrants[name].rows[condition] for condition in table.ranking.conditions]
        scores, draws = [], []
        for row in rows:
            known = row["low"] is not None and row["high"] is not None
            spread = (row["high"] - row["low"]) / 2 / _NORMAL if known else 0.0
            scores.append(table.score(row, row["value"]))
            draws.append(table.score(row, row["value"] + spread * shift[:, place]))
        drawn.append(np.stack(draws, axis=-1))
        fixed.append(np.stack(scores, axis=-1))
    return np.stack(drawn, axis=1), np.stack(fixed)


def _bounds(drawn: np.ndarray) -> list[float | int | None]:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return [short(float(low)), short(float(high))]


_BUDGETS = {"smoke": "smoke test", "minute": "first look", "quick": "quick look"}
_NUMBERS = {
    "train_scenes": "training scenes",
    "train_steps": "steps",
    "test_scenes": "test scenes",
}


def budget_names(budgets: Sequence[str]) -> dict[str, str]:
    """Names of budgets that a person reads, by their text; the text itself where two are alike.

    `standard:train_steps=1500,test_scenes=300` is `standard with 1,500 steps and 300 test scenes`.
    """
    names = {}
    for text in dict.fromkeys(budgets):
        base, _, changes = text.partition(":")
        given = dict(change.split("=", 1) for change in changes.split(",") if "=" in change)
        said = [
            f"{int(given[name]):,} {word}"
            for name, word in _NUMBERS.items()
            if given.get(name, "").isdecimal()
        ]
        if left := len(given.keys() - _NUMBERS.keys() - {"validation_scenes"}):
            said.append(f"{left} other number{'s' if left > 1 else ''}")
        several = " and ".join(filter(None, (", ".join(said[:-1]), *said[-1:])))
        names[text] = f"{_BUDGETS.get(base, base)}{f' with {several}' if said else ''}"
    alike = Counter(names.values())
    return {text: name if alike[name] == 1 else text for text, name in names.items()}
