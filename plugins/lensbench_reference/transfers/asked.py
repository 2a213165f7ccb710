"""What a task asks of a transfer that reads labels: one class of several, or numbers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lensbench import FitContext, IncompatibleError, Samples


def asked(context: FitContext, transfer: str) -> tuple[int, tuple[str, ...]]:
    """Number of classes, or zero, and the names of the targets.

    Raises:
        IncompatibleError: Where neither a class nor numbers are asked for.
    """
    info = context.train.info
    kinds = {name: info[name] for name in context.task.targets if name in info}
    for name, target in kinds.items():
        if target.kind == "class":
            return len(target.classes), (name,)
    if not kinds or any(target.kind != "real" for target in kinds.values()):
        raise IncompatibleError(
            f"transfer {transfer!r} needs a class or numbers to learn",
            "try morphology, finding or regression",
        )
    return 0, tuple(kinds)


def labels_of(samples: Samples, classes: int, names: tuple[str, ...]) -> Tensor:
    """Labels (N, K), float64: ones and zeros of classes, or numbers, NaN where unknown."""
    if classes:
        return one_hot(samples.targets[names[0]].cpu().long(), classes).double()
    return torch.stack([samples.targets[name].cpu().double() for name in names], 1)
