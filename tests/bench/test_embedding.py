"""Embedding shards: at the speed of the encoder, in memory that does not grow.

pytest tests/bench/test_embedding.py --benchmark-enable -s
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
import pytest
import torch
from safetensors.torch import save_file

from lensbench.data.picture import Selection
from lensbench.inference.answering import ShardWork
from lensbench.inference.dividing import answer_all
from lensbench.inference.embedding import embedder
from lensbench.inference.reading import Block
from lensbench.registry import load_catalogue

IMAGES = int(os.environ.get("LENSBENCH_CUTOUTS", "2048"))
MANY = int(os.environ.get("LENSBENCH_MANY_CUTOUTS", "1000000"))
SHARDS, SIDE, BATCH = 8, 64, 256
SMALL = "mae-vit:width=16,depth=1,heads=2"


def written(path: Path, images: np.ndarray) -> Path:
    """A shard of images (B, H, W): a stack, or a table with lists."""
    if path.suffix == ".npy":
        np.save(path, images)
    else:
        flat = images.reshape(len(images), -1)
        pixels = pl.Series(flat, dtype=pl.Array(pl.Float32, flat.shape[1]))
        ids = [str(number) for number in range(len(images))]
        pl.DataFrame({"id": ids, "image": pixels}).write_parquet(path, row_group_size=BATCH)
    return path


@pytest.mark.parametrize("suffix", [".npy", ".parquet"])
def test_throughput(benchmark: Any, tmp_path: Path, suffix: str) -> None:
    """At least 0.9 of the rate of the bare shipped encoder, both taken in turn, by their
    quickest of eight.

    The bare encoder has all images in memory, in units of the noise; a shard is read, digested,
    brought to units of the noise, encoded and written.
    """
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    count = IMAGES // SHARDS
    shards = [
        written(tmp_path / f"{n}{suffix}", random.normal(3, 2, (count, SIDE, SIDE)).astype("f4"))
        for n in range(SHARDS)
    ]
    bare = embedder("mae-vit", "euclid-vis", "cpu")()
    images = random.normal(0, 1, (count, 1, SIDE, SIDE)).astype("f4")
    blocks = [
        Block([""] * len(part), part, [""] * len(part))
        for part in np.split(images, range(BATCH, count, BATCH))
    ]
    seconds: dict[str, list[float]] = {"bare": [], "shards": []}

    def compute() -> None:
        bare(blocks[0])
        for shard in shards:
            began = time.process_time()
            for block in blocks:
                bare(block)
            seconds["bare"].append(time.process_time() - began)
            began = time.process_time()
            work = ShardWork(shard, tmp_path / "out", Selection(), BATCH, strict=False)
            answer_all(work, lambda: bare, 0, 1, lambda *_: None)
            seconds["shards"].append(time.process_time() - began)

    benchmark.pedantic(compute, rounds=1)
    shares = np.divide(seconds["bare"], seconds["shards"])
    share = min(seconds["bare"]) / min(seconds["shards"])  # company only ever adds
    rate = count / min(seconds["shards"])
    benchmark.extra_info.update(share=share, rate=rate)
    print(  # noqa: T201
        f"\n{suffix}: {share:.3f} of the bare rate (pairs: median {np.median(shares):.3f}, "
        f"{shares.min():.3f} to {shares.max():.3f}), "
        f"{rate:.0f} images a second of processor time"
    )
    assert share >= 0.9


def test_memory(benchmark: Any, tmp_path: Path) -> None:
    """Resident while the last of ten shards is read: at most 1.05 times of that of the first.

    A million cut-outs of 16 × 16 for a small encoder, for what may grow is what reads and writes.
    """
    torch.set_num_threads(1)
    made = load_catalogue().build("encoder", SMALL, channels=1)
    save_file(made.state_dict(), str(tmp_path / "chance.safetensors"))
    answerer = embedder(f"{SMALL},weights={tmp_path / 'chance.safetensors'}", "euclid-vis", "cpu")
    folder = tmp_path / "images"
    folder.mkdir()
    images = np.random.default_rng(0).normal(3, 2, (MANY // 10, 16, 16)).astype("f4")
    first = written(folder / "0.parquet", images)
    for number in range(1, 10):
        (folder / f"{number}.parquet").hardlink_to(first)
    resident: dict[str, int] = {}

    def watch(stage: str, *_: object) -> None:
        if stage.startswith("reading"):
            now = psutil.Process().memory_info().rss
            resident[stage] = max(now, resident.get(stage, 0))

    def compute() -> None:
        work = ShardWork(folder, tmp_path / "out", Selection(), BATCH, strict=False)
        answer_all(work, answerer, 0, 1, watch)

    benchmark.pedantic(compute, rounds=1)
    sizes = list(resident.values())
    growth = sizes[-1] / sizes[0]
    benchmark.extra_info.update(growth=growth)
    print(f"\n{MANY} cut-outs, {sizes[0] / 2**20:.0f} MiB, × {growth:.3f}")  # noqa: T201
    assert len(sizes) == 10
    assert growth <= 1.05
