"""What the adaptations to an unlabelled domain share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lensbench import FitContext, IncompatibleError, Samples, Task, Transfer
from lensbench_reference.transfers.fitting import ModelPredictor, restored


class Adaptation(Transfer):
    """What every adaptation does alike: it refuses what it cannot adapt, and is restored.

    Attributes:
        name: As users call it.
    """

    name: str
    adapts = True

    def check(self, encoder: Any, pretraining: str) -> None:
        """Refuses an encoder without weights."""
        check_adaptable(self.name, encoder)

    def target(self, encoder: Any, context: FitContext) -> Samples:
        """The samples to adapt to.

        Raises:
            IncompatibleError: Where there are none, or nothing in the encoder can be adapted.
        """
        target = target_of(context, self.name)
        check_adaptable(self.name, encoder)
        return target

    def restore(
        self, encoder: Any, context: FitContext, state: Mapping[str, Tensor]
    ) -> ModelPredictor:
        """The predictor of these weights, statistics of normalisation included."""
        return restored(encoder, context, state)


def check_adaptable(transfer: str, encoder: Any) -> None:
    """Refuses an encoder that nothing can be adapted in.

    Raises:
        IncompatibleError: Where no weight can be trained.
    """
    if not any(parameter.requires_grad for parameter in encoder.parameters()):
        raise IncompatibleError(
            f"transfer {transfer!r} adapts an encoder's weights, and this one has none",
            "take another encoder, or transfer 'linear'",
        )


def target_of(context: FitContext, transfer: str) -> Samples:
    """The unlabelled samples to adapt to.

    Raises:
        IncompatibleError: Where there are none, or the task has no class target.
    """
    info = context.train.info
    if not any(info[name].kind == "class" for name in context.task.targets if name in info):
        raise IncompatibleError(
            f"transfer {transfer!r} adapts classifiers, and the task asks for no class",
            "try morphology or finding",
        )
    if context.target is None or not len(context.target):
        raise IncompatibleError(
            f"transfer {transfer!r} has no samples to adapt to", "name a target condition"
        )
    return context.target


def drawn(samples: Samples, count: int, generator: torch.Generator) -> Samples:
    """So many samples, each once, or all where there are fewer; their order is chance."""
    return samples.take(torch.randperm(len(samples), generator=generator)[:count])


def probability(task: Task, output: Any, batch: Samples) -> Tensor:
    """Probabilities (B, K) of the classes, with gradients."""
    values: Tensor = task.predict(output, batch)["probability"]
    return values if values.ndim > 1 else torch.stack([1 - values, values], 1)


@contextlib.contextmanager
def untracked(model: nn.Module) -> Iterator[None]:
    """Batch normalisations inside leave the statistics that they keep for evaluation alone."""
    norms = [
        module
        for module in model.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats
    ]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
