"""Trees on what lens fits say."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lensbench import Measurements, Target
from lensbench_reference.baselines.lens_classes import LensClasses, LensTrees
from lensbench_reference.baselines.lens_model import LensModel
from lensbench_reference.baselines.trees import BoostedTrees
from lensbench_reference.lens_fitting.lens_images import Fitting
from lensbench_reference.lens_fitting.lens_statistics import described_lenses
from lensbench_reference.lens_fitting.smooth_lens import CENTRE, NAMES, WIDTH


def turned(theta, angle):
    """Parameters of the same lens after a turn of the field."""
    theta = theta.clone()
    names = [*NAMES, "light_magnitude", "ln_light_radius", "ln_light_index", "light_e1", "light_e2"]
    spins = {"lens_e1": 2, "gamma_1": 2, "source_e1": 2, "light_e1": 2, "lens_x": 1, "source_x": 1}
    for name, spin in spins.items():
        i = names.index(name)
        x, y = theta[:, i].clone(), theta[:, i + 1].clone()
        cos, sin = math.cos(spin * angle), math.sin(spin * angle)
        theta[:, i], theta[:, i + 1] = x * cos - y * sin, x * sin + y * cos
    return theta


@pytest.mark.parametrize("count", [14, 19])
def test_numbers_of_a_lens_do_not_depend_on_its_angle(count):
    noise = torch.randn(5, 19, generator=torch.Generator().manual_seed(0)).double()
    theta = CENTRE[:19] + 0.5 * WIDTH[:19] * noise
    one, other = (described_lenses(each[:, :count]) for each in (theta, turned(theta, 0.7)))
    assert torch.allclose(one, other)
    assert one.shape == (5, 11 if count == 14 else 18)


class Given(Measurements):
    """Statistics and parameters that are given, in place of fits."""

    def of(self, samples, measure, options):
        random = np.random.default_rng(len(samples.labels))
        theta = CENTRE[:14].repeat(len(samples.labels), 1)
        theta[:, NAMES.index("ln_index")] += torch.from_numpy(3.0 * samples.labels - 1.5) ** 2
        flat = torch.from_numpy(random.normal(size=(len(theta), 3)))
        none = torch.zeros(len(theta), dtype=torch.float64)
        if measure.__name__ == "lens_statistics":
            return {"statistics": flat}
        return {"theta": theta, "cost": none, "chi_squared": none, "covariance": none}


def context_of(labels, *targets):
    info = {name: Target("class", classes=("no", "yes", "other")) for name in targets}
    known = {name: torch.from_numpy(labels) for name in targets}
    train = SimpleNamespace(labels=labels, targets=known, info=info)
    task = SimpleNamespace(targets=targets, predicts="classes")
    return SimpleNamespace(train=train, task=task, seed=3, measurements=Given(), report=print)


def test_trees_find_what_is_not_monotone_and_grow_again_from_their_state():
    """Classes differ in the profile of the source, of which a middle value is one class."""
    labels = np.arange(120) % 3
    context = context_of(labels, "lens")
    model = LensModel(LensModel.Options(lens_light="no"))
    predictor = model.fit(context)
    assert isinstance(predictor, LensTrees)
    samples = SimpleNamespace(labels=labels[:30])
    found = predictor(samples)["probability"]
    middle = torch.from_numpy(labels[:30] == 0)
    assert not torch.equal(found[middle][0], found[~middle][0])
    again = model.restore(context, predictor.state())
    assert torch.equal(again(samples)["probability"], found)
    assert again.fitting == Fitting(light=0)


def test_substructure_is_classified_by_a_linear_regression():
    """Unless trees are asked for."""
    context = context_of(np.arange(120) % 3, "substructure")
    assert isinstance(LensModel(LensModel.Options(lens_light="no")).fit(context), LensClasses)
    trees = LensModel.Options(lens_light="no", classifier="trees")
    assert isinstance(LensModel(trees).fit(context), LensTrees)


def test_what_one_class_taught_is_always_that_class():
    trees = BoostedTrees.trained(np.zeros((4, 2)), np.ones(4, dtype=int), 0, 3)
    assert trees.probabilities(np.zeros((2, 2)))["probability"].tolist() == [[0, 1, 0]] * 2
