"""The log of a pretraining and the scores of its probes: CSV files, rows by step."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lensbench.pretraining.probe import Score
from lensbench.pretraining.recipe import LOG

PROBES = "probe.csv"
_LOG_COLUMNS = ("step", "loss", "seconds", "images_per_second", "waited")
_PROBE_COLUMNS = (
    "step",
    "population",
    "condition",
    "target",
    "metric",
    "value",
    "low",
    "high",
    "n",
)


class Log:
    """Rows of a CSV file by step; those from a step on go when a training begins there anew."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path, self._columns = path, columns
        self.rows: list[dict[str, str]] = []
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as lines:
                self.rows = list(csv.DictReader(lines))

    def put(self, step: int, rows: Iterable[Mapping[str, object]]) -> None:
        """Sets the rows of a step; rows of this and of later steps are replaced."""
        self.rows = [row for row in self.rows if int(row["step"]) < step]
        self.rows += [{name: _text(row[name]) for name in self._columns} for row in rows]
        temporary = self._path.with_suffix(".writing")
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._columns)
            writer.writeheader()
            writer.writerows(self.rows)
        temporary.replace(self._path)


def loss_log(folder: Path) -> Log:
    """Loss, seconds of this run, images a second and the share of time spent waiting for scenes."""
    return Log(folder / LOG, _LOG_COLUMNS)


def probe_log(folder: Path) -> Log:
    """Scores of the probes."""
    return Log(folder / PROBES, _PROBE_COLUMNS)


def probe_rows(step: int, scores: Iterable[Score]) -> list[dict[str, object]]:
    """Scores as rows of a log."""
    return [
        {
            "step": step,
            "population": score.population,
            "condition": score.condition,
            "target": score.target,
            "metric": score.metric,
            "value": score.interval.value,
            "low": score.interval.low,
            "high": score.interval.high,
            "n": score.interval.n,
        }
        for score in scores
    ]


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    return str(value)
