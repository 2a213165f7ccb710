"""Breaches that the checks of the kit find."""

import importlib.metadata
import sys
import types

import numpy as np
import pytest
import torch
from torch import nn

import lensbench
from lensbench import Baseline, Encoder, Entry, Metric, Task
from lensbench.errors import PluginError, UsageError
from lensbench.registry.discovery import collect, load_catalogue
from lensbench.testing import check_package, check_task
from lensbench.testing.attributes import check_attributes
from lensbench.testing.baselines import check_baseline
from lensbench.testing.encoders import check_loading, check_seed
from lensbench.testing.leaks import check_chance
from lensbench.testing.surroundings import check_encoder_device, untouched
from lensbench.testing.trial import Trial


class Odds(Baseline):
    """A baseline that answers as its function says."""

    def __init__(self, answer):
        self.answer = answer

    def fit(self, context):
        return lambda samples: {"probability": self.answer(samples)}


def even(samples):
    return torch.full((len(samples), 3), 1 / 3)


def by_name(samples):
    return torch.eye(3)[[int(name.split("-")[-1]) % 3 for name in samples.ids]]


def by_order(samples):
    return torch.eye(3)[torch.arange(len(samples)) % 3]


def test_an_honest_baseline_passes():
    """The smallest one does."""
    check_baseline(Odds(even))
    check_chance(Odds(even).fit, Trial())


@pytest.mark.parametrize("answer", [by_name, by_order])
def test_labels_from_elsewhere_than_images_are_found(answer):
    """Names and order of the test tell its classes, and who uses them is found out."""
    with pytest.raises(PluginError, match="permuted"):
        check_chance(Odds(answer).fit, Trial())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: torch.rand(1), "random numbers of torch"),
        (np.random.rand, "random numbers of numpy"),
        (lambda: np.seterr(divide="raise"), "error handling"),
    ],
)
def test_a_change_of_global_state_is_named(change, message):
    """What is shared is left alone, or the check says what was not."""
    before, errors = torch.get_rng_state(), np.geterr()
    try:
        with pytest.raises(PluginError, match=message), untouched("it", chance=True):
            change()
    finally:
        torch.set_rng_state(before)
        np.seterr(**errors)


class Hidden(Encoder, nn.Module):
    """Draws what is no parameter, and keeps it on the processor."""

    def __init__(self, chance=None):
        super().__init__()
        self.scale = torch.rand(1, generator=chance)
        self.body = nn.Conv2d(1, 4, 8, 8)

    def forward(self, images):
        return self.body(images) * (self.scale + torch.zeros(4, 1, 1))


def test_what_is_drawn_and_not_kept_is_found():
    """The weights of one encoder do not make another the same."""
    with pytest.raises(PluginError, match="other features"):
        check_loading(lambda channels: Hidden(), 1)


def test_weights_that_ignore_the_seed_are_found():
    """Two encoders of one seed are the same."""

    def make(channels):
        layer = nn.Conv2d(1, 4, 8, 8)
        nn.init.uniform_(layer.weight, generator=torch.Generator().manual_seed(id(layer)))
        return layer

    kept = []
    with pytest.raises(PluginError, match="same seed"):
        check_seed(lambda channels: kept.append(make(channels)) or kept[-1], 1)


def test_a_tensor_that_stays_behind_is_found():
    """An encoder that was moved must not meet a tensor of its own on the processor."""
    with pytest.raises(PluginError, match="another device"):
        check_encoder_device(Hidden(), 1)


class Sized(Task):
    """The length of a side, answered by numbers; a third party's, with a name that nobody knows."""

    targets = ("theta_E",)
    predicts = "numbers"
    metrics = (Metric("error", lambda predictions, samples: predictions["mean"][:, 0] * 0.0,
                      per_sample=True),)  # fmt: skip
    needs_maps = False

    def head(self, shape, targets):
        class Head(nn.Linear):
            def forward(self, features, batch):
                return super().forward(features.pooled)

        return Head(shape.pooled, 1)

    def loss(self, output, batch):
        return (output[:, 0] - batch.targets["theta_E"]).square().mean()

    def predict(self, output, batch):
        return {"mean": output}


class Means(Baseline):
    """Predicts one number for every image."""

    def fit(self, context):
        return lambda samples: {"mean": torch.ones(len(samples), len(context.task.targets))}


