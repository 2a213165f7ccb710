"""Does a transfer keep its contract?"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lensbench.api.budget import Budget
from lensbench.api.predictor import FitContext, Restorable
from lensbench.api.samples import Features, Samples
from lensbench.api.task import FeatureShape
from lensbench.cells.chance import seeded
from lensbench.cells.encoding import encode
from lensbench.cells.score import as_arrays
from lensbench.errors import PluginError
from lensbench.testing.samples import made_samples

_TEST = 5


def check_transfer(transfer: Any, encoder: Any, task: str = "") -> None:
    """Fits a transfer on a few samples: its answers, chance, state, and what it leaves alone.

    Args:
        transfer: Built from its options.
        encoder: Untrained, with one channel; it is left as it is.
        task: One that the transfer does, if it does not do all: where it is `anomaly`, the answer
            is a score, where it is `regression`, numbers, and else probabilities.

    Raises:
        PluginError: Naming what is broken and what to do.
    """
    for name in ("version", "fit"):
        if not hasattr(transfer, name):
            raise PluginError(f"the transfer has no attribute {name!r}", "see lensbench.Transfer")
    if hasattr(transfer, "check"):
        transfer.check(encoder, "none")
    frozen = bool(getattr(transfer, "frozen", False))
    trial = _Trial(encoder, task, frozen, bool(getattr(transfer, "adapts", False)))
    own = copy.deepcopy(encoder)
    before = {name: value.clone() for name, value in own.state_dict().items()}
    predictor = trial.fit(transfer, own)
    answers = trial.answers(predictor)
    if frozen and any(not torch.equal(before[n], value) for n, value in own.state_dict().items()):
        raise PluginError(
            "a frozen transfer changed the encoder", "leave its weights, or drop frozen = True"
        )
    again = trial.answers(trial.fit(transfer, copy.deepcopy(encoder)))
    _check_same(answers, again, "a second fit with the same seed", "take all chance from the seed")
    _check_same(
        answers, trial.answers(predictor), "a second call", "draw no random numbers in answering"
    )
    _check_state(transfer, encoder, trial, predictor, answers)


class _Trial:
    """Small samples for a task, and the shapes that its answers must have."""

    def __init__(self, encoder: Any, task: str, frozen: bool, adapts: bool) -> None:
        self.task: Any = _Numbers() if task == "regression" else _Classes()
        shapes: Mapping[str, Mapping[str, tuple[int, ...]]] = {
            "anomaly": {"score": (_TEST,)},
            "regression": {"mean": (_TEST, 1), "sigma": (_TEST, 1)},
        }
        self.shapes = shapes.get(task, {"probability": (_TEST, 3)})
        self.encoder, self.frozen, self.adapts = encoder, frozen, adapts
        self.train = self._seen(made_samples(count=24, size=32, seed=1))

    def fit(self, transfer: Any, encoder: Any) -> Any:
        """A predictor of the same seed each time; the target has another size of images."""
        with seeded(7):
            return transfer.fit(encoder, self.context())

    def context(self, count: int = 24) -> FitContext:
        """Of the first so many samples."""
        away = self._seen(made_samples(count=16, size=40, seed=3))
        return FitContext(
            task=self.task,
            train=self.train.first(count),
            validation=self._seen(made_samples(count=6, size=32, seed=2)).first(count),
            budget=Budget("made", 0, 0, 24, 2, 6, _TEST),
            seed=7,
            report=lambda done, total, note: None,
            target=replace(away, targets={}) if self.adapts else None,
        )

    def answers(self, predictor: Any) -> Mapping[str, np.ndarray]:
        """To samples without targets, of the right shape and finite.

        Raises:
            PluginError: Where they are not.
        """
        blind = replace(self._seen(made_samples(count=_TEST, size=32, seed=4)), targets={})
        try:
            with torch.no_grad():
                given = as_arrays(predictor(blind), _TEST)
        except KeyError as error:
            raise PluginError(
                f"answering asks for {error}", "targets of the test are withheld: look at images"
            ) from None
        for name, shape in self.shapes.items():
            if name not in given or given[name].shape != shape:
                found = given[name].shape if name in given else "absent"
                raise PluginError(f"answer {name!r} is {found}", f"return {name!r} {shape}")
        for name, values in given.items():
            if not np.isfinite(values).all():
                raise PluginError(f"answer {name!r} is not finite", "look for log or division")
        return given

    def _seen(self, samples: Samples) -> Samples:
        """Samples with features where the transfer is frozen, as the harness gives them."""
        if not self.frozen:
            return samples
        with torch.no_grad():
            features: Features = encode(copy.deepcopy(self.encoder).eval(), samples)
        return replace(samples, features=features)


def _check_state(
    transfer: Any, encoder: Any, trial: _Trial, predictor: Any, answers: Mapping[str, np.ndarray]
) -> None:
    """What is kept makes the same predictor again."""
    if not isinstance(predictor, Restorable) or not hasattr(transfer, "restore"):
        return
    state = dict(predictor.state())
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise PluginError(f"state {name!r} is {type(value).__name__}", "keep tensors only")
    kept = {name: value.detach().clone() for name, value in state.items()}
    restored = transfer.restore(copy.deepcopy(encoder), trial.context(0), kept)
    _check_same(answers, trial.answers(restored), "a restored predictor", "keep all that is fitted")


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


class _Linear(nn.Module):
    """One layer on the pooled features."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, out)

    def forward(self, features: Features, batch: Samples) -> Tensor:
        output: Tensor = self.linear(features.pooled)
        return output
