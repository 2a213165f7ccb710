"""How fast scenes are rendered and observed, against lenstronomy: one core, in one run.

    pytest tests/bench/test_rendering.py --benchmark-enable -s

Each side is one process, warmed up; rounds of the two take turns. Time is the processor's, and
the fastest round of each counts, so that another program on the machine slows both or neither. The
ratios asked for are floors against regress; `docs/reference/populations.md` has what was measured,
and what is missing to the aims of 10 and 20 times lenstronomy.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from lensbench.registry import Catalogue
from lensbench.sky.instruments import EUCLID_VIS
from lensbench.sky.splits import observe_split

COUNT = 72
ROUNDS = 5
WORKER = Path(__file__).with_name("rendering_worker.py")


class Side:
    """A process of one side."""

    def __init__(self, side: str, count: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, WORKER, side, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        )

    def warm_up(self) -> None:
        """Waits until it has done its work once."""
        assert self.process.stdout.readline().strip() == "ready"

    def round(self) -> float:
        """Images a second."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait(timeout=300)
        self.process.stdout.close()


@contextmanager
def _running(*sides: tuple[str, int]) -> Iterator[list[Side]]:
    with ExitStack() as stack:
        running = [Side(*side) for side in sides]
        for side in running:
            stack.callback(side.close)
        for side in running:
            side.warm_up()
        yield running


def _compare(benchmark: Any, side: str, other: str, count: int, least: float) -> None:
    """Takes turns, notes both rates and their ratio, and asks for at least this ratio."""
    with _running((side, count), (other, 24)) as (ours, theirs):
        rates: list[tuple[float, float]] = []

        def turn() -> None:
            rates.append((ours.round(), theirs.round()))

        benchmark.pedantic(turn, rounds=ROUNDS, iterations=1)
    ours_best, theirs_best = (max(rate) for rate in zip(*rates, strict=True))
    ratio = ours_best / theirs_best
    benchmark.extra_info.update(
        images_per_s=ours_best, lenstronomy_images_per_s=theirs_best, ratio=ratio
    )
    print(f"\n{side}: {ours_best:.0f}/s, {other}: {theirs_best:.0f}/s, {ratio:.1f}×")  # noqa: T201
    assert ratio >= least


@pytest.mark.parametrize(("other", "least"), [("lenstronomy", 4), ("lenstronomy-script", 6)])
def test_a_scene_takes_a_fraction_of_lenstronomys_time(
    benchmark: Any, other: str, least: float
) -> None:
    """Rendering and observing Model II with 25 point masses is faster than lenstronomy."""
    _compare(benchmark, "lensbench", other, 240, least)


@pytest.mark.parametrize(("other", "least"), [("lenstronomy", 8), ("lenstronomy-script", 12)])
def test_eight_conditions_cost_little_more_than_one(
    benchmark: Any, other: str, least: float
) -> None:
    """A scene under eight conditions gives several times lenstronomy's images a second."""
    _compare(benchmark, "lensbench-8", other, 48, least)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("population", ["pedagogical", "survey", "deeplense-ii"])
def test_scenes_of_a_population(benchmark: Any, catalogue: Catalogue, population: str) -> None:
    """Images a second as a run makes them under `euclid-vis`: drawn, rendered and observed."""
    dataset = catalogue.build("dataset", f"lenses:population={population}")

    def made() -> float:
        start = time.process_time()
        for batch in observe_split(dataset, "train", range(COUNT), 0, 24):
            batch.observed(EUCLID_VIS)
        return COUNT / (time.process_time() - start)

    made()
    rates = [made() for _ in range(ROUNDS if benchmark.enabled else 1)]
    benchmark.pedantic(made, rounds=1)
    benchmark.extra_info.update(images_per_s=max(rates))
    print(f"\n{population}: {max(rates):.0f}/s")  # noqa: T201
