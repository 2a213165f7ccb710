"""Breaches that the checks of the kit find."""

import numpy as np
import pytest
import torch
from torch import nn

from lensbench.errors import PluginError
from lensbench.testing.baselines import check_baseline
from lensbench.testing.encoders import check_loading, check_seed
from lensbench.testing.leaks import check_chance
from lensbench.testing.surroundings import check_encoder_device, untouched
from lensbench.testing.trial import Trial


class Odds:
    """A baseline that answers as its function says."""

    version = "1"

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


class Hidden(nn.Module):
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
