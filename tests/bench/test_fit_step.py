"""How long a step of a fit takes beside the convolutions and products in it: `make bench`.

    pytest tests/bench/test_fit_step.py --benchmark-enable -s

`of the layers` is the time of a step over that of its convolutions, linear layers and nothing else,
each run alone, forwards and backwards, on the same machine and in the same run: it is what the
harness, normalisations and activations add. `plain` is the same fit with weights in PyTorch's own
layout and an optimiser that is not fused, the way fits were made before. Times are the processor's,
on one thread, and all sides take turns.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from lensbench import FitContext
from lensbench.api.budget import Budget
from lensbench.registry import Catalogue
from lensbench.testing import made_samples
from lensbench_reference.transfers.fitting import HeadedEncoder, Settings, fit, turned

ENCODERS = ["small-resnet", "resnet18", "mae-vit"]
BATCH, STEPS, ROUNDS, SIZE = 64, 6, 3, 64

pytestmark = pytest.mark.usefixtures("one_thread")


def step_of_a_fit(model: HeadedEncoder, context: FitContext) -> Callable[[], None]:
    """Some steps as `finetune` and `scratch` take them."""

    def steps() -> None:
        model.train()
        fit(model, context, Settings(1e-3, BATCH))

    return steps


def plain_step(model: HeadedEncoder, context: FitContext) -> Callable[[], None]:
    """As many steps of a loop without the harness."""
    model = model.to(memory_format=torch.contiguous_format).train()
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, foreach=False, fused=False)
    generator = torch.Generator().manual_seed(0)

    def steps() -> None:
        for _ in range(STEPS):
            order = torch.randperm(len(context.train), generator=generator)
            batch = turned(context.train.take(order[:BATCH]), generator)
            optimiser.zero_grad()
            context.task.loss(model(batch), batch).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()

    return steps


def layers_alone(model: HeadedEncoder, context: FitContext) -> Callable[[], None]:
    """As many steps of each convolution and linear layer for itself, on inputs as they come."""
    calls: list[tuple[nn.Module, torch.Tensor, torch.Tensor]] = []

    def note(layer: nn.Module, given: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        calls.append((layer, given[0].detach(), torch.ones_like(output)))

    hooks = [
        layer.register_forward_hook(note)
        for layer in model.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    model.train()(context.train.first(BATCH))
    for hook in hooks:
        hook.remove()
    first = calls[0][1].data_ptr()

    def steps() -> None:
        for _ in range(STEPS):
            for layer, given, gradient in calls:
                wanted = given.data_ptr() != first  # no gradient of the images is asked for
                output = layer(given.requires_grad_(wanted))
                leaves = [*layer.parameters(), *([given] if wanted else [])]
                torch.autograd.grad(output, leaves, gradient)

    return steps


def seconds(work: Callable[[], None]) -> float:
    """Of the processor."""
    start = time.process_time()
    work()
    return time.process_time() - start


@pytest.mark.parametrize("name", ENCODERS)
def test_a_step_takes_little_more_than_its_layers(
    benchmark: Any, catalogue: Catalogue, name: str
) -> None:
    """Notes images a second, and the ratios to the layers alone and to a plain loop."""
    context = FitContext(
        task=catalogue.build("task", "morphology"),
        train=made_samples(count=4 * BATCH, size=SIZE),
        validation=made_samples(count=8, size=SIZE),
        budget=Budget("bench", 0, 0, 4 * BATCH, STEPS, 8, 8),
        seed=0,
        report=lambda progress: None,
    )

    def model() -> HeadedEncoder:
        torch.manual_seed(0)
        return HeadedEncoder(catalogue.build("encoder", name, channels=1), context)

    sides = {
        "fit": step_of_a_fit(model(), context),
        "layers": layers_alone(model(), context),
        "plain": plain_step(model(), context),
    }
    times: dict[str, list[float]] = {side: [] for side in sides}
    for turn in range(ROUNDS + 1 if benchmark.enabled else 1):
        for side, work in sides.items():
            taken = seconds(work)
            if turn or not benchmark.enabled:
                times[side].append(taken)
    benchmark.pedantic(sides["fit"], rounds=1)
    pairs = list(zip(times["fit"], times["layers"], times["plain"], strict=True))
    of_layers = statistics.median(ours / alone for ours, alone, _ in pairs)
    of_plain = statistics.median(plain / ours for ours, _, plain in pairs)
    rate = STEPS * BATCH / min(times["fit"])
    benchmark.extra_info.update(images_per_s=rate, of_layers=of_layers, plain_over_fit=of_plain)
    told = f"{rate:.0f} images/s, {of_layers:.2f} of the layers, plain takes {of_plain:.2f}"
    print(f"\n{name}: {told}")  # noqa: T201
    if benchmark.enabled:
        assert of_plain > 0.9
