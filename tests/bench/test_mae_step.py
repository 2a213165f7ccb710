"""How fast a step of masked autoencoding is beside lightly's and transformers': `make bench`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lensbench.testing import made_samples

pytestmark = pytest.mark.filterwarnings("ignore")  # of the peers, about themselves
BATCH, SIDE = 64, 1024
ROUNDS = {"micro": 30, "micro-4": 8, "tiny": 8}


def step_of(model: nn.Module, loss: Callable[[], torch.Tensor], fused: bool) -> Callable[[], None]:
    """Forward, backward, clipping and AdamW, fused as the harness has it or by default."""
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, 1e-3, fused=fused or None)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        loss().backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()

    return step


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", list(ROUNDS))
def test_mae_step(benchmark, sides, name, threads):
    """One step of 64 images of 64² pixels, the sides by turns; `extra_info` has the ratios.

    Time on one thread is that of the processor, on two that of the clock. All sides stretch the
    images, and have one token beside the patches. The rate of matrix products is measured in
    the same turns, by squares of 1,024.
    """
    samples = made_samples(count=BATCH, size=64)
    clock = time.process_time if threads == 1 else time.perf_counter
    matrix = torch.randn(SIDE, SIDE)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        steps: dict[str, Callable[[], object]] = {"gemm": lambda: matrix @ matrix}
        for side in ("ours", "lightly", "transformers"):
            model, loss_of = sides.loss_of(side, sides.sizes[name])
            steps[side] = step_of(model, lambda loss_of=loss_of: loss_of(samples), side == "ours")
        with FlopCounterMode(display=False) as flops:
            steps["ours"]()
        times: dict[str, list[float]] = {side: [] for side in steps}
        for turn in range(ROUNDS[name] if benchmark.enabled else 1):
            for side, step in steps.items():
                if turn == 0:
                    step()
                start = clock()
                step()
                times[side].append(clock() - start)
        benchmark.pedantic(steps["ours"], rounds=3)
    finally:
        torch.set_num_threads(before)
    ratios = {
        side: statistics.median(
            theirs / ours for theirs, ours in zip(times[side], times["ours"], strict=True)
        )
        for side in ("lightly", "transformers")
    }
    work = flops.get_total_flops() / (2 * SIDE**3)
    share = statistics.median(
        work * gemm / ours for gemm, ours in zip(times["gemm"], times["ours"], strict=True)
    )
    benchmark.extra_info.update(ratios, share_of_gemm=share)
    if benchmark.enabled:
        assert min(ratios.values()) > 1.0
