"""What counts as 0 and 1 in the overall score: fixed and versioned in `anchors.toml`."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Any

import numpy as np

from lensbench.leaderboard.standings import Row, has_value
from lensbench.stats.aggregate import anchored


@dataclass(frozen=True)
class Scale:
    """The ends of a scale under one condition.

    Attributes:
        zero: Value that counts as 0.
        one: Value that counts as 1.
        log: Whether the scale is of the logarithm, as for an error.
    """

    zero: float
    one: float
    log: bool

    def score(self, value: np.ndarray | float) -> np.ndarray:
        """Values on the scale, clipped to its ends."""
        return anchored(value, self.zero, self.one, self.log)


@dataclass(frozen=True)
class Anchor:
    """One entry of the file; its head says what each field means."""

    metrics: Sequence[str]
    scale: str
    zero: float | str
    one: float | Mapping[str, float]
    names: Sequence[str]
    source: str
    tasks: Sequence[str] = ("*",)
    datasets: Sequence[str] = ("*",)

    def fits(self, facts: Mapping[str, Any]) -> bool:
        """Whether it is for a table with this task, metric and test dataset."""
        asked = (
            (self.tasks, facts["task"]),
            (self.metrics, facts["metric"]),
            (self.datasets, facts["test_dataset"]),
        )
        return all(any(fnmatchcase(text, one) for one in known) for known, text in asked)

    def at(self, rows: Mapping[str, Row], condition: str) -> Scale | None:
        """The scale under a condition.

        Args:
            rows: Rows of the table under this condition, by entrant.
            condition: Its name.

        Returns:
            `None` where the metric has no chance level, or the traditional method no value.
        """
        zero = self._zero(rows)
        if zero is None:
            return None
        one: float | None
        if not isinstance(self.one, Mapping):
            one = self.one
        elif "above_zero" in self.one:
            one = zero + self.one["above_zero"]
        else:
            one = self.one.get(condition, self.one.get("*"))
        return None if one is None else Scale(zero, one, self.scale == "log")

    def _zero(self, rows: Mapping[str, Row]) -> float | None:
        if not isinstance(self.zero, str):
            return self.zero
        if self.zero == "chance":
            return next((row["chance"] for row in rows.values() if row["chance"] is not None), None)
        method = rows.get(self.zero)
        return float(method["value"]) if method is not None and has_value(method) else None


@functools.cache
def load_anchors() -> tuple[int, tuple[Anchor, ...]]:
    """The version of the anchors, and the anchors in the order in which they are tried."""
    text = (files("lensbench.leaderboard") / "anchors.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text)
    return int(found["version"]), tuple(Anchor(**one) for one in found["anchor"])


def anchor_of(facts: Mapping[str, Any]) -> Anchor | None:
    """The anchor of a table by its facts; `None` where there is none."""
    _, anchors = load_anchors()
    return next((one for one in anchors if one.fits(facts)), None)
