"""A folder of a hundred thousand images opens in seconds, and in memory that stays flat.

pytest tests/bench/test_many_files.py --benchmark-enable -s
"""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from lensbench.registry import load_catalogue

COUNT = 100_000
SECONDS, MEGABYTES = 10, 80


def written(folder: Path, count: int, classes: int) -> Path:
    """So many small .npy files, none like another; in a folder for each class."""
    first = np.random.default_rng(0).normal(size=(16, 16)).astype("f4")
    content = io.BytesIO()
    np.save(content, first)
    header = content.getvalue()[: -first.nbytes]
    for number in range(classes):
        (folder / f"class{number}").mkdir(parents=True)
    for i in range(count):
        path = folder / f"class{i % classes}" / f"{i:06d}.npy"
        path.write_bytes(header + (first + i).tobytes())
    return folder if classes > 1 else folder / "class0"


@pytest.mark.parametrize("classes", [1, 2])
def test_a_hundred_thousand_files(benchmark: Any, tmp_path: Path, classes: int) -> None:
    """Every image is there, with its class; files are known by name, size and time."""
    catalogue = load_catalogue()
    catalogue.build("dataset", f"stored:path={written(tmp_path / 'few', 100, classes)}")
    many = written(tmp_path / "many", COUNT, classes)
    resident = psutil.Process().memory_info().rss
    began = time.process_time()
    dataset = benchmark.pedantic(catalogue.build, args=("dataset", f"stored:path={many}"), rounds=1)
    seconds = time.process_time() - began
    grown = (psutil.Process().memory_info().rss - resident) / 1e6
    benchmark.extra_info.update(seconds=seconds, megabytes=grown)
    print(f"\n{COUNT} files: {seconds:.1f} s, {grown:.0f} MB")  # noqa: T201
    splits = ("pretraining", "train", "validation", "test")
    assert sum(dataset.size(split) for split in splits) == COUNT
    assert seconds < SECONDS and grown < MEGABYTES
