"""Estimates how much work of a plan is left while its jobs run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from lensbench.study.job import Job
from lensbench.study.summary import kind_of


class TimeLeft:
    """Estimates the time left from the jobs that have ended.

    A job takes as long as those like it that ended here, or else in earlier sweeps, or else as
    those of its kind that ended here.

    Args:
        jobs: Of the plan.
        costs: Mean seconds of jobs that are alike, of earlier sweeps.
    """

    def __init__(self, jobs: Sequence[Job], costs: Mapping[str, float]) -> None:
        self._left = Counter((kind_of(job), job.like) for job in jobs)
        self._costs = costs
        self._seen: dict[str, _Mean] = {}
        self._kinds: dict[str, _Mean] = {}

    def ended(self, job: Job, seconds: float) -> None:
        """A job ended after so many seconds in a worker; none where it never began."""
        kind = kind_of(job)
        self._left[kind, job.like] -= 1
        if seconds:
            self._seen.setdefault(job.like, _Mean()).add(seconds)
            self._kinds.setdefault(kind, _Mean()).add(seconds)

    def seconds(self, job: Job) -> float | None:
        """Estimated seconds of one job; `None` where nothing of its kind has been measured."""
        return self._seconds(kind_of(job), job.like)

    def work(self) -> tuple[float, bool]:
        """Seconds of one worker for all that has not ended, and whether that is all of it."""
        guesses = [(self._seconds(*which), count) for which, count in self._left.items() if count]
        known = sum(guess * count for guess, count in guesses if guess is not None)
        return known, all(guess is not None for guess, _ in guesses)

    def _seconds(self, kind: str, like: str) -> float | None:
        if like in self._seen:
            return self._seen[like].value
        if like in self._costs:
            return self._costs[like]
        return self._kinds[kind].value if kind in self._kinds else None


class _Mean:
    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    @property
    def value(self) -> float:
        return self.total / self.count

    def add(self, seconds: float) -> None:
        self.total += seconds
        self.count += 1
