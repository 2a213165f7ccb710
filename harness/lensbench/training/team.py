"""Who takes part in a training: one process, or several that divide every batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

LossOf = Callable[[Tensor, torch.Generator], Tensor]
_Value = TypeVar("_Value")


class Team(Protocol):
    """Processes that hold the same weights and take the same steps.

    Attributes:
        processes: How many.
    """

    processes: int

    def join(self, model: nn.Module) -> None:
        """Takes a model to be trained; all processes go on from the first one's weights."""
        ...

    def agreed(self, value: _Value) -> _Value:
        """The value that the first process has."""
        ...

    def common(self, generator: torch.Generator) -> torch.Generator:
        """A generator in the same state in all processes; `generator` draws for a share."""
        ...

    def differentiate(
        self, loss_of: LossOf, indices: Tensor, generator: torch.Generator, step: int
    ) -> float:
        """Leaves the gradients of a batch's mean loss in the model; gives the loss.

        Args:
            loss_of: From indices of samples and a generator to a mean over them.
            indices: Of the batch (b,).
            generator: Of the training, in the same state in all processes.
            step: Steps that were taken before.
        """
        ...


class SingleProcess:
    """A training in one process, which takes every batch whole."""

    processes = 1

    def join(self, model: nn.Module) -> None:
        """Does nothing: there is no other process."""

    def agreed(self, value: _Value) -> _Value:
        """The value."""
        return value

    def common(self, generator: torch.Generator) -> torch.Generator:
        """The generator itself."""
        return generator

    def differentiate(
        self, loss_of: LossOf, indices: Tensor, generator: torch.Generator, step: int
    ) -> float:
        """Gradients of the whole batch."""
        loss = loss_of(indices, generator)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()
