"""Small fits, by which transfers and baselines are tried."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lensbench.api.budget import Budget
from lensbench.api.dataset import Target
from lensbench.api.predictor import FitContext, Restorable
from lensbench.api.samples import Features, Samples
from lensbench.api.task import FeatureShape, SkyTarget, Task
from lensbench.cells.answers import as_arrays
from lensbench.errors import PluginError, RunError
from lensbench.testing.samples import made_samples
from lensbench.training.chance import seeded
from lensbench.training.encoding import encode

_TEST, _SIDE = 5, 32
_SEED = 7


class Trial:
    """Small samples for a task, and the shapes that its predictions must have.

    Args:
        task: Built; one of three classes where none is given.
        targets: What its targets are, where they are a dataset's own.
        transfer: That is tried; none for baselines.
        encoder: That the transfer is given.
    """

    def __init__(
        self,
        task: Any = None,
        targets: Mapping[str, Target] | None = None,
        transfer: Any = None,
        encoder: Any = None,
    ) -> None:
        self.task = ThreeClasses() if task is None else task
        self._targets = targets
        self._frozen = transfer is not None and transfer.frozen
        self._adapts = transfer is not None and transfer.adapts
        self._encoder = encoder

    def made(self, count: int, seed: int, size: int = _SIDE) -> Samples:
        """Samples, with features where the transfer is frozen, as the harness gives them."""
        sky = self.task.sky or SkyTarget(2)
        samples = made_samples(count=count, size=size, sky=sky, seed=seed, targets=self._targets)
        if not self._frozen:
            return samples
        with torch.no_grad():
            features: Features = encode(copy.deepcopy(self._encoder).eval(), samples)
        return replace(samples, features=features)

    def context(self, count: int = 24) -> FitContext:
        """A fit of so many samples; images of the target to adapt to have another size."""
        return FitContext(
            task=self.task,
            train=self.made(24, seed=1).first(count),
            validation=self.made(6, seed=2).first(count),
            budget=Budget("made", 0, 0, 24, 2, 6, _TEST),
            seed=_SEED,
            report=lambda progress: None,
            target=replace(self.made(16, seed=3, size=40), targets={}) if self._adapts else None,
        )

    def predictions(self, predictor: Any) -> Mapping[str, np.ndarray]:
        """Predictions for samples without targets: finite, and of the task's kind.

        Raises:
            PluginError: Where they are not.
        """
        samples = self.made(_TEST, seed=4)
        given = predictions_of(predictor, samples)
        for name, shape in shapes_of(self.task, samples).items():
            if name == "sigma" and name not in given:
                continue
            if name not in given or given[name].shape != shape:
                found = given[name].shape if name in given else "absent"
                raise PluginError(f"prediction {name!r} is {found}", f"return {name!r} {shape}")
        return given


def shapes_of(task: Any, samples: Samples) -> Mapping[str, tuple[int, ...]]:
    """Shapes of a task's predictions for these samples, by name, as its kind says."""
    count, channels, height, width = samples.images.shape
    if task.predicts == "classes":
        target = next(name for name in task.targets if samples.info[name].kind == "class")
        return {"probability": (count, len(samples.info[target].classes))}
    if task.predicts == "numbers":
        numbers = (count, len(task.targets))
        return {"mean": numbers, "sigma": numbers}
    if task.predicts == "scores":
        return {"score": (count,)}
    sky = task.sky or SkyTarget()
    return {"sky": (count, channels, *sky.shape(height, width))}


def fitted(fit: Callable[[FitContext], Any], context: FitContext) -> Any:
    """A predictor; global random states are the same each time."""
    with seeded(_SEED):
        return fit(context)


def predictions_of(predictor: Any, samples: Samples) -> Mapping[str, np.ndarray]:
    """Predictions for samples whose targets are withheld.

    Raises:
        PluginError: Where targets are read, or predictions are not finite or not one a sample.
    """
    try:
        with torch.no_grad():
            return as_arrays(predictor(replace(samples, targets={})), len(samples))
    except KeyError as error:
        raise PluginError(
            f"predicting asks for {error}", "targets of the test are withheld: read images only"
        ) from None
    except RunError as error:
        raise PluginError(error.message, "return finite predictions, one a sample") from None


def check_repeatable(fit: Callable[[FitContext], Any], trial: Trial, predictor: Any) -> None:
    """The same seed gives the same predictions, and so does a second call.

    Raises:
        PluginError: Where it does not.
    """
    given = trial.predictions(predictor)
    again = trial.predictions(fitted(fit, trial.context()))
    _check_same(given, again, "a second fit with the same seed", "seed all randomness by the seed")
    again = trial.predictions(predictor)
    _check_same(given, again, "a second call", "draw no random numbers when predicting")


def check_restored(
    restore: Callable[[FitContext, Mapping[str, Tensor]], Any],
    trial: Trial,
    predictor: Any,
) -> None:
    """A stored state makes the same predictor again.

    Raises:
        PluginError: Where it does not.
    """
    if not isinstance(predictor, Restorable):
        return
    state = dict(predictor.state())
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise PluginError(f"state {name!r} is {type(value).__name__}", "keep tensors only")
    kept = {name: value.detach().clone() for name, value in state.items()}
    given = trial.predictions(predictor)
    again = restore(trial.context(0), kept)
    if again is None:
        return
    restored = trial.predictions(again)
    _check_same(given, restored, "a restored predictor", "keep all that is fitted")


def _check_same(
    one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray], what: str, hint: str
) -> None:
    for name, values in one.items():
        if not np.allclose(values, other[name], rtol=1e-5, atol=1e-6):
            raise PluginError(f"{what} gives another {name!r}", hint)


class ThreeClasses(Task):
    """Which of three classes an image is of; for plugins that name no task."""

    targets = ("substructure",)
    predicts = "classes"
    metrics = ()

    def head(self, shape: FeatureShape, targets: Mapping[str, Any]) -> nn.Module:
        """A linear layer."""
        return _Linear(shape.pooled, 3)

    def loss(self, output: Tensor, batch: Samples) -> Tensor:
        """Cross-entropy."""
        return nn.functional.cross_entropy(output, batch.targets["substructure"])

    def predict(self, output: Tensor, batch: Samples) -> Mapping[str, Tensor]:
        """Probabilities (N, 3)."""
        return {"probability": output.softmax(1)}


class _Linear(nn.Module):
    """One layer on the pooled features."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, out)

    def forward(self, features: Features, batch: Samples) -> Tensor:
        output: Tensor = self.linear(features.pooled)
        return output
