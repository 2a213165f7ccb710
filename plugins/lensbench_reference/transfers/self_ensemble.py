"""Self-ensembling: a student that is to agree with the mean of its past."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor, nn

from lensbench import FitContext, Samples, Task
from lensbench_reference.transfers.augmentation import strong, weak
from lensbench_reference.transfers.domains import (
    Adaptation,
    drawn,
    probability,
    untracked,
)
from lensbench_reference.transfers.fitting import (
    HeadedEncoder,
    ModelPredictor,
    Stage,
    train,
    turned,
)


class SelfEnsemble(Adaptation):
    """A student learns labels of the source, and its teacher's predictions in the target domain.

    After French et al. 2018 (arXiv:1706.05208): the teacher's weights are the moving mean of the
    student's; squared differences of their probabilities count where the teacher is sure, and
    the student's mean answer is drawn to equal classes. Domains go through the network each by
    itself, so that batch normalisation takes each by its own statistics; the teacher sees the
    target alone and gives the answers. In its first steps the mean is over all of them, as in
    Tarvainen & Valpola 2017 (arXiv:1703.01780).
    """

    name = "self-ensemble"

    @dataclass(frozen=True)
    class Options:
        """Options of `self-ensemble`: threshold of confidence, weights, memory of the teacher."""

        learning_rate: Annotated[float, Gt(0)] = 1e-3
        batch_size: Annotated[int, Ge(2)] = 32
        threshold: Annotated[float, Ge(0), Le(1)] = 0.968
        weight: Annotated[float, Ge(0)] = 3.0
        balance: Annotated[float, Ge(0)] = 0.005
        memory: Annotated[float, Ge(0), Lt(1)] = 0.99

    def __init__(self, options: Options) -> None:
        self.options = options

    def fit(self, encoder: Any, context: FitContext) -> ModelPredictor:
        """Trains the student; the teacher follows, and makes the predictions."""
        options = self.options
        target = self.target(encoder, context)
        pair = StudentAndTeacher(HeadedEncoder(encoder, context), context.task, options).train()
        pair.to(context.train.images.device)

        def loss_of(indices: Tensor, generator: torch.Generator) -> Tensor:
            other = drawn(target, len(indices), generator)
            return pair.loss(context.train.take(indices), other, generator)

        stage = Stage("adaptation", options.learning_rate, options.batch_size)
        train(pair, context, loss_of, stage)
        pair.follow()
        return ModelPredictor(pair.teacher, context.task, pair.teacher)


class StudentAndTeacher(nn.Module):
    """Two networks of one shape, of which one is trained and the other follows."""

    step: Tensor

    def __init__(self, student: HeadedEncoder, task: Task, options: SelfEnsemble.Options) -> None:
        super().__init__()
        self.student = student
        self.teacher = copy.deepcopy(student).requires_grad_(False)
        self.task, self.options = task, options
        self.register_buffer("step", torch.zeros((), dtype=torch.long))

    def loss(self, source: Samples, target: Samples, generator: torch.Generator) -> Tensor:
        """Loss of a labelled and an unlabelled batch, after the teacher has followed."""
        options = self.options
        self.follow()
        labelled = turned(source, generator)
        views = weak(target, generator), strong(target, generator)
        with untracked(self.student):
            known = self.task.loss(self.student(labelled), labelled)
        seen = probability(self.task, self.student(views[1]), views[1])
        with torch.no_grad():
            wanted = probability(self.task, self.teacher(views[0]), views[0])
        unknown = consistency_loss(seen, wanted, options.threshold)
        sure = (wanted.max(1).values > options.threshold).float().mean()
        return known + options.weight * (unknown + options.balance * sure * balance_loss(seen))

    @torch.no_grad()
    def follow(self) -> None:
        """Brings the teacher nearer to the student."""
        kept = min(self.options.memory, 1 - 1 / (int(self.step) + 1))
        for slow, fast in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
            slow.lerp_(fast, 1 - kept)
        self.step += 1


def consistency_loss(student: Tensor, teacher: Tensor, threshold: float) -> Tensor:
    """Mean squared difference of probabilities (B, K), zero where the teacher is not sure."""
    sure = teacher.max(1).values > threshold
    return ((student - teacher).square().mean(1) * sure).mean()


def balance_loss(student: Tensor) -> Tensor:
    """Σ over classes of the binary cross-entropy of mean predictions (B, K) with equal shares."""
    mean = student.mean(0).clamp(1e-6, 1 - 1e-6)
    share = 1 / len(mean)
    return -(share * torch.log(mean) + (1 - share) * torch.log(1 - mean)).sum()
