"""Every baseline answers, finitely, for images that hold nothing, or too much."""

from dataclasses import replace

import pytest
import torch

from lensbench.registry import load_catalogue
from lensbench.testing import made_samples

TASKS = {
    "superres": ("sky",),
    "morphology": ("substructure",),
    "finding": ("substructure",),
    "regression": ("theta_E",),
    "anomaly": ("substructure",),
}
SHAPES = {"sky": (5, 1, 64, 64), "probability": (5, 3), "mean": (5, 1), "score": (5,)}
BASELINES = [item.entry for item in load_catalogue().of_kind("baseline")]
FAST = {"lens-model": ":starts=1,oversampling=1,calibrate=0"}


def degenerate():
    """Constant, zero, noise alone, saturated, and half masked."""
    images = torch.zeros(5, 1, 32, 32)
    images[0] = 5.0
    images[2] = torch.randn(1, 32, 32, generator=torch.Generator().manual_seed(2))
    images[3] = 1e6
    images[4] = 30.0
    images[4, :, :, :16] = 0.0
    samples = made_samples(count=5, size=32)
    return type(samples)(**{**vars(samples), "images": images})


@pytest.mark.parametrize("trained_on", ["noise", "zeros"])
@pytest.mark.parametrize("entry", BASELINES, ids=lambda entry: entry.name)
def test_it_answers(catalogue, context, entry, trained_on):
    """Of the right shape and finite, whatever it was fitted to."""
    train = made_samples(count=24, size=32)
    if trained_on == "zeros":
        images = torch.zeros_like(train.images)
        train = type(train)(**{**vars(train), "images": images})
    baseline = catalogue.build("baseline", entry.name + FAST.get(entry.name, ""))
    answers = baseline.fit(context(train, *TASKS[entry.tasks[0]]))(degenerate())
    for name, answer in answers.items():
        values = torch.as_tensor(answer)
        assert values.shape == SHAPES.get(name, (5, 1)), name
        assert bool(torch.isfinite(values).all()), name
    if "probability" in answers:
        total = torch.as_tensor(answers["probability"]).sum(1)
        assert torch.allclose(total.double(), torch.ones((), dtype=torch.float64), atol=1e-4)
    if "sigma" in answers:
        assert bool((answers["sigma"] > 0).all())


@pytest.mark.parametrize("size", [16, 24, 64])
@pytest.mark.parametrize("entry", BASELINES, ids=lambda entry: entry.name)
def test_it_answers_under_other_pixels(catalogue, context, entry, size):
    """Conditions sample one field with other pixels; seeds are of 64 bits."""
    train = made_samples(count=24, size=32)
    fit = replace(context(train, *TASKS[entry.tasks[0]]), seed=2**63 - 5)
    predict = catalogue.build("baseline", entry.name + FAST.get(entry.name, "")).fit(fit)
    other = made_samples(count=2, size=size)
    finer = replace(other.condition, name="other", pixel_scale=3.2 / size)
    answers = predict(replace(other, condition=finer))
    for name, answer in answers.items():
        values = torch.as_tensor(answer)
        assert len(values) == 2
        assert bool(torch.isfinite(values).all())
        if name == "sky":
            assert values.shape[-1] == 2 * size
