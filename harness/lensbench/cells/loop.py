"""The training loop that every fit and every pretraining goes through."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lensbench.errors import RunError

Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class TrainingLoop:
    """AdamW with linear warm-up and a cosine to zero (Loshchilov & Hutter 2017, 2019).

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

    def run(
        self,
        model: nn.Module,
        count: int,
        loss_of: Callable[[Tensor, torch.Generator], Tensor],
        report: Report,
    ) -> float:
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
        trained = [p for p in model.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": self.weight_decay},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(groups, lr=self.learning_rate, betas=(0.9, 0.95))
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.empty(0, dtype=torch.long)
        batch_size = min(self.batch_size, count)
        losses: list[float] = []
        for step in range(self.steps):
            if len(order) < batch_size:
                order = torch.randperm(count, generator=generator)
            indices, order = order[:batch_size], order[batch_size:]
            for group in optimiser.param_groups:
                group["lr"] = self.learning_rate * self._rate(step)
            optimiser.zero_grad(set_to_none=True)
            loss = loss_of(indices, generator)
            if not math.isfinite(value := loss.item()):
                raise RunError(
                    f"the loss is {value} at step {step + 1} of {self.steps}",
                    "lower the learning rate or look for extreme images",
                )
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(trained, self.clip)
            optimiser.step()
            losses.append(value)
            report(step + 1, self.steps, f"loss {value:.4g}")
        tail = losses[-max(1, self.steps // 10) :]
        return sum(tail) / len(tail)

    def _rate(self, step: int) -> float:
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))
