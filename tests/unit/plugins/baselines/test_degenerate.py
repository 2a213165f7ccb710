"""Every baseline answers, finitely, for images that hold nothing, or too much."""

from dataclasses import replace

import pytest
import torch
from tests.small import small

from lensbench import SkyTarget, Target
from lensbench.registry import load_catalogue
from lensbench.testing import made_samples

OF_STORED_IMAGES = {"class": Target("class", classes=("first", "second", "third"))}
PAIRS = [
    pytest.param(item.entry, task, id=f"{item.entry.name}-{task}")
    for item in load_catalogue().of_kind("baseline")
    for task in item.entry.tasks
]


def fit_of(catalogue, context, name):
    """Of a task of ours to 24 samples."""
    task = catalogue.build("task", name)
    made = made_samples(24, sky=task.sky or SkyTarget(), targets=OF_STORED_IMAGES)
    return replace(context(made, *task.targets), task=task)


def shape_of(name, task, samples):
    """The shape of what a baseline is to say of samples."""
    count, channels, size, _ = samples.images.shape
    if name == "sky":
        return count, channels, *task.sky.shape(size, size)
    if name == "probability":
        return count, len(samples.info[task.targets[0]].classes)
    return (count,) if name == "score" else (count, len(task.targets))


def degenerate():
    """Constant, zero, noise alone, saturated, and half masked."""
    images = torch.zeros(5, 1, 32, 32)
    images[0] = 5.0
    images[2] = torch.randn(1, 32, 32, generator=torch.Generator().manual_seed(2))
    images[3] = 1e6
    images[4] = 30.0
    images[4, :, :, :16] = 0.0
    samples = made_samples(count=5, size=32, targets=OF_STORED_IMAGES)
    return replace(samples, images=images)


@pytest.mark.parametrize("trained_on", ["noise", "zeros"])
@pytest.mark.parametrize(("entry", "task"), PAIRS)
def test_it_answers(catalogue, context, entry, task, trained_on):
    """Of the right shape and finite, whatever it was fitted to."""
    fit = fit_of(catalogue, context, task)
    if trained_on == "zeros":
        blank = replace(fit.train, images=torch.zeros_like(fit.train.images))
        fit = replace(fit, train=blank, validation=blank)
    baseline = catalogue.build("baseline", small(entry.name))
    samples = degenerate()
    answers = baseline.fit(fit)(samples)
    for name, answer in answers.items():
        values = torch.as_tensor(answer)
        assert values.shape == shape_of(name, fit.task, samples), name
        assert bool(torch.isfinite(values).all()), name
    if "probability" in answers:
        total = torch.as_tensor(answers["probability"]).sum(1)
        assert torch.allclose(total.double(), torch.ones((), dtype=torch.float64), atol=1e-4)
    if "sigma" in answers:
        assert bool((answers["sigma"] > 0).all())


@pytest.fixture(scope="module")
def fitted(request, context):
    """A baseline fitted with a seed of 64 bits, once for all sizes of what it answers."""
    entry, task = request.param
    fit = replace(fit_of(load_catalogue(), context, task), seed=2**63 - 5)
    return fit.task, load_catalogue().build("baseline", small(entry.name)).fit(fit)


@pytest.mark.parametrize("size", [16, 24, 64])
@pytest.mark.parametrize("fitted", [pytest.param(p.values, id=p.id) for p in PAIRS], indirect=True)
def test_it_answers_under_other_pixels(fitted, size):
    """Conditions sample one field with other pixels."""
    task, predict = fitted
    other = made_samples(count=2, size=size, targets=OF_STORED_IMAGES)
    finer = replace(other.condition, name="other", pixel_scale=3.2 / size)
    answers = predict(replace(other, condition=finer))
    for name, answer in answers.items():
        values = torch.as_tensor(answer)
        assert values.shape == shape_of(name, task, other), name
        assert bool(torch.isfinite(values).all())
