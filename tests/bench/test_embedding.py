"""Embedding shards: at the speed of the encoder, in memory that does not grow.

pytest tests/bench/test_embedding.py --benchmark-enable -s
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from safetensors.torch import save_file

from lensbench.data.picture import Selection
from lensbench.inference.answering import Work, answer_all
from lensbench.inference.embedding import embedder
from lensbench.inference.reading import Block
from lensbench.registry import load_catalogue

IMAGES = int(os.environ.get("LENSBENCH_CUTOUTS", "1024"))
SHARDS, SIDE, BATCH = 4, 64, 64


def test_throughput_and_memory(benchmark: Any, tmp_path: Path) -> None:
    """At least 0.9 of the bare encoder's rate, both taken in turn; no growth after the first shard.

    The bare encoder has all images in memory, in units of the noise.
    """
    torch.set_num_threads(1)
    made = load_catalogue().build("encoder", "mae-vit", channels=1)
    save_file(made.state_dict(), str(tmp_path / "chance.safetensors"))
    folder = tmp_path / "images"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(SHARDS):
        images = random.normal(3, 2, (IMAGES // SHARDS, SIDE, SIDE)).astype("f4")
        np.save(folder / f"{number}.npy", images)
    make = embedder(f"mae-vit:weights={tmp_path / 'chance.safetensors'}", "euclid-vis", "cpu")
    bare = make()
    blocks = [
        Block([""] * BATCH, random.normal(0, 1, (BATCH, 1, SIDE, SIDE)).astype("f4"), [""] * BATCH)
        for _ in range(IMAGES // SHARDS // BATCH)
    ]
    bare(blocks[0])
    seconds: dict[str, list[float]] = {"bare": [], "shards": []}
    resident: list[int] = []

    def compute() -> None:
        for number in range(SHARDS):
            began = time.perf_counter()
            for block in blocks:
                bare(block)
            seconds["bare"].append(time.perf_counter() - began)
            work = Work(
                folder / f"{number}.npy", tmp_path / "out", Selection(), BATCH, strict=False
            )
            began = time.perf_counter()
            answer_all(work, lambda: bare, 0, 1, lambda *_: None)
            seconds["shards"].append(time.perf_counter() - began)
            resident.append(psutil.Process().memory_info().rss)

    benchmark.pedantic(compute, rounds=1)
    share = float(np.median(np.divide(seconds["bare"], seconds["shards"])))
    growth = resident[-1] / resident[0]
    rate = IMAGES / sum(seconds["shards"])
    benchmark.extra_info.update(share=share, growth=growth, rate=rate)
    print(f"\n{share:.3f} of the bare rate, {rate:.0f} images/s, memory × {growth:.3f}")  # noqa: T201
    assert growth <= 1.05
    assert share >= 0.9
