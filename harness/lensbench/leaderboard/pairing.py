"""From records and scores by scene to the fits of each entrant, and to differences of two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from lensbench.leaderboard.seeds import SEEDS
from lensbench.stats.crossed import Estimate, Fits, Part, difference, independent_difference
from lensbench.store.scores import BY, values_of

_READ = (*SEEDS, "state", "value", "low", "n", *BY)

Draws = Mapping[int, Fits]
"""Fits of one entrant by seed of the draw."""


@dataclass(frozen=True)
class ScoredFits:
    """Fits of an entrant with the digest of their scenes, both by seed of the draw."""

    draws: Draws
    scenes: Mapping[int, str]


class Scores:
    """Scores by scene, found by the record that they belong to.

    Args:
        frame: With the columns of `lensbench.store.scores`, or without rows.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        empty = frame.is_empty()
        keys = [] if empty else frame.select(BY).rows()
        self._rows = {key: number for number, key in enumerate(keys)}
        self._facts = [] if empty else frame.select("scenes", "per_scene").rows()
        self._values = [] if empty else values_of(frame)

    def of(self, records: pl.DataFrame) -> ScoredFits | None:
        """Fits of one entrant under one condition by one metric.

        Args:
            records: Its records, a row a seed; those that are not done do not count.

        Returns:
            `None` if none is done; if any that is done has no scores by scene, as some of the seeds
            would then stand for all; and for a metric whose interval does not hold, as that of a
            difference would not either.
        """
        columns = [records.get_column(name).to_list() for name in _READ]
        rows = [dict(zip(_READ, row, strict=True)) for row in zip(*columns, strict=True)]
        done = sorted((row for row in rows if row["state"] == "done"), key=_by_seed)
        numbers = [self._rows.get(tuple(row[name] for name in BY)) for row in done]
        known = [number for number in numbers if number is not None]
        if not known or len(known) != len(numbers) or not all(_has_interval(row) for row in done):
            return None
        by_draw: dict[int, list[tuple[dict[str, Any], int]]] = {}
        for row, number in zip(done, known, strict=True):
            by_draw.setdefault(int(row["seed_draw"]), []).append((row, number))
        draws, scenes = {}, {}
        for draw, fits in by_draw.items():
            facts = {self._facts[number] for _, number in fits}
            if len(facts) > 1:
                return None
            ((scenes[draw], per_scene),) = facts
            draws[draw] = Fits(
                values=np.array([row["value"] for row, _ in fits]),
                spread=_matrix(self._values[number] for _, number in fits),
                n=int(fits[0][0]["n"]),
                per_scene=per_scene,
                pretraining=tuple(row["seed_pretraining"] for row, _ in fits),
            )
        return ScoredFits(draws, scenes)


def _has_interval(row: Mapping[str, Any]) -> bool:
    """Whether its metric has one; of a single scene none has."""
    return row["low"] is not None or row["n"] < 2


def _by_seed(row: Mapping[str, Any]) -> list[tuple[bool, int]]:
    """Key of a row to sort by; a seed that it does not have comes first."""
    return [(row[name] is not None, row[name] or 0) for name in SEEDS]


def paired_difference(a: ScoredFits, b: ScoredFits, matched: bool = False) -> Estimate | None:
    """Score of `a` minus that of `b` on the same scenes; `None` if they share no scene.

    Args:
        a, b: Two entrants.
        matched: Whether their seeds share the same randomness.
    """
    shared = [draw for draw in a.draws if a.scenes[draw] == b.scenes.get(draw)]
    if not shared:
        return None
    first, second = ({draw: one.draws[draw] for draw in shared} for one in (a, b))
    return difference(first, second, matched)


def estimate_of(row: Mapping[str, Any]) -> Estimate | None:
    """The estimate in a row of `over_seeds`; `None` if it has no interval."""
    if row["se"] is None or not row["se"] >= 0:
        return None
    parts = (Part(row["se"] ** 2, row["df"], "scenes"),)
    counted = ("scenes", "seeds") if row["fits"] > 1 else ("scenes",)
    low, high = row["low"], row["high"]
    return Estimate(row["value"], low, high, row["n"], row["fits"], parts, counted)


def same_seeds(a: pl.DataFrame, b: pl.DataFrame) -> bool:
    """Whether two entrants were fitted with the same seeds."""
    return a.select(SEEDS).sort(SEEDS).equals(b.select(SEEDS).sort(SEEDS))


def detectable_among(differences: Iterable[Estimate]) -> float | None:
    """The smallest true difference that the median one of some comparisons would have found.

    Four times in five, at a level of 5 % without a correction for many tests; `None` if no
    comparison has a standard error.
    """
    known = sorted((one for one in differences if one.se > 0), key=lambda one: one.se)
    return known[len(known) // 2].detectable() if known else None


def detectable_in(rows: Iterable[Mapping[str, Any]]) -> float | None:
    """The same of rows of `over_seeds`, compared two by two as if on different scenes."""
    estimates = [one for row in rows if row["value"] is not None and (one := estimate_of(row))]
    variances = np.array([one.se**2 for one in estimates])
    first, second = np.triu_indices(len(estimates), 1)
    sums = variances[first] + variances[second]
    order = np.argsort(sums, kind="stable")[np.count_nonzero(sums == 0) :]
    if not len(order):
        return None
    pair = order[len(order) // 2]
    return independent_difference(estimates[first[pair]], estimates[second[pair]]).detectable()


def _matrix(lists: Iterable[np.ndarray]) -> np.ndarray:
    """Arrays as rows; one that is shorter, as with fewer undefined resamples, ends in NaN."""
    rows = [np.asarray(one, dtype=np.float64) for one in lists]
    width = max(len(row) for row in rows)
    return np.stack([np.pad(row, (0, width - len(row)), constant_values=np.nan) for row in rows])
