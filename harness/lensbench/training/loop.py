"""The training loop that every fit and every pretraining goes through."""

from __future__ import annotations

import functools
import hashlib
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from lensbench.api.checkpoint import Checkpoint
from lensbench.api.predictor import TrainingSummary
from lensbench.api.progress import Progress, Report
from lensbench.errors import RunError, one_line
from lensbench.training.averaging import AveragedWeights, measure_statistics
from lensbench.training.chance import chance_state, set_chance_state
from lensbench.training.convergence import Convergence
from lensbench.training.team import LossOf, SingleProcess, Team

Validate = Callable[[], float]
"""Gives the validation score of the model as it is, the higher the better."""

_MEASURED = 8
"""Batches that the statistics of averaged weights are taken from."""


@dataclass(frozen=True)
class TrainingLoop:
    """AdamW with linear warm-up and a cosine to zero (Loshchilov & Hutter 2017, 2019).

    A loop that is given a checkpoint writes its state there now and then, and goes on from it, to
    the same bits on the CPU. For this all that changes in training must be in the model's
    `state_dict`.

    Attributes:
        steps: Optimiser steps.
        batch_size: Samples a step; fewer where there are fewer.
        learning_rate: Peak rate.
        weight_decay: Of matrices and kernels; vectors are not decayed.
        seed: Of the order of samples and of all chance in the loss.
        warmup: Share of the steps in which the rate rises.
        clip: Largest norm of the gradient.
        patience: Percentage of the steps taken so far in which the validation score must rise for
            the training to go on; 0 takes all `steps` in any case. See `Convergence`. Scored and
            kept are then the weights' averages over the last steps, with statistics of batch
            normalisation measured anew.
        ceiling: The best validation score that there can be. See `Convergence`.
        rates: Learning rates of parameters by their names in the model, in units of
            `learning_rate`; 1 for those that are not named.
        team: Processes that divide every batch; by default this one alone.
    """

    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int
    warmup: float = 0.1
    clip: float = 1.0
    patience: int = 0
    ceiling: float = math.inf
    rates: Mapping[str, float] = field(default_factory=dict, repr=False)
    team: Team = field(default_factory=SingleProcess, repr=False)

    def run(
        self,
        model: nn.Module,
        count: int,
        loss_of: LossOf,
        report: Report,
        checkpoint: Checkpoint | None = None,
        validate: Validate | None = None,
    ) -> TrainingSummary:
        """Trains in place.

        Args:
            model: What is trained, as far as it requires gradients.
            count: Number of samples.
            loss_of: From indices of samples (b,) and a generator to a scalar.
            report: Called after every step.
            checkpoint: Where the state is kept; see `FitContext.checkpoint`.
            validate: Scores the model on validation samples, where the loop has patience.

        Returns:
            How long it trained, why it stopped, and its learning curve.

        Raises:
            RunError: Where the loss is not finite.
        """
        training = _Training(self, model, count, validate)
        state = self.team.agreed(checkpoint.read(training.mark) if checkpoint else None)
        if state:
            try:
                training.restore(state)
            except (LookupError, ValueError, RuntimeError, TypeError, AttributeError) as error:
                if checkpoint is None:
                    raise
                raise checkpoint.unusable(one_line(error)) from None
        if training.step == 0:
            training.judge(loss_of)
        try:
            while training.step < training.end:
                loss = training.advance(loss_of)
                report(Progress(training.step, training.end, loss))
                if checkpoint is not None and checkpoint.due():
                    checkpoint.write(training.state)
        except KeyboardInterrupt:
            if checkpoint is not None and training.whole:
                checkpoint.write(training.state)
            raise
        return training.finish()

    def rate(self, step: int) -> float:
        """Learning rate of a step of a training of fixed length, in units of the peak."""
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))


_PARTS = {"step", "model", "optimiser", "order", "generator", "losses", "chance"}
"""What the state of a loop consists of, beside its mark."""


