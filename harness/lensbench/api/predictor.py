"""Transfers and baselines: two ways to a predictor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from lensbench.api.plugin import Plugin

if TYPE_CHECKING:
    import torch

    from lensbench.api.budget import Budget
    from lensbench.api.checkpoint import Checkpoint
    from lensbench.api.progress import Report
    from lensbench.api.samples import Samples
    from lensbench.api.task import Predictions, Task

Reason = Literal["converged", "limit", "fixed"]


@runtime_checkable
class Predictor(Protocol):
    """Makes the predictions of a task, from samples without their targets.

    If it also has `state()`, its fitted numbers as named tensors, it is stored. The `restore` of
    its transfer or baseline then makes it again without another fit.

    If it has `flags(samples, predictions)`, a few words for each sample on what makes its
    prediction doubtful (empty where nothing does), `lensbench predict` writes them into the column
    `flags`. It gets the samples that it has just predicted, and what it measures again through
    `FitContext.measurements` is remembered.
    """

    def __call__(self, samples: Samples) -> Predictions:
        """Predictions for the images of these samples."""
        ...


@runtime_checkable
class Restorable(Protocol):
    """A predictor that can be stored."""

    def state(self) -> Mapping[str, torch.Tensor]:
        """All that was fitted, as named tensors; text and pickles are refused."""
        ...


@dataclass(frozen=True)
class TrainingSummary:
    """How long a model was trained and why the training stopped.

    Attributes:
        steps: Optimiser steps.
        images: Images seen; an image that was seen twice counts twice.
        count: Different images there are; `images / count` are the epochs.
        reason: `converged` where the validation score stopped improving, `limit` where the largest
            number of steps came first, `fixed` where the number of steps was given.
        loss: Mean training loss of the last steps.
        curve: Images seen and validation score at each evaluation; empty without evaluations.
    """

    steps: int
    images: int
    count: int
    reason: Reason
    loss: float
    curve: tuple[tuple[int, float], ...] = ()


@runtime_checkable
class TrainedPredictor(Protocol):
    """A predictor that says how its network was trained; `None` where that is not known."""

    training: TrainingSummary | None


Table = Mapping[str, "torch.Tensor"]
"""Named rows, one a sample in each: (N, ...)."""


class Measurements:
    """Measures single images. In a cell the results are stored, so that cells share them.

    A measurement is a function at the top level of a module, called with samples, options and this
    object, through which it may use other measurements. It returns a table. Each row depends only
    on the image, its condition and the options: samples come without targets, some at a time.
    """

    def of(self, samples: Samples, measure: Measure, options: Any) -> Table:
        """The table of a measurement for samples, in their order.

        Args:
            samples: Whose images are measured.
            measure: The function.
            options: A dataclass or plain values; named in the key of what is stored.
        """
        return measure(samples, options, self)


class RecentMeasurements(Measurements):
    """Remembers what was measured on the samples that it saw last."""

    def __init__(self) -> None:
        self._samples: Samples | None = None
        self._tables: dict[tuple[Measure, str], Table] = {}

    def of(self, samples: Samples, measure: Measure, options: Any) -> Table:
        """As `Measurements.of`, once for the same samples."""
        if samples is not self._samples:
            self._samples, self._tables = samples, {}
        key = measure, repr(options)
        if key not in self._tables:
            self._tables[key] = measure(samples, options, self)
        return self._tables[key]


Measure = Callable[["Samples", Any, Measurements], Table]
"""A measurement; see `Measurements`."""


@dataclass(frozen=True)
class FitContext:
    """What a fit may use beside its data.

    Attributes:
        task: What is to be predicted.
        train: Labelled samples.
        validation: Labelled samples for choices; never the test scenes.
        budget: How long to train.
        seed: For every random choice of the fit.
        report: Called with a `Progress` now and then.
        target: Unlabelled samples of another condition or population, to which a transfer that
            `adapts` may adapt; their scenes are of the pretraining split, so
            they are none of the others.
        measurements: For what is measured on single images, in the fit and by its predictor.
        checkpoints: Gives the checkpoint of a training by its name; see `checkpoint`.
    """

    task: Task
    train: Samples
    validation: Samples
    budget: Budget
    seed: int
    report: Report
    target: Samples | None = None
    measurements: Measurements = field(default_factory=Measurements)
    checkpoints: Callable[[str], Checkpoint] | None = None

    def checkpoint(self, training: str) -> Checkpoint | None:
        """Where a training of this fit keeps its state, to be given to `TrainingLoop.run`.

        Args:
            training: A name that no other training of the fit has.

        Returns:
            The checkpoint, or `None` where states are not kept.
        """
        return self.checkpoints(training) if self.checkpoints else None


class Transfer(Plugin, ABC):
    """Puts an encoder to a task.

    Attributes:
        frozen: Whether it leaves the encoder's weights as they are. Images are then encoded once
            and stored, and samples carry `features`, which `lensbench.encode` returns.
        adapts: Whether it needs `FitContext.target`, the unlabelled samples to adapt to.
    """

    frozen: bool = False
    adapts: bool = False

    def check(self, encoder: Any, pretraining: str) -> None:
        """Refuses an encoder or a pretraining that does not suit; called before anything runs.

        Args:
            encoder: Untrained; it is left as it is.
            pretraining: Name of its pretraining, without options.

        Raises:
            IncompatibleError: Saying what does not suit.
        """

    @abstractmethod
    def fit(self, encoder: Any, context: FitContext) -> Predictor:
        """Trains on `context.train` and returns a predictor for new images."""

    def restore(
        self, encoder: Any, context: FitContext, state: Mapping[str, torch.Tensor]
    ) -> Predictor | None:
        """The predictor whose `state()` this was; `None` where predictors have no state.

        Args:
            encoder: As `fit` was given it.
            context: Its samples are empty: they have the shape of the images, their condition and
                the targets' `info`.
            state: Named tensors.
        """
        return None


class Baseline(Plugin, ABC):
    """A predictor that needs no encoder: the traditional methods."""

    @abstractmethod
    def fit(self, context: FitContext) -> Predictor:
        """Trains where there is something to train, and returns a predictor."""

    def measure(self, samples: Samples) -> Mapping[str, torch.Tensor] | None:
        """What the method says of each image without any training, for `lensbench measure`.

        Args:
            samples: Images without targets, each as its file has it.

        Returns:
            Columns (N,): numbers with their errors as `NAME` and `NAME_sigma`, `chi_squared` a
            pixel, `gain` in χ² over the same image without a lens; `edge_NAME`, one where the
            parameter NAME of a fit is at the edge of its prior; `unlike_NAME`, one where the
            NAME of an image is outside of what the method was trained on; and `model`, images
            (N, H, W) in units of the noise. `None` where the method cannot measure untrained.
        """
        return None

    def restore(self, context: FitContext, state: Mapping[str, torch.Tensor]) -> Predictor | None:
        """The predictor whose `state()` this was; `None` where predictors have no state.

        Args:
            context: As `Transfer.restore` is given it.
            state: Named tensors.
        """
        return None
