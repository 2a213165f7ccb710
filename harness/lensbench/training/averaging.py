"""Weights averaged over the last steps of a training, which score higher and scatter less."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn

_HORIZON = 0.03
"""Steps that the average remembers, in units of those taken so far."""


class AveragedWeights:
    """An exponential mean of all that a training changes in a model (Polyak & Juditsky 1992).

    Parameters that are trained, and buffers of real numbers such as the statistics of batch
    normalisation, are averaged; the rest is the model's own.
    """

    def __init__(self, model: nn.Module) -> None:
        trained = (p for p in model.parameters() if p.requires_grad)
        buffers = (b for b in model.buffers() if b.is_floating_point())
        self._own = [tensor.detach() for tensor in chain(trained, buffers)]
        self._mean = [tensor.clone() for tensor in self._own]

    def follow(self, step: int) -> None:
        """Moves the mean towards the model as it is after this step, by one over the horizon."""
        torch._foreach_lerp_(self._mean, self._own, 1 / max(1.0, _HORIZON * step))

    @contextmanager
    def in_model(self) -> Iterator[None]:
        """The model has the mean for as long as this lasts, and then its own values again."""
        kept = [tensor.clone() for tensor in self._own]
        torch._foreach_copy_(self._own, self._mean)
        try:
            yield
        finally:
            torch._foreach_copy_(self._own, kept)

    def state(self) -> list[Tensor]:
        """The mean."""
        return [tensor.clone() for tensor in self._mean]

    def restore(self, state: list[Tensor]) -> None:
        """Goes back to a mean that `state` gave."""
        torch._foreach_copy_(
            self._mean, [one.to(own) for one, own in zip(state, self._mean, strict=True)]
        )
