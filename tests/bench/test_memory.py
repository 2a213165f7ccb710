"""A worker's memory stays flat over many cells.

pytest tests/bench/test_memory.py --benchmark-enable -s
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import psutil

from lensbench.cells.computation import Computation, Workplace
from lensbench.cells.resolved import Resolver
from lensbench.registry import load_catalogue
from lensbench.store import Store
from lensbench.study.cell import Cell, Entrant, Seeds, View
from lensbench.study.describe import Numerics

CELLS = int(os.environ.get("LENSBENCH_CELLS", "1000"))
SETTLED = CELLS // 10


def test_a_thousand_cells(benchmark: Any, tmp_path: Path) -> None:
    """Resident after 1,000 small cells: at most 1.2 times of what it is after 100.

    Each has its own encoder and fit, and every hundredth new scenes.
    """
    resolver = Resolver(load_catalogue(), Numerics())
    place = Workplace(Store(tmp_path), resolver.numerics, lambda *_: None)
    entrant = Entrant(
        *(
            resolver.catalogue.canonical(kind, text)  # type: ignore[arg-type]
            for kind, text in (
                ("encoder", "mae-vit:depth=1,width=16"),
                ("pretraining", "none"),
                ("transfer", "linear"),
            )
        )
    )
    view = View("lenses:population=pedagogical", "euclid-vis")
    base = Cell(entrant, "morphology", view, (view,), budget="smoke")
    resident: list[int] = []

    def compute() -> None:
        for number in range(CELLS):
            seeds = Seeds(draw=number // 100, pretraining=number, fit=number)
            cell = resolver.resolve(dataclasses.replace(base, seeds=seeds))
            Computation(cell, place).records()
            resident.append(psutil.Process().memory_info().rss)

    benchmark.pedantic(compute, rounds=1)
    growth = resident[-1] / resident[SETTLED - 1]
    benchmark.extra_info.update(growth=growth, resident=resident[:: max(1, SETTLED)])
    print(f"\nresident after {CELLS} cells: {growth:.3f} of that after {SETTLED}")  # noqa: T201
    assert growth <= 1.2
