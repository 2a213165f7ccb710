"""From records and scores by scene to the fits of each entrant, and to differences of two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from lensbench.leaderboard.seeds import SEEDS
from lensbench.stats.crossed import Estimate, Fits, Part, difference
from lensbench.store.scores import BY

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
        keys = [] if frame.is_empty() else frame.select(BY).rows()
        self._rows = {key: number for number, key in enumerate(keys)}
        self._frame = frame

    def of(self, records: pl.DataFrame) -> ScoredFits | None:
        """Fits of one entrant under one condition by one metric.

        Args:
            records: Its records, a row a seed; those that are not done do not count.

        Returns:
            `None` where none is done, or any that is has no scores by scene: a part of the seeds
            would be passed off as all.
        """
        done = records.filter(pl.col("state") == "done").sort(SEEDS)
        numbers = [self._rows.get(key) for key in done.select(BY).rows()]
        known = [number for number in numbers if number is not None]
        if not known or len(known) != len(numbers):
            return None
        draws, scenes = {}, {}
        frame = pl.concat([done, self._frame[known].select(pl.exclude(*BY, "n"))], how="horizontal")
        for name, part in frame.group_by("seed_draw", maintain_order=True):
            draw = int(str(name[0]))
            if part["scenes"].n_unique() > 1 or part["per_scene"].n_unique() > 1:
                return None
            draws[draw] = Fits(
                values=part["value"].to_numpy(),
                spread=_matrix(part["values"]),
                n=int(part["n"][0]),
                per_scene=bool(part["per_scene"][0]),
                pretraining=tuple(part["seed_pretraining"]),
            )
            scenes[draw] = str(part["scenes"][0])
        return ScoredFits(draws, scenes)


def paired_difference(a: ScoredFits, b: ScoredFits, matched: bool = False) -> Estimate | None:
    """By how much `a` scores above `b` on the same scenes; `None` where they share none.

    Args:
        a, b: Two entrants.
        matched: Whether their seeds share what chance there is.
    """
    shared = [draw for draw in a.draws if a.scenes[draw] == b.scenes.get(draw)]
    if not shared:
        return None
    first, second = ({draw: one.draws[draw] for draw in shared} for one in (a, b))
    return difference(first, second, matched)


def estimate_of(row: Mapping[str, Any]) -> Estimate | None:
    """What a row of `over_seeds` says of its value; `None` where it has no interval."""
    if row["se"] is None or not row["se"] >= 0:
        return None
    parts = (Part(row["se"] ** 2, row["df"], "scenes"),)
    counted = ("scenes", "seeds") if row["fits"] > 1 else ("scenes",)
    low, high = row["low"], row["high"]
    return Estimate(row["value"], low, high, row["n"], row["fits"], parts, counted)


def same_seeds(a: pl.DataFrame, b: pl.DataFrame) -> bool:
    """Whether two entrants were fitted with the same seeds."""
    return a.select(SEEDS).sort(SEEDS).equals(b.select(SEEDS).sort(SEEDS))


def _matrix(lists: Iterable[Iterable[float]]) -> np.ndarray:
    """Lists as rows; where one is shorter, as with fewer undefined resamples, it ends in NaN."""
    rows = [np.asarray(one, dtype=np.float64) for one in lists]
    width = max(len(row) for row in rows)
    return np.stack([np.pad(row, (0, width - len(row)), constant_values=np.nan) for row in rows])
