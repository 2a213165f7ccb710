"""Small fits, by which transfers and baselines are tried."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lensbench.api.budget import Budget
from lensbench.api.predictor import FitContext, Restorable
from lensbench.api.samples import Features, Samples
from lensbench.api.task import FeatureShape, SkyTarget
from lensbench.cells.score import as_arrays
from lensbench.errors import PluginError, RunError
from lensbench.testing.samples import made_samples
from lensbench.training.chance import seeded
from lensbench.training.encoding import encode

_TEST, _SIDE = 5, 32
_UPSAMPLE: Mapping[str, int] = {"superres": 2, "denoising": 1}
_SEED = 7


class Trial:
    """Small samples for a task, and the shapes that its answers must have.

    Args:
        task: Its name: `anomaly` is answered by a score, `regression` by numbers, `superres` and
            `denoising` by skies, and all others by probabilities of three classes.
        encoder: That a transfer is given; none for baselines.
        frozen: Whether samples carry features.
        adapts: Whether the context has a target.
    """

    def __init__(
        self, task: str = "", encoder: Any = None, frozen: bool = False, adapts: bool = False
    ) -> None:
        upsample = _UPSAMPLE.get(task, 0)
        side = _SIDE * upsample
        self.upsample = upsample or 2
        self.task: Any = _Classes()
        self.shapes: Mapping[str, tuple[int, ...]] = {"probability": (_TEST, 3)}
        if task == "anomaly":
            self.shapes = {"score": (_TEST,)}
        elif task == "regression":
            self.task, self.shapes = _Numbers(), {"mean": (_TEST, 1), "sigma": (_TEST, 1)}
        elif upsample:
            self.task = _Skies(sky=SkyTarget(upsample, "hst-acs" if upsample > 1 else ""))
            self.shapes = {"sky": (_TEST, 1, side, side)}
        self.encoder, self.frozen, self.adapts = encoder, frozen, adapts

    def made(self, count: int, seed: int, size: int = _SIDE) -> Samples:
        """Samples, with features where the transfer is frozen, as the harness gives them."""
        samples = made_samples(count=count, size=size, upsample=self.upsample, seed=seed)
        if not self.frozen:
            return samples
        with torch.no_grad():
            features: Features = encode(copy.deepcopy(self.encoder).eval(), samples)
        return replace(samples, features=features)

    def context(self, count: int = 24) -> FitContext:
        """Of so many samples; the target has another size of images."""
        return FitContext(
            task=self.task,
            train=self.made(24, seed=1).first(count),
            validation=self.made(6, seed=2).first(count),
            budget=Budget("made", 0, 0, 24, 2, 6, _TEST),
            seed=_SEED,
            report=lambda done, total, note: None,
            target=replace(self.made(16, seed=3, size=40), targets={}) if self.adapts else None,
        )

    def answers(self, predictor: Any) -> Mapping[str, np.ndarray]:
        """To samples without targets, of the right shape and finite.

        Raises:
            PluginError: Where they are not.
        """
        given = answers_of(predictor, self.made(_TEST, seed=4))
        for name, shape in self.shapes.items():
            if name == "sigma" and name not in given:
                continue
            if name not in given or given[name].shape != shape:
                found = given[name].shape if name in given else "absent"
                raise PluginError(f"answer {name!r} is {found}", f"return {name!r} {shape}")
        return given


def fitted(fit: Callable[[FitContext], Any], context: FitContext) -> Any:
    """A predictor; the global sources of chance are in the same state each time."""
    with seeded(_SEED):
        return fit(context)


def answers_of(predictor: Any, samples: Samples) -> Mapping[str, np.ndarray]:
    """To samples whose targets are withheld.

    Raises:
        PluginError: Where they are asked for, or the answers are not finite or not one a sample.
    """
    try:
        with torch.no_grad():
            return as_arrays(predictor(replace(samples, targets={})), len(samples))
    except KeyError as error:
        raise PluginError(
            f"answering asks for {error}", "targets of the test are withheld: look at images"
        ) from None
    except RunError as error:
        raise PluginError(error.message, "return finite answers, one a sample") from None


def check_repeatable(fit: Callable[[FitContext], Any], trial: Trial, predictor: Any) -> None:
    """The same seed gives the same answers, and so does a second call.

    Raises:
        PluginError: Where it does not.
    """
    answers = trial.answers(predictor)
    again = trial.answers(fitted(fit, trial.context()))
    _check_same(answers, again, "a second fit with the same seed", "take all chance from the seed")
    _check_same(
        answers, trial.answers(predictor), "a second call", "draw no random numbers in answering"
    )


def check_restored(
    restore: Callable[[FitContext, Mapping[str, Tensor]], Any] | None,
    trial: Trial,
    predictor: Any,
) -> None:
    """What is kept makes the same predictor again.

    Raises:
        PluginError: Where it does not.
    """
    if not isinstance(predictor, Restorable) or restore is None:
        return
    state = dict(predictor.state())
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise PluginError(f"state {name!r} is {type(value).__name__}", "keep tensors only")
    kept = {name: value.detach().clone() for name, value in state.items()}
    answers = trial.answers(predictor)
    restored = trial.answers(restore(trial.context(0), kept))
    _check_same(answers, restored, "a restored predictor", "keep all that is fitted")


def _check_same(
    one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray], what: str, hint: str
) -> None:
    for name, values in one.items():
        if not np.allclose(values, other[name], rtol=1e-5, atol=1e-6):
            raise PluginError(f"{what} gives another {name!r}", hint)


@dataclass(frozen=True)
class _Classes:
    """Which of three classes."""

    version: str = "1"
    targets: tuple[str, ...] = ("substructure",)
    sky: None = None
    metrics: tuple[()] = ()

    def head(self, shape: FeatureShape, targets: Mapping[str, Any]) -> nn.Module:
        return _Linear(shape.pooled, 3)

    def loss(self, output: Tensor, batch: Samples) -> Tensor:
        return nn.functional.cross_entropy(output, batch.targets["substructure"])

    def predict(self, output: Tensor, batch: Samples) -> Mapping[str, Tensor]:
        return {"probability": output.softmax(1)}


@dataclass(frozen=True)
class _Numbers:
    """The Einstein radius."""

    version: str = "1"
    targets: tuple[str, ...] = ("theta_E",)
    sky: None = None
    metrics: tuple[()] = ()

    def head(self, shape: FeatureShape, targets: Mapping[str, Any]) -> nn.Module:
        return _Linear(shape.pooled, 2)

    def loss(self, output: Tensor, batch: Samples) -> Tensor:
        return nn.functional.mse_loss(output[:, 0], batch.targets["theta_E"])

    def predict(self, output: Tensor, batch: Samples) -> Mapping[str, Tensor]:
        return {"mean": output[:, :1], "sigma": output[:, 1:].exp()}


@dataclass(frozen=True)
class _Skies:
    """The sky; for baselines alone, so there is nothing to train."""

    version: str = "1"
    targets: tuple[str, ...] = ("sky",)
    sky: SkyTarget = field(default_factory=lambda: SkyTarget(1, ""))
    metrics: tuple[()] = ()


class _Linear(nn.Module):
    """One layer on the pooled features."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, out)

    def forward(self, features: Features, batch: Samples) -> Tensor:
        output: Tensor = self.linear(features.pooled)
        return output
