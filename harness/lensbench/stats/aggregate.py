"""One score for an entrant on fixed scales, with its worst part, profiles and ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Aggregate:
    """A mean over conditions or tasks, with the worst of them and the gap.

    Attributes:
        mean: Over those that have a value; `None` if none has, never zero.
        n: How many have a value.
        expected: How many there should be. Where `n` is less, the mean is of the others and
            compares with no entrant that has them all.
        worst: The smallest value, and `worst_at` the condition or task that has it.
        gap: By how much the worst is below the value at home; `None` where one is missing.
    """

    mean: float | None
    n: int
    expected: int
    worst: float | None
    worst_at: str
    gap: float | None

    @property
    def complete(self) -> bool:
        """Whether every part has a value."""
        return self.n == self.expected


def anchored(
    value: np.ndarray | Sequence[float] | float, zero: float, one: float, log: bool = False
) -> np.ndarray:
    """Values on a scale from `zero` (chance or a stated method) to `one` (a limit or stated value).

    Linear, or for errors the ratio log(zero / value) / log(zero / one). Clipped to [0, 1], so
    that one failure, or one value beyond what was thought possible, does not rule a mean. NaN
    stays NaN.

    Raises:
        ValueError: Where the anchors are the same, or not positive on a logarithmic scale.
    """
    if zero == one or not np.isfinite([zero, one]).all():
        raise ValueError(f"a scale needs two different ends, got {zero} and {one}")
    values = np.asarray(value, dtype=np.float64)
    if log:
        if min(zero, one) <= 0:
            raise ValueError(f"a logarithmic scale needs positive ends, got {zero} and {one}")
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.log(zero / np.maximum(values, 0.0)) / np.log(zero / one)
    else:
        part = (values - zero) / (one - zero)
    clipped: np.ndarray = np.clip(part, 0.0, 1.0)
    return clipped


def aggregate(parts: Mapping[str, float | None], home: str = "") -> Aggregate:
    """Values of one entrant, the higher the better, in one.

    Args:
        parts: By condition or task; `None` where failed, incompatible or absent.
        home: The condition trained on, if it is among them; the worst is sought among the others.
    """
    known = {name: part for name, part in parts.items() if part is not None}
    if not known:
        return Aggregate(None, 0, len(parts), None, "", None)
    away = {name: part for name, part in known.items() if name != home}
    at = min(away, key=lambda name: away[name], default="")
    worst = away[at] if at else None
    gap = known[home] - worst if home in known and worst is not None else None
    mean = sum(known.values()) / len(known)
    return Aggregate(mean, len(known), len(parts), worst, at, gap)


def profile(scores: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Performance profiles: the share of parts at which an entrant reaches each level.

    Dolan & Moré 2002 (doi:10.1007/s101070100263), of scores in place of ratios of cost.

    Args:
        scores: Of each entrant at each part (E, P), the higher the better.
        levels: Scores to reach (L,).

    Returns:
        Shares (E, L).
    """
    scores = np.asarray(scores, dtype=np.float64)
    shares: np.ndarray = (scores[:, :, None] >= np.asarray(levels)).mean(axis=1)
    return shares


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """Mean rank of each entrant over parts, 1 for the best; ties share the mean of their ranks.

    Args:
        values: At each part (..., E, P), the higher the better, none missing.

    Returns:
        Mean ranks (..., E).
    """
    by_part = np.swapaxes(-np.asarray(values, dtype=np.float64), -1, -2)
    ranks: np.ndarray = average_ranks(by_part).mean(axis=-2)
    return ranks


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, 1 for the smallest; ties share the mean of their ranks.

    As `scipy.stats.rankdata`, whose module takes a second to import.

    Args:
        values: Numbers (..., N), none missing.
    """
    order = np.argsort(values, axis=-1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=-1)
    places = np.broadcast_to(np.arange(values.shape[-1]), values.shape)
    begins = np.ones(values.shape, bool)
    begins[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    ends = np.ones(values.shape, bool)
    ends[..., :-1] = begins[..., 1:]
    first = np.maximum.accumulate(np.where(begins, places, 0), axis=-1)
    last = np.flip(
        np.minimum.accumulate(np.flip(np.where(ends, places, places.shape[-1]), -1), axis=-1), -1
    )
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=-1)
    return ranks
