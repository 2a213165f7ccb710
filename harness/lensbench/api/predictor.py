"""Transfers and baselines: two ways to a predictor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch

    from lensbench.api.budget import Budget
    from lensbench.api.samples import Samples
    from lensbench.api.task import Predictions, Task

    Report = Callable[[int, int, str], None]


@runtime_checkable
class Predictor(Protocol):
    """Answers a task: called with samples, whose targets it never sees.

    One that also has `state()`, its fitted numbers as named tensors, is kept in the store where
    its maker has `restore`: it then answers for other scenes without being fitted again.
    """

    def __call__(self, samples: Samples) -> Predictions:
        """Predictions for the images of these samples."""
        ...


@runtime_checkable
class Restorable(Protocol):
    """A predictor that can be kept."""

    def state(self) -> Mapping[str, torch.Tensor]:
        """All that was fitted, as named tensors; text and pickles have no place in it."""
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
        target: Unlabelled samples of another condition or population, to which a transfer that
            `adapts` may adapt; their scenes are of the pretraining split, so
            they are none of the others.
    """

    task: Task
    train: Samples
    validation: Samples
    budget: Budget
    seed: int
    report: Report
    target: Samples | None = None


@runtime_checkable
class Transfer(Protocol):
    """Puts an encoder to a task.

    A class may set `frozen = True`: it leaves the encoder as it is, so images are encoded once
    and kept; samples then carry `features`, which `lensbench.encode` gives. It may set `adapts =
    True`: it wants `FitContext.target`. And it may have

        def restore(self, encoder, context, state: Mapping[str, Tensor]) -> Predictor

    which makes the predictor whose `state()` this was; the samples of `context` are empty then,
    but for the shape of the images, their condition and the targets' `info`. And it may have

        def check(self, encoder, pretraining: str) -> None

    which is called before anything runs, with an untrained encoder, which it leaves as it is, and
    the name of its pretraining without options, and raises `IncompatibleError` where they do not
    suit it.
    """

    version: str

    def fit(self, encoder: Any, context: FitContext) -> Predictor:
        """Trains on `context.train` and returns what answers for new images."""
        ...


@runtime_checkable
class Baseline(Protocol):
    """A predictor that needs no encoder: the traditional methods.

    May have `restore(self, context, state)`, as a `Transfer` may.
    """

    version: str

    def fit(self, context: FitContext) -> Predictor:
        """Trains where there is something to train, and returns what answers."""
        ...
