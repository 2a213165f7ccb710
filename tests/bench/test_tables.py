"""Tables of a million records."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lensbench.leaderboard.selection import Selection, select
from lensbench.leaderboard.source import scan_records
from lensbench.leaderboard.table import study_tables
from lensbench.store.records import records_frame, sort_records

ENTRANTS, TASKS, CONDITIONS, METRICS, SEEDS, LABELS = 200, 5, 12, 4, 7, 3


@pytest.fixture(scope="module")
def million(tmp_path_factory) -> Path:
    """1,008,000 records in a file, with all columns and in their order."""
    shape = (TASKS, ENTRANTS, CONDITIONS, METRICS, SEEDS, LABELS)
    task, entrant, condition, metric, seed, labels = (axis.ravel() for axis in np.indices(shape))
    value = np.random.default_rng(0).uniform(size=task.size)
    names = {
        "task": (task, [f"task-{k}" for k in range(TASKS)]),
        "entrant": (entrant, [f"encoder-{k}:width={k} + mae + linear" for k in range(ENTRANTS)]),
        "test_condition": (condition, [f"condition-{k}" for k in range(CONDITIONS)]),
        "metric": (metric, [f"metric-{k}" for k in range(METRICS)]),
    }
    columns: dict[str, pl.Series] = {
        name: pl.Series(np.array(texts)[codes]) for name, (codes, texts) in names.items()
    }
    number = pl.Series(np.arange(task.size)).cast(pl.String)
    columns |= {
        "seed_fit": pl.Series(seed), "seed_draw": pl.Series(0 * seed),
        "seed_pretraining": pl.Series(seed), "labels": pl.Series(10 ** (labels + 1)),
        "value": pl.Series(value), "low": pl.Series(value - 0.1), "high": pl.Series(value + 0.1),
        "primary": pl.Series(metric == 0), "n": pl.Series(np.full(task.size, 1000)),
        "higher_is_better": pl.Series(np.ones(task.size, dtype=bool)),
        "cell": number, "predictions": number, "images": number,
    }  # fmt: skip
    texts = {
        "state": "done", "dataset": "lenses", "test_dataset": "lenses", "budget": "standard",
        "train_condition": "condition-0", "target_view": "", "pretraining_views": "",
        "unit": "", "device": "cpu", "torch": "2.14.1", "system": "Linux x86_64",
    }  # fmt: skip
    schema = records_frame([]).schema
    frame = pl.DataFrame(columns).with_columns(
        *(pl.lit(text).alias(name) for name, text in texts.items()),
        *(pl.lit(None).alias(c) for c in schema if c not in {*columns, *texts}),
    )
    path = tmp_path_factory.mktemp("million") / "records.parquet"
    sort_records(frame.select(schema.names()).cast(dict(schema))).write_parquet(path)
    return path


CHOICES = {
    "filtered and sorted": Selection(
        ("task=task-3", "test_condition=condition-1*", "value>=0.2"), sort=("-value",), limit=20
    ),
    "pivot": Selection(("task=task-1", "labels=100"), pivot="test_condition", sort=("entrant",)),
    "each seed": Selection(("entrant=*-7:*",), "all", sort=("-value",), limit=50, each_seed=True),
    "everything": Selection(sort=("-value",), limit=20),
}


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize("name", CHOICES)
def test_a_million_records_are_shown_in_a_second(million, benchmark, name):
    """From the file to the rows, whatever is asked: less than a second of processor time."""
    shown = benchmark(lambda: select(scan_records(million), CHOICES[name]))
    assert 0 < shown.height <= 200
    if benchmark.stats:
        assert benchmark.stats.stats.median < 1.0


@pytest.mark.benchmark(timer=time.process_time)
def test_the_tables_of_one_task_come_in_a_second(million, benchmark):
    """200 entrants under twelve conditions, with 7 seeds and three numbers of labels, ranked."""
    records = scan_records(million)

    def tables():
        return study_tables(records.filter(pl.col("task") == "task-2").collect())

    found = benchmark(tables)
    assert [len(table.rows) for table in found] == [200, 200, 200]
    if benchmark.stats:
        assert benchmark.stats.stats.median < 1.0
