"""Scenes: fair between classes, fixed by their seed, observed without loss."""

import numpy as np
import pytest
import torch

from lensbench.sky.instruments import CONDITIONS, EUCLID_VIS, HST_ACS
from lensbench.sky.observation import add_noise, expose, grid_of
from lensbench.sky.population import CLASSES, Population
from lensbench.sky.scenes import draw_scenes
from lensbench.sky.seeds import generator_of


def test_classes_differ_in_the_substructure_alone():
    """From one generator, every class gets the same values of all but the substructure."""
    drawn = [Population().draw(label, generator_of("x", 1)) for label in range(len(CLASSES))]
    for name in drawn[0]:
        if name != "f_sub":
            assert all(np.array_equal(one[name], drawn[0][name]) for one in drawn)
    assert [one["f_sub"] > 0 for one in drawn] == [False, True, True]


def test_splits_and_seeds_never_share_a_scene():
    """The same index of another split or seed is another sky."""
    population = Population()
    one = draw_scenes(population, "train", [3], 0)
    for split, seed in [("test", 0), ("validation", 0), ("pretraining", 0), ("train", 1)]:
        other = draw_scenes(population, split, [3], seed)
        assert other.ids != one.ids
        assert not torch.equal(other.sky, one.sky)


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=lambda c: c.name)
def test_an_empty_sky_has_unit_noise(condition):
    """Images are in units of the noise of an empty pixel."""
    empty = torch.zeros(4, 1, 64, 64)
    noise = add_noise(empty, condition, ("a", "b", "c", "d"), 0)
    assert float(noise.mean()) == pytest.approx(0.0, abs=0.03)
    assert float(noise.std()) == pytest.approx(1.0, rel=0.03)


def test_observation_keeps_flux():
    """The sum of surface brightness times pixel area is that of the sky."""
    scenes = draw_scenes(Population(), "train", [0, 1, 2], 0)
    grid = grid_of(HST_ACS, 6.4)
    exposed = expose(scenes, HST_ACS, grid)
    size = round(6.4 / scenes.pixel_scale)
    edge = (scenes.sky.shape[-1] - size) // 2
    inner = scenes.sky[..., edge:-edge, edge:-edge].sum((1, 2, 3)) * scenes.pixel_scale**2
    observed = exposed.sum((1, 2, 3)) * grid.pixel_scale**2
    assert torch.allclose(observed, inner, rtol=0.02)


def test_noise_belongs_to_scene_and_condition():
    """A scene has one noise a condition, whatever it is observed with."""
    images = torch.zeros(2, 1, 16, 16)
    both = add_noise(images, EUCLID_VIS, ("a", "b"), 0)
    assert torch.equal(add_noise(images[1:], EUCLID_VIS, ("b",), 0), both[1:])
    assert not torch.equal(both[0], both[1])
    assert not torch.equal(add_noise(images, EUCLID_VIS, ("a", "b"), 1), both)
    assert not torch.equal(add_noise(images, HST_ACS, ("a", "b"), 0), both)
