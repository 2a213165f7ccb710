"""Every transfer answers, finitely, for images that hold nothing, or too much."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from lensbench import SkyTarget, encode
from lensbench.registry import load_catalogue
from lensbench.testing import made_samples

TRANSFERS = [item.entry for item in load_catalogue().of_kind("transfer")]


def degenerate():
    """Constant, zero, noise alone, saturated, half masked, shifted by a pixel, and turned."""
    images = torch.zeros(7, 1, 32, 32)
    images[0] = 5.0
    images[2] = torch.randn(1, 32, 32, generator=torch.Generator().manual_seed(2))
    images[3] = 1e6
    images[4, :, :, 16:] = 30.0
    spot = made_samples(1, size=32).images[0]
    images[5] = spot.roll(1, 2)
    images[6] = torch.rot90(spot, 1, (1, 2))
    made = made_samples(count=7, size=32, sky=SkyTarget())
    return replace(made, images=images, targets={})


@pytest.mark.parametrize("trained_on", ["noise", "zeros"])
@pytest.mark.parametrize("entry", TRANSFERS, ids=lambda entry: entry.name)
def test_it_answers(catalogue, context, entry, trained_on):
    """Whatever it was fitted to; probabilities are some, and distances are not negative."""
    train = made_samples(count=24, size=32, sky=SkyTarget())
    if trained_on == "zeros":
        train = replace(train, images=torch.zeros_like(train.images))
    encoder = catalogue.build("encoder", "dcae:width=8", channels=1).eval()
    transfer = catalogue.build("transfer", entry.name)
    tested = degenerate()
    if getattr(transfer, "frozen", False):
        with torch.no_grad():
            train = replace(train, features=encode(encoder, train))
            tested = replace(tested, features=encode(encoder, tested))
    target = replace(train, targets={}) if getattr(transfer, "adapts", False) else None
    answers = transfer.fit(encoder, context(train, target, steps=2))(tested)
    for name, values in answers.items():
        assert len(values) == 7
        assert bool(torch.isfinite(values).all()), name
    if "probability" in answers:
        assert torch.allclose(answers["probability"].sum(1), torch.ones(7), atol=1e-5)


def test_neighbours_of_nothing_have_the_usual_mean(catalogue, context):
    """Where all training images are the same, numbers get their mean and scatter."""
    train = made_samples(count=24, size=32)
    train = replace(train, images=torch.zeros_like(train.images))
    task = SimpleNamespace(version="1", targets=("theta_E",), sky=None, metrics=())
    transfer = catalogue.build("transfer", "knn:k=24")
    encoder = catalogue.build("encoder", "pixels", channels=1)
    answers = transfer.fit(encoder, context(train, task=task))(degenerate())
    wanted = train.targets["theta_E"].double()
    assert torch.allclose(answers["mean"][1].double(), wanted.mean(), atol=1e-5)
    assert torch.allclose(answers["sigma"][1].double(), wanted.std(), atol=1e-5)
