"""Summary of a plan: counts, what is shared, and an estimate of the time."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lensbench.study.job import CellRequest, FeaturesRequest, ImagesRequest, Job

_KINDS = {ImagesRequest: "images", FeaturesRequest: "features", CellRequest: "cells"}


@dataclass(frozen=True)
class Estimate:
    """How long jobs will take.

    Attributes:
        seconds: With so many workers, after the costs that are known.
        work: Of all workers together.
        unknown: Kinds of jobs that were never measured, with how many there are.
    """

    seconds: float
    work: float
    unknown: Mapping[str, int]


@dataclass(frozen=True)
class Summary:
    """A plan in numbers.

    Attributes:
        cells: How many there are.
        stored: Whose records the store has.
        failed: That failed before and would be left alone.
        jobs: To be computed, by kind.
        sharing: Cells for each job that others need, by kind.
        estimate: How long it will take.
    """

    cells: int
    stored: int
    failed: int
    jobs: Mapping[str, int]
    sharing: Mapping[str, float]
    estimate: Estimate = field(default_factory=lambda: Estimate(0.0, 0.0, {}))


def kind_of(job: Job) -> str:
    """`images`, `weights`, `features` or `cells`."""
    return _KINDS.get(type(job.request), "weights")


def summarise(
    jobs: Sequence[Job],
    shared: Mapping[str, int],
    estimate: Estimate,
    *,
    cells: int,
    stored: int,
    failed: int,
) -> Summary:
    """A plan's summary.

    Args:
        jobs: Each stands after those that it needs.
        shared: Number of cells that need each job.
        estimate: How long the jobs will take.
        cells, stored, failed: Counts of cells.
    """
    kinds = Counter(kind_of(job) for job in jobs)
    uses: Counter[str] = Counter()
    for job in jobs:
        uses[kind_of(job)] += shared.get(job.key, 0)
    sharing = {kind: uses[kind] / count for kind, count in kinds.items() if kind != "cells"}
    return Summary(cells, stored, failed, dict(kinds), sharing, estimate)


def expected_seconds(like: str, costs: Mapping[str, float]) -> float | None:
    """Seconds of a job: those of jobs that are alike, or of fewer or more images of its dataset."""
    if like in costs:
        return costs[like]
    kind, _, rest = like.partition(" | ")
    dataset, _, count = rest.rpartition(" | ")
    if kind != "images" or not count.isdecimal():
        return None
    known = {
        int(other.rpartition(" | ")[2]): seconds
        for other, seconds in costs.items()
        if other.rpartition(" | ")[0] == f"{kind} | {dataset}"
    }
    return known[most] / most * int(count) if (most := max(known, default=0)) else None


def estimate_time(jobs: Sequence[Job], costs: Mapping[str, float], workers: int) -> Estimate:
    """Simulates the jobs in order, each begun by the first free worker that may."""
    free = [0.0] * max(1, workers)
    ends: dict[str, float] = {}
    unknown: Counter[str] = Counter()
    work = 0.0
    for job in jobs:
        seconds = expected_seconds(job.like, costs)
        if seconds is None:
            unknown[job.like] += 1
            seconds = 0.0
        ready = max((ends.get(need, 0.0) for need in job.needs), default=0.0)
        begin = max(heapq.heappop(free), ready)
        ends[job.key] = begin + seconds
        heapq.heappush(free, ends[job.key])
        work += seconds
    return Estimate(max(free), work, dict(unknown))
