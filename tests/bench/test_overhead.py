"""What the harness adds to the arithmetic of a fit, and to that of encoding.

    pytest tests/bench/test_overhead.py --benchmark-enable -s

Both sides take turns on one thread; of each the fastest round counts, in seconds of the processor,
so that another program on the machine slows both or neither.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lensbench import Budget, FitContext, Samples
from lensbench.cells.frozen_features import write_features
from lensbench.execution.executors.reports import throttled
from lensbench.registry import load_catalogue
from lensbench.testing import made_samples
from lensbench.training.encoding import encode
from lensbench_reference.transfers.fitting import HeadedEncoder, turned

STEPS, BATCH, ROUNDS = 30, 16, 9
ENCODERS = ["resnet18:width=16", "mae-vit"]

pytestmark = pytest.mark.usefixtures("one_thread")


def ratio(benchmark: Any, ours: Callable[[], None], bare: Callable[[], None]) -> float:
    """Fastest round of ours in units of the fastest bare one; the two take turns."""
    times: list[tuple[float, float]] = []

    def timed(work: Callable[[], None]) -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    def turn() -> None:
        # each goes first every other time
        pair = (ours, bare) if len(times) % 2 else (bare, ours)
        first, second = (timed(work) for work in pair)
        times.append((first, second) if len(times) % 2 else (second, first))

    benchmark.pedantic(turn, rounds=ROUNDS, warmup_rounds=1)
    mine, theirs = (min(side) for side in zip(*times[1:], strict=True))
    benchmark.extra_info.update(ours=mine, bare=theirs, ratio=mine / theirs)
    print(f"\nours {mine:.3f} s, bare {theirs:.3f} s: {mine / theirs:.4f}")  # noqa: T201
    return mine / theirs


def context_of(samples: Samples) -> FitContext:
    """A classification by the budget's steps."""
    task = load_catalogue().build("task", "morphology")
    budget = Budget("bench", 0, STEPS, len(samples), STEPS, 8, 8)
    report = throttled(lambda *_: None)
    return FitContext(
        task,
        samples,
        samples.first(8),
        budget,
        0,
        lambda one: report("fit", one.done, one.total, one.text),
    )


def bare_fit(encoder: Any, context: FitContext) -> None:
    """The same arithmetic, as one writes it down."""
    model = HeadedEncoder(encoder, context).train()
    parameters = list(model.parameters())
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.05},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=1e-3,
        betas=(0.9, 0.95),
    )
    generator = torch.Generator().manual_seed(0)
    order = torch.empty(0, dtype=torch.long)
    train, warm = context.train, round(0.1 * STEPS)
    for step in range(STEPS):
        if len(order) < BATCH:
            order = torch.randperm(len(train), generator=generator)
        chosen, order = order[:BATCH], order[BATCH:]
        cosine = 0.5 * (1 + math.cos(math.pi * (step - warm) / (STEPS - warm)))
        for group in optimiser.param_groups:
            group["lr"] = 1e-3 * ((step + 1) / warm if step < warm else cosine)
        targets = {name: values[chosen] for name, values in train.targets.items()}
        batch = Samples(
            train.ids[:BATCH], train.images[chosen], targets, train.info, train.condition,
            train.data_range,
        )  # fmt: skip
        batch = turned(batch, generator)
        optimiser.zero_grad(set_to_none=True)
        loss = context.task.loss(model(batch), batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()


@pytest.mark.parametrize("name", ENCODERS)
def test_a_fit(benchmark: Any, name: str) -> None:
    """Fine-tuning through the harness takes at most 2 % longer than a loop by hand."""
    catalogue = load_catalogue()
    encoder = catalogue.build("encoder", name, channels=1)
    transfer = catalogue.build("transfer", "finetune")
    context = context_of(made_samples(count=256, size=64))
    found = ratio(
        benchmark,
        lambda: transfer.fit(copy.deepcopy(encoder), context),
        lambda: bare_fit(copy.deepcopy(encoder), context),
    )
    assert not benchmark.enabled or found <= 1.02


@pytest.mark.parametrize("name", ENCODERS)
def test_encoding(benchmark: Any, tmp_path: Path, name: str) -> None:
    """Features go to their files at 0.98 of the rate of encoding alone, or more."""
    encoder = load_catalogue().build("encoder", name, channels=1)
    samples = made_samples(count=512, size=64)

    def bare() -> None:
        kept: list[np.ndarray] = []
        encoder.eval()
        with torch.no_grad():
            for chosen in torch.arange(len(samples)).split(64):
                kept.append(encode(encoder, samples.take(chosen)).pooled.numpy())
        np.concatenate(kept)

    def ours() -> None:
        write_features({"pooled": tmp_path / "f.h5"}, encoder, samples, torch.device("cpu"))

    found = ratio(benchmark, ours, bare)
    assert not benchmark.enabled or found <= 1 / 0.98
