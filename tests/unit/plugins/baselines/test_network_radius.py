"""The radius by the shipped encoder and head."""

import hashlib

import pytest
import torch
from torch.nn.functional import mse_loss

from lensbench import Samples, condition_of, draw_scenes, population_of
from lensbench.sky.observation import observe
from lensbench_reference.baselines.network_radius import ENCODER, FOLDER, WEIGHTS


def test_keys_follow_the_weights(catalogue):
    """The digests in the code are those of the files, so that no result outlives its weights."""
    head = (FOLDER / "model.safetensors").read_bytes()
    assert hashlib.sha256(head).hexdigest() == WEIGHTS["head"]
    assert catalogue.digest(ENCODER) == WEIGHTS["encoder"]


@pytest.mark.parametrize("name", ["hst-acs", "euclid-vis"])
def test_radii_are_better_than_their_mean(catalogue, name):
    """On test lenses of the population that the head was trained for, with errors that fit."""
    scenes = draw_scenes(population_of("survey"), "test", range(40), seed=5)
    condition = condition_of(name)
    images = observe(scenes, condition, 6.4, 0)
    found = catalogue.build("baseline", "network-radius").measure(
        Samples(scenes.ids, images, {}, {}, condition, 1.0)
    )
    truth = torch.from_numpy(scenes.targets["theta_E"]).float()
    error = mse_loss(found["theta_E"], truth).sqrt()
    assert error < 0.5 * truth.std()
    pull = (found["theta_E"] - truth).abs() / found["theta_E_sigma"]
    assert 0.5 < float((pull < 1).float().mean()) < 0.95
