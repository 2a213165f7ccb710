"""How fast scenes are rendered and observed, against lenstronomy, on all cores in one run.

    pytest tests/bench/test_rendering.py --benchmark-enable -s

Each side runs one process a core, warmed up; rounds of the two take turns, and the fastest round of
each counts, so that another program on the machine slows both or neither. The ratios asked for are
floors against regress, below what was measured on one core: 6.4 and 9.9 times for one condition,
12.4 and 19.4 times for eight. The aim, 10 and 20 times the faster one, is not met: of 0.84 ms an
image, drawing photons takes a quarter, the PSF a seventh, and tracing rays another quarter.
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

CORES = len(os.sched_getaffinity(0))
ROUNDS = 5
WORKER = Path(__file__).with_name("rendering_worker.py")


class Pool:
    """One process a core of one side."""

    def __init__(self, side: str, count: int) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.processes = [
            subprocess.Popen(
                [sys.executable, WORKER, side, str(count)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            for _ in range(CORES)
        ]

    def warm_up(self) -> None:
        """Waits until every process has done its work once."""
        for process in self.processes:
            assert process.stdout.readline().strip() == "ready"

    def round(self) -> float:
        """Images a second of all processes together."""
        start = time.perf_counter()
        for process in self.processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        made = sum(int(process.stdout.readline()) for process in self.processes)
        return made / (time.perf_counter() - start)

    def close(self) -> None:
        for process in self.processes:
            process.stdin.close()
            process.wait(timeout=30)
            process.stdout.close()


@contextmanager
def _pools(*sides: tuple[str, int]) -> Iterator[list[Pool]]:
    with ExitStack() as stack:
        pools = [Pool(*side) for side in sides]
        for pool in pools:
            stack.callback(pool.close)
        for pool in pools:
            pool.warm_up()
        yield pools


def _compare(benchmark: Any, side: str, other: str, count: int, least: float) -> None:
    """Takes turns, notes both rates and their ratio, and asks for at least this ratio."""
    with _pools((side, count), (other, 24)) as (ours, theirs):
        rates: list[tuple[float, float]] = []

        def turn() -> None:
            rates.append((ours.round(), theirs.round()))

        benchmark.pedantic(turn, rounds=ROUNDS, iterations=1)
    ours_best, theirs_best = (max(rate) for rate in zip(*rates, strict=True))
    ratio = ours_best / theirs_best
    benchmark.extra_info.update(
        cores=CORES, images_per_s=ours_best, lenstronomy_images_per_s=theirs_best, ratio=ratio
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


@pytest.mark.parametrize("population", ["pedagogical", "survey", "deeplense-ii"])
def test_scenes_of_a_population(benchmark: Any, population: str) -> None:
    """Time of 24 scenes at the size that the harness draws them, in one process."""
    from lensbench.sky.populations import population_of
    from lensbench.sky.scenes import draw_scenes

    scenes = benchmark.pedantic(
        draw_scenes, (population_of(population), "bench", range(24), 0), rounds=3, warmup_rounds=1
    )
    assert len(scenes.ids) == 24
