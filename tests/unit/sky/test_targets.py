"""Targets of drawn scenes: their conventions, and how they turn with the image."""

import numpy as np
import pytest
import torch

from lensbench import REAL_TARGETS, Samples, draw_scenes, population_of, scene_targets
from lensbench.sky.rendering import render_model
from lensbench.sky.scenes import as_numbers
from lensbench.testing import made_samples


def drawn(name, count=6):
    population = population_of(name)
    return population, draw_scenes(population, "test", range(count), 0, size=32, pixel_scale=0.2)


@pytest.mark.parametrize("name", ["pedagogical", "survey", "deeplense-ii", "deeplense-iv"])
def test_targets_are_those_that_scenes_have(name):
    """What a population declares is what its scenes bring."""
    population, scenes = drawn(name)
    assert set(scenes.targets) == {"substructure", *scene_targets(population)}
    assert all(scenes.targets[t].dtype == np.float32 for t in scene_targets(population))


def test_substructure_is_measured_where_there_is_any():
    """No mass without substructure; a length of a vortex alone, in arcsec."""
    _, scenes = drawn("pedagogical")
    labels, p = scenes.targets["substructure"], scenes.parameters
    assert (scenes.targets["f_sub"][labels == 0] == 0).all()
    assert (scenes.targets["f_sub"][labels > 0] > 0.04).all()
    length = scenes.targets["vortex_half_length"]
    assert np.isnan(length[labels != 2]).all()
    expected = (p["vortex_half_length"] * p["theta_E"])[labels == 2]
    assert length[labels == 2] == pytest.approx(expected, rel=1e-6)


def test_a_source_is_placed_in_arcsec_from_the_lens():
    """In units of the Einstein radius in one population, in arcsec in another: equal targets."""
    for name in ("pedagogical", "deeplense-ii"):
        population, scenes = drawn(name, 3)
        for i in range(3):
            one = as_numbers({k: v[i] for k, v in scenes.parameters.items()})
            source = population.model(one, i).sources[-1]
            lens_x = float(scenes.parameters.get("lens_x", np.zeros(3))[i])
            assert scenes.targets["source_x"][i] == pytest.approx(
                float(source.x) - lens_x, abs=1e-6
            )


def test_what_is_no_lens_has_no_lens_targets():
    """A look-alike has no Einstein radius."""
    _, scenes = drawn("look-alikes")
    assert np.isnan(scenes.targets["theta_E"][0::2]).all()
    assert np.isfinite(scenes.targets["theta_E"][1::2]).all()


@pytest.mark.parametrize("number", range(8))
def test_a_turned_scene_is_the_scene_of_the_turned_targets(number):
    """Lens, shear and source put together from turned targets render the turned image."""
    population, scenes = drawn("pedagogical", 1)
    p = {name: values[0] for name, values in scenes.parameters.items()}
    p |= {"lens_x": 0.0, "lens_y": 0.0, "source_ellipticity": 0.0}

    def render(parameters):
        model = population.model(as_numbers(parameters), 0)
        return render_model(model, 64, 0.1, torch.zeros(()))[None]

    targets = {n: torch.from_numpy(v) for n, v in scenes.targets.items() if n in REAL_TARGETS}
    made = made_samples(1)
    samples = Samples(("a",), render(p), targets, REAL_TARGETS, made.condition, 1.0)
    turned = samples.turned(torch.tensor([number]))
    t = {name: float(values[0]) for name, values in turned.targets.items()}
    p |= {
        "lens_phi": np.arctan2(t["lens_e2"], t["lens_e1"]) / 2,
        "lens_ellipticity": np.hypot(t["lens_e1"], t["lens_e2"]),
        "shear_phi": np.arctan2(t["shear_2"], t["shear_1"]) / 2,
        "shear": np.hypot(t["shear_1"], t["shear_2"]),
        "source_x": t["source_x"] / t["theta_E"],
        "source_y": t["source_y"] / t["theta_E"],
    }
    again = render(p)
    assert torch.allclose(turned.images, again, atol=2e-3 * float(again.max()))
    if number:
        assert not torch.allclose(samples.images, again, atol=0.05 * float(again.max()))


def test_each_sample_is_turned_by_its_own_symmetry():
    """Images and skies alike; what has no direction stays."""
    samples = made_samples(8)
    turned = samples.turned(torch.arange(8))
    for number in range(8):
        part = torch.rot90(samples.targets["sky"][number], number % 4, (1, 2))
        wanted = part.flip(2) if number >= 4 else part
        assert torch.equal(turned.targets["sky"][number], wanted)
    assert torch.equal(turned.targets["theta_E"], samples.targets["theta_E"])
