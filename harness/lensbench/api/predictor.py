"""Transfers and baselines: two ways to a predictor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

    from lensbench.api.budget import Budget
    from lensbench.api.samples import Samples
    from lensbench.api.task import Predictions, Task

    Report = Callable[[int, int, str], None]


@runtime_checkable
class Predictor(Protocol):
    """Answers a task: called with samples, whose targets it never sees."""

    def __call__(self, samples: Samples) -> Predictions:
        """Predictions for the images of these samples."""
        ...


@dataclass(frozen=True)
class FitContext:
    """What a fit may use beside its data.

    Attributes:
        task: The task to be answered.
        train: Labelled samples.
        validation: Labelled samples for choices; never the test scenes.
        budget: How long to train.
        seed: For every random choice of the fit.
        report: Called with steps done, steps in all and a word on the state.
    """

    task: Task
    train: Samples
    validation: Samples
    budget: Budget
    seed: int
    report: Report


@runtime_checkable
class Transfer(Protocol):
    """Puts an encoder to a task."""

    version: str

    def fit(self, encoder: Any, context: FitContext) -> Predictor:
        """Trains on `context.train` and returns what answers for new images."""
        ...


@runtime_checkable
class Baseline(Protocol):
    """A predictor that needs no encoder: the traditional methods."""

    version: str

    def fit(self, context: FitContext) -> Predictor:
        """Trains where there is something to train, and returns what answers."""
        ...
