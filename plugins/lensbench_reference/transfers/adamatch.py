"""AdaMatch: labels that a network gives itself in the target domain, where it is sure enough."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from lensbench import FitContext, Samples, Task
from lensbench_reference.transfers.augmentation import strong, weak
from lensbench_reference.transfers.domains import (
    Adaptation,
    drawn,
    probability,
    untracked,
)
from lensbench_reference.transfers.fitting import HeadedEncoder, ModelPredictor, Stage, train


class AdaMatch(Adaptation):
    """Random logit interpolation, distribution alignment and a relative threshold of confidence.

    After Berthelot et al. 2021 (arXiv:2106.04732), section 3. Weak views are turned, flipped and
    shifted, strong ones noisier and masked beside. Where both domains have images of one size,
    they go through the network together, and the source also by itself, and its logits are
    mixed at random. Where they have not, each domain goes through by itself: logits of the two
    passes would be equal, so there is nothing to mix; statistics of batch normalisation for the
    answers are then those of the target.
    """

    name = "adamatch"

    @dataclass(frozen=True)
    class Options:
        """Options of `adamatch`: τ of the threshold, target images for each source image."""

        learning_rate: Annotated[float, Gt(0)] = 1e-3
        batch_size: Annotated[int, Ge(2)] = 16
        threshold: Annotated[float, Ge(0), Le(1)] = 0.9
        ratio: Annotated[int, Ge(1)] = 3

    def __init__(self, options: Options) -> None:
        self.options = options

    def fit(self, encoder: Any, context: FitContext) -> ModelPredictor:
        """Trains on labels of the source and on its own of the target."""
        options = self.options
        target = self.target(encoder, context)
        headed = HeadedEncoder(encoder, context)
        model = AdaMatchObjective(
            headed, context.task, options.threshold, context.budget.train_steps
        )
        model.to(context.train.images.device).train()

        def loss_of(indices: Tensor, generator: torch.Generator) -> Tensor:
            other = drawn(target, options.ratio * len(indices), generator)
            return model.loss(context.train.take(indices), other, generator)

        stage = Stage("adaptation", options.learning_rate, options.batch_size)
        train(model, context, loss_of, stage)
        return ModelPredictor(headed, context.task, headed)


class AdaMatchObjective(nn.Module):
    """A network and how far its training has come, on which the target's weight depends."""

    step: Tensor

    def __init__(self, headed: HeadedEncoder, task: Task, threshold: float, steps: int) -> None:
        super().__init__()
        self.headed, self.task = headed, task
        self.threshold, self.steps = threshold, steps
        self.register_buffer("step", torch.zeros((), dtype=torch.long))

    def loss(self, source: Samples, target: Samples, generator: torch.Generator) -> Tensor:
        """L_source + μ(t) L_target of a labelled and an unlabelled batch; a step further on."""
        views = [weak(source, generator), strong(source, generator)]
        others = [weak(target, generator), strong(target, generator)]
        known, unknown = self._outputs(views, others, generator)
        labelled = self.task.loss(known[0], views[0]) + self.task.loss(known[1], views[1])
        own, wanted, seen = (
            probability(self.task, output, batch)
            for output, batch in zip((known[0], *unknown), (views[0], *others), strict=True)
        )
        weight = target_weight(int(self.step), self.steps)
        self.step += 1
        return labelled + weight * target_loss(own, wanted, seen, self.threshold)

    def _outputs(
        self, views: list[Samples], others: list[Samples], generator: torch.Generator
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Outputs of the weak and strong view of the source, and of those of the target."""
        source, target = _joined(views), _joined(others)
        if not self._together(source, target):
            with untracked(self.headed):
                known = self.headed(source)
            return list(known.chunk(2)), list(self.headed(target).chunk(2))
        joint = self.headed(_joined([source, target]))
        with untracked(self.headed):
            alone = self.headed(source)
        share = torch.rand(alone.shape, generator=generator).to(alone)
        known = share * joint[: len(source.images)] + (1 - share) * alone
        return list(known.chunk(2)), list(joint[len(source.images) :].chunk(2))

    def _together(self, source: Samples, target: Samples) -> bool:
        same = source.images.shape[1:] == target.images.shape[1:]
        return same and not self.headed.encoder.uses_condition


def target_weight(step: int, steps: int) -> float:
    """μ(t): from zero to one in the first half of the training, and one ever after."""
    return 0.5 - math.cos(min(math.pi, 2 * math.pi * step / steps)) / 2


def target_loss(source: Tensor, weak: Tensor, strong: Tensor, threshold: float) -> Tensor:
    """Cross-entropy of strong views with aligned predictions for weak ones, where confident.

    The answers to the target's weak views are brought to the distribution of classes that the
    source's have, and count where their largest is at least τ times the mean of the largest in
    the source's. No gradient goes through them.

    Args:
        source: Probabilities (B, K) of weak views of the source.
        weak: Probabilities (M, K) of weak views of the target.
        strong: Probabilities (M, K) of strong views of the target.
        threshold: τ.
    """
    with torch.no_grad():
        aligned = aligned_with(weak, source)
        least = threshold * source.max(1).values.mean()
        sure = aligned.max(1).values >= least
    entropy = -(aligned * torch.log(strong.clamp(min=1e-8))).sum(1)
    return (entropy * sure).mean()


def aligned_with(target: Tensor, source: Tensor) -> Tensor:
    """Probabilities (M, K) scaled so that classes are as frequent as in `source` (B, K)."""
    scaled = target * (source.mean(0) / target.mean(0).clamp(min=1e-8))
    return scaled / scaled.sum(1, keepdim=True).clamp(min=1e-8)


def _joined(batches: list[Samples]) -> Samples:
    """The images of several batches as those of one; all else is the last's."""
    planes = [batch.beside for batch in batches if batch.beside is not None]
    numbers = [batch.numbers for batch in batches if batch.numbers is not None]
    return replace(
        batches[-1],
        images=torch.cat([batch.images for batch in batches]),
        beside=torch.cat(planes) if planes else None,
        numbers=torch.cat(numbers) if numbers else None,
    )