def test_a_task_is_tried_by_the_kind_of_predictions_that_it_declares():
    """Numbers pass for a task of numbers, whatever its name, and probabilities do not."""
    check_task(Sized())
    check_baseline(Means(), Sized())
    with pytest.raises(PluginError, match="'mean' is absent"):
        check_baseline(Odds(even), Sized())
    with pytest.raises(PluginError, match="'probability' is absent"):
        check_baseline(Means())


def test_a_package_with_a_task_of_numbers_passes_the_kit(monkeypatch):
    """Its baseline and a transfer that name the task are tried as regressors."""
    module = types.ModuleType("made_numbers")
    module.Sized, module.Means = Sized, Means
    module.lensbench_tasks = lensbench.hookimpl(
        lambda: [Entry("side", "made_numbers:Sized", summary="Made.", citation="-", licence="MIT")]
    )
    module.lensbench_baselines = lensbench.hookimpl(
        lambda: [
            Entry("one", "made_numbers:Means", summary="Made.", citation="-", licence="MIT",
                  tasks=("side",))
        ]
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "made_numbers", module)
    found = collect([importlib.metadata.EntryPoint("made", "made_numbers", "lensbench")])
    ended = {one.check: one for one in check_package("baseline/one", found)}
    assert ended["contract"].state == "passed", ended["contract"]
    assert ended["labels"].state == "skipped"
    ended = {one.check: one for one in check_package("task/side", found)}
    assert ended["contract"].state == "passed", ended["contract"]
    with pytest.raises(UsageError) as refused:
        check_package("side", found)
    assert "task/side" in refused.value.hint


@pytest.mark.parametrize(
    ("kind", "base", "attribute", "value", "meant"),
    [
        ("task", Sized, "need_maps", False, "needs_maps"),
        ("baseline", Means, "restored", None, "restore"),
        ("encoder", Hidden, "use_condition", True, "uses_condition"),
        ("encoder", Hidden, "token", None, "tokens"),
    ],
)
def test_a_misspelled_attribute_is_an_error(kind, base, attribute, value, meant):
    """It would be silently ignored: nothing reads it."""
    plugin = type("Misspelled", (base,), {attribute: value, "__module__": __name__})
    with pytest.raises(PluginError, match=attribute) as caught:
        check_attributes(kind, plugin())
    assert meant in caught.value.hint
    check_attributes(kind, base())


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("needs_maps", "no", "needs_maps is 'no', expected bool"),
        ("predicts", "number", "predicts is 'number'"),
    ],
)
def test_an_attribute_has_the_type_of_its_contract(attribute, value, message):
    """A text in place of a yes or no would count as yes."""
    plugin = type("Changed", (Sized,), {attribute: value, "__module__": __name__})()
    with pytest.raises(PluginError, match=message):
        check_attributes("task", plugin)


def test_a_required_attribute_and_the_base_class_are_asked_for():
    """The error names what to write."""
    bare = type("Bare", (Task,), {"targets": (), "predicts": "classes"})()
    with pytest.raises(PluginError, match="no attribute 'metrics'"):
        check_attributes("task", bare)
    with pytest.raises(PluginError, match=r"object is not derived from lensbench\.Task"):
        check_attributes("task", object())


class UnreadableError(Exception):
    """An error without a message that could be shown."""

    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize("error", [UnreadableError(), SystemExit(3)])
def test_whatever_a_plugin_raises_is_a_finding(monkeypatch, error):
    """One plugin does not end the checks of the others."""

    def fit(self, context):
        raise error

    module = types.ModuleType("made_raising")
    module.Raising = type("Raising", (Baseline,), {"fit": fit, "__doc__": "Raises."})
    module.lensbench_baselines = lensbench.hookimpl(
        lambda: [Entry("one", "made_raising:Raising", summary="Made.", tasks=("morphology",))]
    )
    monkeypatch.setitem(sys.modules, "made_raising", module)
    found = collect([importlib.metadata.EntryPoint("made", "made_raising", "lensbench")])
    found.entries |= load_catalogue().entries
    ended = {one.check: one for one in check_package("baseline/one", found)}
    assert ended["contract"].state == "failed"
    assert type(error).__name__ in ended["contract"].message
