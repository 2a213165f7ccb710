"""The training loop that every fit and every pretraining goes through."""

from __future__ import annotations

import functools
import hashlib
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lensbench.cells.chance import chance_state, set_chance_state
from lensbench.cells.checkpoints import next_checkpoint
from lensbench.errors import RunError

Report = Callable[[int, int, str], None]
LossOf = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class TrainingLoop:
    """AdamW with linear warm-up and a cosine to zero (Loshchilov & Hutter 2017, 2019).

    In a worker of the harness a loop writes checkpoints and goes on from them, to the same bits
    on the CPU. For this all that changes in training must be in the model's `state_dict`.

    Attributes:
        steps: Optimiser steps.
        batch_size: Samples a step; fewer where there are fewer.
        learning_rate: Peak rate.
        weight_decay: Of matrices and kernels; vectors are not decayed.
        seed: Of the order of samples and of all chance in the loss.
        warmup: Share of the steps in which the rate rises.
        clip: Largest norm of the gradient.
    """

    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int
    warmup: float = 0.1
    clip: float = 1.0

    def run(self, model: nn.Module, count: int, loss_of: LossOf, report: Report) -> float:
        """Trains in place.

        Args:
            model: What is trained, as far as it requires gradients.
            count: Number of samples.
            loss_of: From indices of samples (b,) and a generator to a scalar.
            report: Called after every step.

        Returns:
            The mean loss of the last tenth of the steps.

        Raises:
            RunError: Where the loss is not finite.
        """
        training = _Training(self, model, count)
        checkpoint = next_checkpoint()
        if checkpoint is not None and (state := checkpoint.read(training.mark)):
            training.restore(state)
        try:
            while training.step < self.steps:
                loss = training.advance(loss_of)
                report(training.step, self.steps, f"loss {loss:.4g}")
                if checkpoint is not None and checkpoint.due():
                    checkpoint.write(training.state)
        except KeyboardInterrupt:
            if checkpoint is not None and training.whole:
                checkpoint.write(training.state)
            raise
        return sum(training.losses) / len(training.losses)

    def rate(self, step: int) -> float:
        """Learning rate of a step, in units of the peak."""
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))


class _Training:
    """A loop on its way: the model, its optimiser and all that chance has still to say."""

    def __init__(self, loop: TrainingLoop, model: nn.Module, count: int) -> None:
        self.loop, self.model, self.count = loop, model, count
        self.trained = [p for p in model.parameters() if p.requires_grad]
        matrices = [p for p in self.trained if p.ndim > 1]
        vectors = [p for p in self.trained if p.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": loop.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(
            groups, lr=loop.learning_rate, betas=(0.9, 0.95), fused=True
        )
        self.generator = torch.Generator().manual_seed(loop.seed)
        self.order = torch.empty(0, dtype=torch.long)
        self.losses: deque[float] = deque(maxlen=max(1, loop.steps // 10))
        self.step = 0
        self.whole = True

    @functools.cached_property
    def mark(self) -> str:
        """What a checkpoint must be of to be gone on from."""
        shapes = [(name, tuple(value.shape)) for name, value in self.model.state_dict().items()]
        text = repr((self.loop, self.count, shapes, torch.__version__))
        return hashlib.sha256(text.encode()).hexdigest()

    def advance(self, loss_of: LossOf) -> float:
        """One step.

        Raises:
            RunError: Where the loss is not finite.
        """
        self.whole = False
        batch_size = min(self.loop.batch_size, self.count)
        if len(self.order) < batch_size:
            self.order = torch.randperm(self.count, generator=self.generator)
        indices, self.order = self.order[:batch_size], self.order[batch_size:]
        for group in self.optimiser.param_groups:
            group["lr"] = self.loop.learning_rate * self.loop.rate(self.step)
        self.optimiser.zero_grad(set_to_none=True)
        loss = loss_of(indices, self.generator)
        if not math.isfinite(value := loss.item()):
            raise RunError(
                f"the loss is {value} at step {self.step + 1} of {self.loop.steps}",
                "lower the learning rate or look for extreme images",
            )
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.trained, self.loop.clip)
        self.optimiser.step()
        self.losses.append(value)
        self.step += 1
        self.whole = True
        return value

    def state(self) -> dict[str, Any]:
        """All that the rest of the training depends on."""
        return {
            "mark": self.mark,
            "step": self.step,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "order": self.order.clone(),
            "generator": self.generator.get_state(),
            "losses": list(self.losses),
            "chance": chance_state(),
        }

    def restore(self, state: Any) -> None:
        """Goes back to a state."""
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.order = state["order"]
        self.generator.set_state(state["generator"])
        self.losses.extend(state["losses"])
        set_chance_state(state["chance"])
