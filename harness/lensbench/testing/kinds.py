"""The checks of each kind of plugin."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

import torch

from lensbench.api.condition import Condition
from lensbench.api.dataset import Split, Target
from lensbench.api.entry import Kind
from lensbench.api.samples import Features
from lensbench.api.task import FeatureShape
from lensbench.errors import IncompatibleError, LensbenchError, PluginError
from lensbench.registry import Catalogue, RegisteredPlugin
from lensbench.testing.attributes import check_attributes
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
    InconclusiveError,
    Step,
    check_device,
    check_encoder_device,
    check_surroundings,
)
from lensbench.testing.tasks import check_task
from lensbench.testing.tasks import samples_for as task_samples
from lensbench.testing.transfers import check_transfer
from lensbench.testing.trial import Trial, fitted
from lensbench.training.chance import seeded
from lensbench.training.encoding import encode

Check = Callable[[], object]


@dataclass(frozen=True)
class TrialTask:
    """A task with what its targets are, as an installed dataset says."""

    task: Any
    targets: Mapping[str, Target]


@dataclass(frozen=True)
class Candidate:
    """A plugin to check, with what it is tried on.

    Attributes:
        kind: Of the plugin.
        make: Makes it anew; encoders are asked for a number of channels.
        plugin: As made once.
        encoder: For pretraining and transfers.
        tasks: Those that the entry of a transfer or baseline names, or the task itself.
    """

    kind: Kind
    make: Callable[..., Any]
    plugin: Any
    encoder: Any
    tasks: tuple[TrialTask, ...]

    @classmethod
    def of(
        cls, catalogue: Catalogue, item: RegisteredPlugin, reference: str, encoder: str
    ) -> Candidate:
        """Makes a plugin.

        Raises:
            OptionError: Where it needs options.
            IncompatibleError: Where no installed encoder suits it.
            UsageError: Where its entry names a task that is not installed.
        """
        make = partial(catalogue.build, item.kind, reference)
        with seeded(0):
            plugin = make(channels=1) if item.kind == "encoder" else make()
        partner = None
        if item.kind in ("pretraining", "transfer"):
            partner = _partner(catalogue, item, plugin, encoder)
        tasks = [catalogue.build("task", name) for name in item.entry.tasks]
        if item.kind == "task":
            tasks = [plugin]
        named = tuple(TrialTask(task, _targets(catalogue, task)) for task in tasks)
        return cls(item.kind, make, plugin, partner, named)

    def trials(self) -> Iterator[Trial]:
        """One trial for each task; of three classes where a transfer does all tasks."""
        transfer = self.plugin if self.kind == "transfer" else None
        for one in self.tasks:
            yield Trial(one.task, one.targets, transfer, self.encoder)
        if not self.tasks:
            yield Trial(None, None, transfer, self.encoder)


def checks_of(candidate: Candidate) -> Mapping[str, Check]:
    """Checks by their names."""
    plugin, encoder = candidate.plugin, candidate.encoder
    by_kind: Mapping[str, Mapping[str, Check]] = {
        "encoder": {
            "shapes": lambda: check_features(plugin, 1),
            "channels": lambda: _check_channels(candidate),
            "seed": lambda: check_seed(lambda channels: candidate.make(channels=channels), 1),
            "gradients": lambda: check_gradients(plugin, 1),
            "save and load": lambda: check_loading(lambda c: candidate.make(channels=c), 1),
            "device": lambda: check_encoder_device(plugin, 1),
        },
        "pretraining": {
            "contract": lambda: check_pretraining(plugin, copy.deepcopy(encoder)),
            "device": lambda: _check_objective_device(candidate),
        },
        "dataset": {"contract": lambda: check_dataset(plugin)},
        "task": {"contract": lambda: check_task(plugin, candidate.tasks[0].targets)},
        "transfer": {
            "contract": lambda: _check_every_task(candidate),
            "labels": lambda: _check_labels(candidate),
        },
        "baseline": {
            "contract": lambda: _check_every_task(candidate),
            "labels": lambda: _check_labels(candidate),
        },
        "condition": {"contract": lambda: check_condition(plugin)},
    }
    checks = by_kind[candidate.kind]
    if candidate.kind == "condition":
        return checks
    return {
        "attributes": lambda: check_attributes(candidate.kind, plugin),
        **checks,
        "global state": lambda: check_surroundings(partial(_calm_step, candidate)),
    }


def _check_every_task(candidate: Candidate) -> None:
    """A transfer or baseline keeps its contract on each task that its entry names."""
    for one in candidate.tasks or (TrialTask(None, {}),):
        if candidate.kind == "baseline":
            check_baseline(candidate.plugin, one.task, one.targets)
        else:
            check_transfer(candidate.plugin, candidate.encoder, one.task, one.targets)


def check_condition(plugin: Any) -> None:
    """A condition is one.

    Raises:
        PluginError: Where it is something else.
    """
    if not isinstance(plugin, Condition):
        raise PluginError(f"it is a {type(plugin).__name__}", "return a lensbench.Condition")


def _partner(catalogue: Catalogue, item: RegisteredPlugin, plugin: Any, named: str) -> Any:
    """An encoder on which a pretraining or a transfer can be tried.

    Raises:
        IncompatibleError: Where none suits.
    """
    why = IncompatibleError("no installed encoder suits it")
    for name in [named] if named else _partners(catalogue, item):
        try:
            with seeded(0):
                encoder = catalogue.build("encoder", name, channels=1)
            if item.kind == "pretraining":
                plugin.objective(copy.deepcopy(encoder), 1, TARGETS)
            else:
                plugin.check(encoder, "none")
        except IncompatibleError as error:
            why = error
        except LensbenchError:
            if named:
                raise
        else:
            return encoder
    raise why


def _partners(catalogue: Catalogue, item: RegisteredPlugin) -> Iterator[str]:
    """Encoders: of the package, those ranked in every run, and those made for the plugin."""
    known = catalogue.of_kind("encoder")
    yield from (one.entry.name for one in known if one.package == item.package != "lensbench")
    yield from (one.entry.name for one in known if one.entry.pretraining == item.entry.name)
    yield from (one.entry.name for one in known if one.entry.reference)
    yield from (one.entry.name for one in known if one.entry.pretraining != "none")


def _targets(catalogue: Catalogue, task: Any) -> Mapping[str, Target]:
    """What a task's targets are, as the first dataset says that has them all.

    Where only a user's own images have them, classes are three of any names.
    """
    for item in catalogue.of_kind("dataset"):
        if set(task.targets) <= set(item.entry.targets):
            try:
                targets: Mapping[str, Target] = catalogue.build("dataset", item.entry.name).targets
            except LensbenchError:
                continue
            return targets
    if task.predicts == "classes":
        return {
            name: Target("class", classes=("first", "second", "third")) for name in task.targets
        }
    return {}


def _check_channels(candidate: Candidate) -> None:
    """An encoder works with three channels, or refuses them.

    Raises:
        PluginError: Where it does neither.
        InconclusiveError: Where it refuses them.
    """
    try:
        encoder = candidate.make(channels=3)
    except IncompatibleError as error:
        raise InconclusiveError(error.message) from None
    check_features(encoder, 3)


def _fit(candidate: Candidate) -> Callable[[Any], Any]:
    if candidate.kind == "baseline":
        fit: Callable[[Any], Any] = candidate.plugin.fit
        return fit
    return lambda context: candidate.plugin.fit(copy.deepcopy(candidate.encoder), context)


def _check_labels(candidate: Candidate) -> None:
    trial = next((one for one in candidate.trials() if one.task.predicts == "classes"), None)
    if trial is None:
        raise InconclusiveError("it does no task that predicts classes")
    check_chance(_fit(candidate), trial)


def _check_objective_device(candidate: Candidate) -> None:
    objective = candidate.plugin.objective(copy.deepcopy(candidate.encoder), 1, TARGETS)
    if objective is None:
        raise InconclusiveError("it trains nothing")
    if not torch.cuda.is_available():  # turning samples by masks is beyond the meta device
        raise InconclusiveError("try it where there is an accelerator")
    samples = samples_for(candidate.plugin, 1)
    check_device(
        objective.eval(),
        lambda moved, device: moved(samples.to(device), torch.Generator().manual_seed(0)),
    )


def _calm_step(candidate: Candidate) -> Step:
    """Makes and fits a plugin; returns a step that may not draw from global random states."""
    with seeded(0):
        return _step(candidate)


def _step(candidate: Candidate) -> Step:
    plugin = candidate.plugin
    if candidate.kind == "encoder":
        encoder, samples = candidate.make(channels=1).eval(), made_samples()
        return lambda: encode(encoder, samples)
    if candidate.kind == "dataset":
        dataset = candidate.make()
        split = next(s for s in get_args(Split) if dataset.size(s) != 0)
        return lambda: dataset.scenes(split, [0], 0)
    if candidate.kind == "pretraining":
        objective = candidate.make().objective(copy.deepcopy(candidate.encoder), 1, TARGETS)
        if objective is None:
            return lambda: None
        objective.eval()
        batch = samples_for(plugin, 1)
        return lambda: objective(batch, torch.Generator().manual_seed(0))
    if candidate.kind == "task":
        return _step_of_task(candidate.make(), candidate.tasks[0].targets)
    trial = next(candidate.trials())
    predictor = fitted(_fit(candidate), trial.context())
    return lambda: trial.predictions(predictor)


def _step_of_task(task: Any, targets: Mapping[str, Target]) -> Step:
    if not task.trainable:
        return lambda: None
    samples = task_samples(task, targets)
    features = Features(torch.randn(24, 12), (torch.randn(24, 8, 4, 4), torch.randn(24, 4, 8, 8)))
    head = task.head(FeatureShape(12, ((8, 8), (4, 4)), channels=1), samples.info)

    def step() -> object:
        output = head(features, samples)
        task.loss(output, samples)
        return task.predict(output, samples)

    return step
