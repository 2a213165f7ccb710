"""What a study costs beside its cells one by one: scenes, weights and features are shared.

The study is run whole in one store. Of its cells a random sample is run one by one, each in a
store of its own, and the mean of these stands for all. Both in this process, after the imports
and a cell that warms up, so that neither pays for them. The tasks look at pooled features alone.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from lensbench.cells.checks import Checks
from lensbench.cells.resolved import Resolver
from lensbench.cli.display import Display
from lensbench.execution.executors.inline import InlineExecutor
from lensbench.execution.sweeps import Sweep
from lensbench.execution.worker import Settings, work
from lensbench.registry import load_catalogue
from lensbench.store import open_store
from lensbench.study.cell import Cell
from lensbench.study.expand import expand
from lensbench.study.spec import parse_study

ENCODERS = ["mae-vit:depth=1,width=32", "resnet18:width=8", "mae-vit:depth=2,width=32", "pixels"]
CONDITIONS = ["euclid-vis", "hst-acs", "rubin-r", "psf@1", "psf@2", "psf@3"]
TASKS = [
    "morphology",
    "regression:targets=theta_E",
    "regression:targets=lens_e1+lens_e2",
    "regression:targets=shear_1+shear_2",
]
SEEDS, SAMPLE = 3, 6


def cells_of(resolver: Resolver) -> tuple[Cell, ...]:
    """4 encoders, 4 tasks, 6 training conditions and 3 seeds; the tests are the same six."""
    study = parse_study(
        f'name = "sharing"\nbudget = "smoke"\n[axes]\ntask = {TASKS}\nencoder = {ENCODERS}\n'
        f'transfer = ["linear"]\nbaseline = []\ntrain_condition = {CONDITIONS}\n'
        f"[tests]\ncondition = {CONDITIONS}\n[seeds]\nfit = {SEEDS}\n"
    )
    return expand(resolver.catalogue, study, Checks(resolver.plugins).check).cells


def seconds(resolver: Resolver, folder: Path, cells: tuple[Cell, ...]) -> float:
    """Wall time of cells in a fresh store."""
    store = open_store(folder)
    settings = Settings(store.address, resolver.numerics, resolver.code.known)
    start = time.perf_counter()
    with Display(quiet=True) as shown:
        swept = Sweep(resolver, store, cells).run(
            lambda: InlineExecutor(settings, work, shown.told), shown
        )
    assert swept.failed == {}
    return time.perf_counter() - start


@pytest.mark.slow
def test_a_study_costs_a_fifth_of_its_cells(tmp_path, capsys):
    """Four encoders, four tasks, six conditions, three seeds: at least five times less."""
    resolver = Resolver(load_catalogue())
    cells = cells_of(resolver)
    seconds(resolver, tmp_path / "warm", cells[:1])
    chosen = random.Random(0).sample(cells, SAMPLE)
    before, after = chosen[: SAMPLE // 2], chosen[SAMPLE // 2 :]
    alone = [seconds(resolver, tmp_path / f"b{i}", (one,)) for i, one in enumerate(before)]
    together = seconds(resolver, tmp_path / "whole", cells)
    alone += [seconds(resolver, tmp_path / f"a{i}", (one,)) for i, one in enumerate(after)]
    one_by_one = sum(alone) / len(alone) * len(cells)
    with capsys.disabled():
        print(  # noqa: T201 (the figure)
            f"\n{len(cells)} cells ({len(ENCODERS)} encoders, {len(TASKS)} tasks, "
            f"{len(CONDITIONS)} conditions, {SEEDS} seeds): together "
            f"{together:.1f} s; one by one {one_by_one:.0f} s (mean of {SAMPLE} cells, "
            f"{min(alone):.2f} to {max(alone):.2f} s); {one_by_one / together:.1f} times less"
        )
    assert one_by_one >= 5 * together
