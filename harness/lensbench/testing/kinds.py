"""What is looked at in each kind of plugin."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

import torch

from lensbench.api.condition import Condition
from lensbench.api.dataset import Split, Target
from lensbench.api.samples import Features
from lensbench.api.task import FeatureShape
from lensbench.errors import IncompatibleError, LensbenchError, PluginError
from lensbench.registry import Catalogue, Registered
from lensbench.testing.baselines import check_baseline
from lensbench.testing.datasets import check_dataset
from lensbench.testing.encoders import (
    check_features,
    check_gradients,
    check_loading,
    check_seed,
)
from lensbench.testing.leaks import check_chance
from lensbench.testing.pretraining import check_pretraining, samples_for
from lensbench.testing.samples import TARGETS, made_samples
from lensbench.testing.surroundings import (
    CannotTellError,
    Step,
    check_device,
    check_encoder_device,
    check_surroundings,
)
from lensbench.testing.tasks import check_task
from lensbench.testing.tasks import samples_for as task_samples
from lensbench.testing.transfers import check_transfer, trial_of
from lensbench.testing.trial import Trial, fitted
from lensbench.training.chance import seeded
from lensbench.training.encoding import encode

NOT_CLASSES = frozenset(("anomaly", "denoising", "regression", "superres"))
"""Tasks that are answered by something else than probabilities of classes."""

Check = Callable[[], object]


@dataclass(frozen=True)
class Tried:
    """A plugin that was made, with what it is tried on.

    Attributes:
        make: Makes it anew; encoders are asked for a number of channels.
        plugin: As made once.
        encoder: For pretraining and transfers.
        tasks: Of its entry.
        targets: Of a task: what the targets are that it asks for, as an installed dataset says.
    """

    kind: str
    make: Callable[..., Any]
    plugin: Any
    encoder: Any
    tasks: tuple[str, ...]
    targets: Mapping[str, Target]

    @classmethod
    def of(cls, catalogue: Catalogue, item: Registered, reference: str, encoder: str) -> Tried:
        """Makes a plugin.

        Raises:
            OptionError: Where it needs options.
            IncompatibleError: Where no installed encoder suits it.
        """
        make = partial(catalogue.build, item.kind, reference)
        with seeded(0):
            plugin = make(channels=1) if item.kind == "encoder" else make()
        partner = None
        if item.kind in ("pretraining", "transfer"):
            partner = _partner(catalogue, item, plugin, encoder)
        targets = _targets(catalogue, plugin) if item.kind == "task" else {}
        return cls(item.kind, make, plugin, partner, item.entry.tasks, targets)

    @property
    def task(self) -> str:
        """The first task that it does, empty where it does all."""
        return next(iter(self.tasks), "")

    @property
    def class_task(self) -> str | None:
        """A task with classes that it does, `None` where it does none."""
        none = None if self.tasks else ""
        return next((one for one in self.tasks if one not in NOT_CLASSES), none)


def checks_of(tried: Tried) -> Mapping[str, Check]:
    """What is looked at, by name."""
    plugin, encoder = tried.plugin, tried.encoder
    by_kind: Mapping[str, Mapping[str, Check]] = {
        "encoder": {
            "shapes": lambda: check_features(plugin, 1),
            "channels": lambda: _check_channels(tried),
            "seed": lambda: check_seed(lambda channels: tried.make(channels=channels), 1),
            "gradients": lambda: check_gradients(plugin, 1),
            "save and load": lambda: check_loading(lambda c: tried.make(channels=c), 1),
            "device": lambda: check_encoder_device(plugin, 1),
        },
        "pretraining": {
            "contract": lambda: check_pretraining(plugin, copy.deepcopy(encoder)),
            "device": lambda: _check_objective_device(tried),
        },
        "dataset": {"contract": lambda: check_dataset(plugin)},
        "task": {"contract": lambda: check_task(plugin, tried.targets)},
        "transfer": {
            "contract": lambda: _check_every_task(tried),
            "labels": lambda: _check_labels(tried),
        },
        "baseline": {
            "contract": lambda: _check_every_task(tried),
            "labels": lambda: _check_labels(tried),
        },
        "condition": {"contract": lambda: check_condition(plugin)},
    }
    checks = by_kind[tried.kind]
    if tried.kind == "condition":
        return checks
    return {**checks, "global state": lambda: check_surroundings(partial(_calm_step, tried))}


def _check_every_task(tried: Tried) -> None:
    """A transfer or baseline keeps its contract on each task that it says it does."""
    for task in tried.tasks or ("",):
        if tried.kind == "baseline":
            check_baseline(tried.plugin, task)
        else:
            check_transfer(tried.plugin, tried.encoder, task)


def check_condition(plugin: Any) -> None:
    """A condition is one.

    Raises:
        PluginError: Where it is something else.
    """
    if not isinstance(plugin, Condition):
        raise PluginError(f"it is a {type(plugin).__name__}", "return a lensbench.Condition")


def _partner(catalogue: Catalogue, item: Registered, plugin: Any, named: str) -> Any:
    """An encoder on which a pretraining or a transfer can be tried.

    Raises:
        IncompatibleError: Where none suits.
    """
    why = IncompatibleError("no encoder is installed on which it could be tried")
    for name in [named] if named else _partners(catalogue, item):
        try:
            with seeded(0):
                encoder = catalogue.build("encoder", name, channels=1)
            if item.kind == "pretraining":
                plugin.objective(copy.deepcopy(encoder), 1, TARGETS)
            elif hasattr(plugin, "check"):
                plugin.check(encoder, "none")
        except IncompatibleError as error:
            why = error
        except LensbenchError:
            if named:
                raise
        else:
            return encoder
    raise why


def _partners(catalogue: Catalogue, item: Registered) -> Iterator[str]:
    """Encoders: of the package, those ranked in every run, and those made for the plugin."""
    known = catalogue.of_kind("encoder")
    yield from (one.entry.name for one in known if one.package == item.package != "lensbench")
    yield from (one.entry.name for one in known if one.entry.pretraining == item.entry.name)
    yield from (one.entry.name for one in known if one.entry.reference)
    yield from (one.entry.name for one in known if one.entry.pretraining != "none")


def _targets(catalogue: Catalogue, task: Any) -> Mapping[str, Target]:
    """What the targets of a task are, as the first dataset says that has them all."""
    for item in catalogue.of_kind("dataset"):
        if set(task.targets) <= set(item.entry.targets):
            try:
                targets: Mapping[str, Target] = catalogue.build("dataset", item.entry.name).targets
            except LensbenchError:
                continue
            return targets
    return {}


def _check_channels(tried: Tried) -> None:
    """Three channels do, too, where the encoder does not refuse them.

    Raises:
        PluginError: Where they break it.
        CannotTellError: Where they are refused.
    """
    try:
        encoder = tried.make(channels=3)
    except IncompatibleError as error:
        raise CannotTellError(error.message) from None
    check_features(encoder, 3)


def _fit(tried: Tried) -> Callable[[Any], Any]:
    if tried.kind == "baseline":
        fit: Callable[[Any], Any] = tried.plugin.fit
        return fit
    return lambda context: tried.plugin.fit(copy.deepcopy(tried.encoder), context)


def _trial(tried: Tried, task: str) -> Trial:
    return Trial(task) if tried.kind == "baseline" else trial_of(tried.plugin, tried.encoder, task)


def _check_labels(tried: Tried) -> None:
    task = tried.class_task
    if task is None:
        raise CannotTellError("it answers no question about classes")
    check_chance(_fit(tried), _trial(tried, task))


def _check_objective_device(tried: Tried) -> None:
    objective = tried.plugin.objective(copy.deepcopy(tried.encoder), 1, TARGETS)
    if objective is None:
        raise CannotTellError("it trains nothing")
    if not torch.cuda.is_available():  # turning samples by masks is beyond the meta device
        raise CannotTellError("try it where there is an accelerator")
    samples = samples_for(tried.plugin, 1)
    check_device(
        objective.eval(),
        lambda moved, device: moved(samples.to(device), torch.Generator().manual_seed(0)),
    )


def _calm_step(tried: Tried) -> Step:
    """Makes and fits a plugin, and gives a step of it that may draw nothing from global chance."""
    with seeded(0):
        return _step(tried)


def _step(tried: Tried) -> Step:
    plugin = tried.plugin
    if tried.kind == "encoder":
        encoder, samples = tried.make(channels=1).eval(), made_samples()
        return lambda: encode(encoder, samples)
    if tried.kind == "dataset":
        dataset = tried.make()
        split = next(s for s in get_args(Split) if dataset.size(s) != 0)
        return lambda: dataset.scenes(split, [0], 0)
    if tried.kind == "pretraining":
        objective = tried.make().objective(copy.deepcopy(tried.encoder), 1, TARGETS)
        if objective is None:
            return lambda: None
        objective.eval()
        batch = samples_for(plugin, 1)
        return lambda: objective(batch, torch.Generator().manual_seed(0))
    if tried.kind == "task":
        return _answer_of_task(tried.make(), tried.targets)
    trial = _trial(tried, tried.task)
    predictor = fitted(_fit(tried), trial.context())
    return lambda: trial.answers(predictor)


def _answer_of_task(task: Any, targets: Mapping[str, Target]) -> Step:
    if not getattr(task, "trainable", True):
        return lambda: None
    samples = task_samples(task, targets)
    features = Features(torch.randn(24, 12), (torch.randn(24, 8, 4, 4), torch.randn(24, 4, 8, 8)))
    head = task.head(FeatureShape(12, ((8, 8), (4, 4)), channels=1), samples.info)

    def step() -> object:
        output = head(features, samples)
        task.loss(output, samples)
        return task.predict(output, samples)

    return step
