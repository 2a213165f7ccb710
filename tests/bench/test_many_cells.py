"""Studies of very many cells: planned, and repeated when all is stored.

    pytest tests/bench/test_many_cells.py --benchmark-enable -s

Imports are not counted, and seconds are of the processor, for other programs slow a clock on the
wall. The aims: a plan of 100,000 cells in 5 s, a finished study of 10,000 in 2 s.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lensbench.cells.resolved import Resolver
from lensbench.cells.rows import unscored_rows
from lensbench.execution.sweeps import Sweep
from lensbench.registry import load_catalogue
from lensbench.store import Store
from lensbench.store.records import records_frame
from lensbench.store.scores import scores_frame
from lensbench.study.describe import Numerics
from lensbench.study.expand import expand
from lensbench.study.spec import Study

STORED = 10_000
pytestmark = pytest.mark.benchmark(timer=time.process_time)


def sweep_of(store: Store, seeds: int) -> Sweep:
    """Two encoders by two transfers and a baseline, with four numbers of labels, by seeds."""
    study = Study.model_validate(
        {
            "name": "many",
            "budget": "smoke",
            "axes": {
                "task": ["morphology"],
                "encoder": ["resnet18:width=8", "mae-vit:depth=1,width=16"],
                "transfer": ["linear", "finetune"],
                "baseline": ["spectrum-logreg"],
                "labels": [16, 32, 48, "all"],
            },
            "tests": {"condition": ["rubin-r"]},
            "seeds": {"fit": seeds},
        }
    )
    resolver = Resolver(load_catalogue(), Numerics())
    expanded = expand(resolver.catalogue, study, lambda cell: None)
    return Sweep(resolver, store, expanded.cells)


def per_seed() -> int:
    """Cells of one seed."""
    return (2 * 2 + 1) * 4


@pytest.fixture(scope="module")
def stored(tmp_path_factory: Any) -> Path:
    """A store with the records of 10,000 cells, as cells write them."""
    folder = tmp_path_factory.mktemp("many")
    store = Store(folder)
    sweep = sweep_of(store, STORED // per_seed())
    assert len(sweep.cells) == STORED
    scores = scores_frame([_by_scene(metric) for metric in ("auroc", "accuracy")])
    for cell in sweep.cells:
        rows = unscored_rows(cell, "done", "")
        for row in rows:
            row["value"] = 0.5
        described = cell.describe_records()
        with store.writing("records", cell.records, ".parquet", described) as path:
            records_frame(rows).write_parquet(path)
        beside = {"kind": "scores", "inputs": {"records": cell.records}}
        with store.writing("scores", cell.records, ".parquet", beside) as path:
            scores.write_parquet(path)
    return folder


def _by_scene(metric: str) -> dict[str, Any]:
    """How a metric varied over the scenes of one test."""
    texts = dict.fromkeys(("cell", "test_dataset", "test_condition", "scenes"), "x")
    values = np.zeros(200, dtype=np.float32)
    return texts | {"metric": metric, "per_scene": False, "n": 24, "values": values}


def _none() -> Any:
    raise AssertionError("there is nothing to compute")


@pytest.mark.parametrize(
    ("gathered", "least"), [(False, 10.0), (True, 2.0)], ids=["first", "again"]
)
def test_a_finished_study(benchmark: Any, stored: Path, gathered: bool, least: float) -> None:
    """From the study to all records: gathered cell by cell, and gathered already."""
    assert gathered == bool(Store(stored).stored("runs"))

    def repeat() -> int:
        sweep = sweep_of(Store(stored), STORED // per_seed())
        swept = sweep.finished() or sweep.run(_none, _Silent())
        return swept.records.height

    assert benchmark.pedantic(repeat, rounds=1) == 2 * STORED
    assert not benchmark.enabled or benchmark.stats.stats.min < least


def test_a_plan_of_100_000_cells(benchmark: Any, tmp_path: Path) -> None:
    """Cells, their keys and their jobs."""

    def plan() -> int:
        return len(sweep_of(Store(tmp_path), 100_000 // per_seed()).plan().jobs)

    assert benchmark.pedantic(plan, rounds=1) > 100_000
    assert not benchmark.enabled or benchmark.stats.stats.min < 5.0


class _Silent:
    """Hears of no job."""

    def planned(self, jobs: Any, costs: Any) -> None:
        raise AssertionError("there is nothing to plan")

    begun = told = ended = planned
