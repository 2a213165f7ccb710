"""Weights averaged over the last steps of a training, which score higher and scatter less."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

_HORIZON = 0.03
"""Steps that the average remembers, in units of those taken so far."""


class AveragedWeights:
    """An exponential mean of all that a training changes in a model (Polyak & Juditsky 1992).

    Parameters that are trained, and buffers of real numbers such as the statistics of batch
    normalisation, are averaged; the rest is the model's own. Averaged statistics are not those of
    images in averaged weights: see `measure_statistics`.
    """

    def __init__(self, model: nn.Module) -> None:
        trained = (p for p in model.parameters() if p.requires_grad)
        buffers = [b for b in model.buffers() if b.is_floating_point()]
        self._counts = [b for b in model.buffers() if not b.is_floating_point()]
        self._own = [tensor.detach() for tensor in chain(trained, buffers)]
        self._mean = [tensor.clone() for tensor in self._own]

    def follow(self, step: int) -> None:
        """Moves the mean towards the model as it is after this step, by one over the horizon."""
        torch._foreach_lerp_(self._mean, self._own, 1 / max(1.0, _HORIZON * step))

    @contextmanager
    def in_model(self) -> Iterator[None]:
        """The model has the mean for as long as this lasts, and then its own values again."""
        changed = [*self._own, *self._counts]
        kept = [tensor.clone() for tensor in changed]
        torch._foreach_copy_(self._own, self._mean)
        try:
            yield
        finally:
            for tensor, before in zip(changed, kept, strict=True):
                tensor.copy_(before)

    def state(self) -> list[Tensor]:
        """The mean."""
        return [tensor.clone() for tensor in self._mean]

    def restore(self, state: list[Tensor]) -> None:
        """Goes back to a mean that `state` gave."""
        torch._foreach_copy_(
            self._mean, [one.to(own) for one, own in zip(state, self._mean, strict=True)]
        )


def measure_statistics(model: nn.Module, run: Callable[[], None]) -> None:
    """Gives batch normalisation the statistics of what the model is shown now.

    Those that it gathered in training are of weights that have changed since. They are replaced by
    plain means over the batches that it is shown (Wu & Johnson 2021, arXiv:2105.07576, section 3).
    A layer that is shown nothing, or is not in training mode, keeps its own.

    Args:
        model: In training mode.
        run: Shows batches to the model.
    """
    momenta: dict[_BatchNorm, float | None] = {}

    def begin(layer: nn.Module, _: object) -> None:
        if isinstance(layer, _BatchNorm) and layer.training and layer not in momenta:
            momenta[layer], layer.momentum = layer.momentum, None
            layer.reset_running_stats()

    layers = [each for each in model.modules() if isinstance(each, _BatchNorm)]
    hooks = [layer.register_forward_pre_hook(begin) for layer in layers]
    try:
        if layers:
            with torch.no_grad():
                run()
    finally:
        for hook in hooks:
            hook.remove()
        for layer, momentum in momenta.items():
            layer.momentum = momentum