class _Training:
    """A running training: the model, its optimiser and the states of its random generators."""

    def __init__(
        self, loop: TrainingLoop, model: nn.Module, count: int, validate: Validate | None
    ) -> None:
        self.loop, self.model, self.count = loop, model, count
        self.validate = validate
        self.convergence = (
            Convergence(loop.steps, loop.patience, loop.ceiling)
            if validate and loop.patience
            else None
        )
        loop.team.join(model)
        self.average = AveragedWeights(model) if self.convergence else None
        self.trained = [p for p in model.parameters() if p.requires_grad]
        groups = _groups(model, loop.weight_decay, loop.rates)
        self.optimiser = torch.optim.AdamW(
            groups, lr=loop.learning_rate, betas=(0.9, 0.95), fused=True
        )
        self.generator = torch.Generator().manual_seed(loop.seed)
        self.order = torch.empty(0, dtype=torch.long)
        self.losses: deque[float] = deque(maxlen=max(1, loop.steps // 10))
        self.step = 0
        self.whole = True

    @property
    def end(self) -> int:
        """The step after which the training ends, as far as is known."""
        return self.convergence.end if self.convergence else self.loop.steps

    @property
    def batch_size(self) -> int:
        """Samples of a step."""
        return min(self.loop.batch_size, self.count)

    @functools.cached_property
    def mark(self) -> str:
        """Digest of all that a checkpoint must share with this training to be used."""
        shapes = [(name, tuple(value.shape)) for name, value in self.model.state_dict().items()]
        rates = sorted(self.loop.rates.items())
        processes = self.loop.team.processes
        text = repr((self.loop, self.count, processes, shapes, rates, torch.__version__))
        return hashlib.sha256(text.encode()).hexdigest()

    def advance(self, loss_of: LossOf) -> float:
        """One step.

        Raises:
            RunError: Where the loss is not finite.
        """
        self.whole = False
        if len(self.order) < self.batch_size:
            self.order = torch.randperm(self.count, generator=self.generator)
        indices, self.order = self.order[: self.batch_size], self.order[self.batch_size :]
        rate = (self.convergence or self.loop).rate(self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = self.loop.learning_rate * rate * group["rate"]
        self.optimiser.zero_grad(set_to_none=True)
        value = self.loop.team.differentiate(loss_of, indices, self.generator, self.step)
        if not math.isfinite(value):
            raise RunError(
                f"the loss is {value} at step {self.step + 1} of {self.loop.steps}",
                "lower the learning rate or look for extreme images",
            )
        torch.nn.utils.clip_grad_norm_(self.trained, self.loop.clip)
        self.optimiser.step()
        self.losses.append(value)
        self.step += 1
        if self.average:
            self.average.follow(self.step)
        self.judge(loss_of)
        self.whole = True
        return value

    def judge(self, loss_of: LossOf) -> None:
        """Scores the averaged weights now and then, where the validation score says when to end.

        The weights that the training begins with have the statistics that they came with.
        """
        if not (self.convergence and self.average and self.validate):
            return
        if self.convergence.due(self.step):
            with self.average.in_model():
                if self.step:
                    measure_statistics(self.model, lambda: self._show(loss_of))
                self.convergence.note(self.step, self.validate(), self.model)

    def _show(self, loss_of: LossOf) -> None:
        """Shows the model some batches, the same at every evaluation."""
        generator = torch.Generator().manual_seed(self.loop.seed)
        order = torch.randperm(self.count, generator=generator)
        whole = max(1, min(_MEASURED, self.count // self.batch_size))
        with torch.random.fork_rng(devices=[]):
            for indices in torch.split(order, self.batch_size)[:whole]:
                loss_of(indices, generator)

    def finish(self) -> TrainingSummary:
        """Goes back to the best weights, where validation chose them, and sums the training up."""
        images = self.step * self.batch_size
        loss = sum(self.losses) / len(self.losses)
        if self.convergence is None:
            return TrainingSummary(self.step, images, self.count, "fixed", loss)
        self.model.load_state_dict(self.convergence.best)
        curve = [(step * self.batch_size, score) for step, score in self.convergence.curve]
        return TrainingSummary(
            self.step, images, self.count, self.convergence.reason, loss, tuple(curve)
        )

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
            "convergence": self.convergence.state() if self.convergence else None,
            "average": self.average.state() if self.average else None,
        }

    def restore(self, state: Any) -> None:
        """Goes back to a state.

        Raises:
            ValueError: Where a part of it is missing; others where a part does not fit.
        """
        if missing := _PARTS - state.keys():
            raise ValueError(f"it lacks {sorted(missing)[0]!r}")
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.order = state["order"]
        self.generator.set_state(state["generator"])
        self.losses.extend(state["losses"])
        set_chance_state(state["chance"])
        if self.convergence and self.average:
            self.convergence.restore(state["convergence"])
            self.average.restore(state["average"])


def _groups(
    model: nn.Module, weight_decay: float, rates: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Parameters of one rate and one decay together; vectors are not decayed.

    Raises:
        KeyError: Where a rate is of no parameter.
    """
    if unknown := set(rates) - {name for name, _ in model.named_parameters()}:
        raise KeyError(f"rates of {sorted(unknown)[0]!r}, which is no parameter of the model")
    together: dict[tuple[float, bool], list[nn.Parameter]] = {(1.0, True): [], (1.0, False): []}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            kind = (rates.get(name, 1.0), parameter.ndim > 1)
            together.setdefault(kind, []).append(parameter)
    return [
        {"params": parameters, "weight_decay": weight_decay if matrix else 0.0, "rate": rate}
        for (rate, matrix), parameters in together.items()
    ]
