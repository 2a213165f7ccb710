"""One score for an entrant: normalised, then over conditions; the worst stands beside the mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Aggregate:
    """A mean over conditions or tasks, with what a mean hides.

    Attributes:
        mean: Over those that have a value; `None` where none has, never zero.
        low, high: Bounds of the 95 % interval as wide as if all parts erred together; `None` where
            there is no mean or a part has no interval.
        n: How many have a value.
        expected: How many there should be. Where `n` is less, the mean is of the others and
            compares with no entrant that has them all.
        worst: The least value, and `worst_at` whose it is.
        gap: By how much the worst is below the value at home; `None` where one is missing.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int
    expected: int
    worst: float | None
    worst_at: str
    gap: float | None

    @property
    def complete(self) -> bool:
        """Whether every part has a value."""
        return self.n == self.expected


Part = tuple[float, float, float]
"""A value with its interval; bounds may be NaN."""


def normalised(value: float, zero: float, one: float) -> float | None:
    """A value on the scale from `zero` (chance or tradition) to `one` (the best that can be).

    It may lie below 0 and, where `one` is not a limit, above 1. `None` where the two are the
    same or a number is missing: there is no scale.
    """
    if zero == one or not all(map(math.isfinite, (value, zero, one))):
        return None
    return (value - zero) / (one - zero)


def normalised_part(part: Part, zero: float, one: float) -> Part | None:
    """A value with its interval on that scale; bounds in order even where lower is better."""
    value = normalised(part[0], zero, one)
    if value is None:
        return None
    low, high = sorted((bound - zero) / (one - zero) for bound in part[1:])
    return value, low, high


def aggregate(parts: Mapping[str, Part | None], home: str = "") -> Aggregate:
    """Values of one entrant, the higher the better, in one.

    Args:
        parts: By condition or task; `None` where failed, incompatible or absent.
        home: The condition trained on, if it is among them; the worst is sought among the others.
    """
    known = {name: part for name, part in parts.items() if part is not None}
    n = len(known)
    if not n:
        return Aggregate(None, None, None, 0, len(parts), None, "", None)
    mean, low, high = (sum(part[k] for part in known.values()) / n for k in range(3))
    away = {name: part[0] for name, part in known.items() if name != home}
    at = min(away, key=lambda name: away[name], default="")
    worst = away[at] if at else None
    gap = known[home][0] - worst if home in known and worst is not None else None
    bounded = math.isfinite(low) and math.isfinite(high)
    return Aggregate(
        mean, low if bounded else None, high if bounded else None, n, len(parts), worst, at, gap
    )
