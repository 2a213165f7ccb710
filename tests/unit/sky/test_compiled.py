"""Compiled skies beside those of torch in double precision."""

import math

import numpy as np
import pytest
import torch

from lensbench.sky import components as c
from lensbench.sky.compiled import Rays
from lensbench.sky.rendering import render_model, render_models

SIZE, PIXEL_SCALE = 100, 0.06


def _double(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


SOURCE = c.Sersic(22.5, 0.3, 1.3, 0.7, 0.4, 0.05, -0.1)
DEFLECTORS = {
    "round sie": c.Sie(1.1, 1.0, 0.3, 0.02, 0.03),
    "sie": c.Sie(1.1, 0.4, 0.3, 0.02, 0.03),
    "epl": c.Epl(1.1, 0.35, 2.3, 1.35, 0.02, 0.03),
    "shear": c.Shear(0.2, 0.9, 0.1, 0.2),
    "multipole 3": c.Multipole(3, 0.05, 0.4, 0.02, 0.03),
    "multipole 4": c.Multipole(4, 0.05, 0.4, 0.02, 0.03),
    "line": c.Line(0.2, 0.9, 0.7, 0.02, 0.03),
    "short line": c.Line(0.2, 0.1, 0.7, 0.02, 0.03),
    "points": c.PointMasses(_double(0.1, 1e-4), _double(0.5, -1.2), _double(0.3, 0.4)),
    "truncated": c.TruncatedNfw(*(_double(v) for v in (0.02, 0.1, 0.5, 0.7, 0.2))),
}
LIGHTS = {
    "sersic": SOURCE,
    "cusp": c.Sersic(19.0, 0.9, 4.0, 0.5, 2.0, 0.02, 0.03),
    "faint": c.Sersic(22.5, 0.03, 0.5, 0.9, 0.0, 1.0, 1.0),
    "colours": c.Sersic(torch.tensor([22.0, 21.0])[:, None, None], 0.3, 1.3, 0.7, 0.4, 0.0, 0.1),
    "ring": c.Ring(21.0, 1.0, 0.1, 0.8, 0.3, 0.0, 0.1),
    "image": c.GalaxyImage(torch.rand(1, 20, 20), 0.1, 0.4, 0.0, 0.1),
}


def _exact(model: c.SceneModel) -> np.ndarray:
    return render_model(model, SIZE, PIXEL_SCALE, torch.zeros((), dtype=torch.float64)).numpy()


def _difference(model: c.SceneModel) -> float:
    """Largest difference over the peak."""
    exact, found = _exact(model), Rays(SIZE, PIXEL_SCALE).render(model).numpy()
    assert found.shape == exact.shape
    assert found.dtype == np.float32
    return float(np.abs(found - exact).max() / exact.max())


@pytest.mark.parametrize("name", DEFLECTORS)
def test_a_deflector_bends_as_in_double_precision(name: str) -> None:
    """Each kind alone, with an exponential disc behind it."""
    assert _difference(c.SceneModel((DEFLECTORS[name],), (SOURCE,))) < 1e-5


def test_deflections_add_up() -> None:
    """All kinds together, which bend more than one."""
    assert _difference(c.SceneModel(tuple(DEFLECTORS.values()), (SOURCE,))) < 1e-4


@pytest.mark.parametrize("name", LIGHTS)
def test_a_light_shines_as_in_double_precision(name: str) -> None:
    """In front, and behind a lens; real numbers of one scene may be tensors, as the draws are."""
    light = LIGHTS[name]
    if name == "image":  # given in single precision
        assert Rays(SIZE, PIXEL_SCALE).render(c.SceneModel(lights=(light,))).max() > 0.5
        return
    assert _difference(c.SceneModel(lights=(light,))) < 1e-5
    assert _difference(c.SceneModel((DEFLECTORS["sie"],), (light,))) < 3e-5


def test_profiles_go_to_zero_far_out() -> None:
    """Brightness below the smallest number of single precision is as good as none."""
    far = Rays(40, 10.0).render(c.SceneModel(lights=(SOURCE,)))
    assert bool(torch.isfinite(far).all())
    assert float(far[0, 0, 0]) < 1e-30


def test_a_ray_through_the_centre_is_finite() -> None:
    """Of every deflector and light at once: grids of odd size have one."""
    parts = [
        c.Epl(1.0, 0.6, 0.3, 1.2, 0.0, 0.0),
        c.Line(0.1, 0.5, 0.0, 0.0, 0.0),
        c.Multipole(4, 0.01, 0.0, 0.0, 0.0),
        c.PointMasses(torch.tensor([0.01]), torch.zeros(1), torch.zeros(1)),
    ]
    for part in parts:
        sky = Rays(9, 0.1).render(c.SceneModel((part,), (SOURCE,)))
        assert bool(torch.isfinite(sky).all())
    cusp = c.Sersic(19.0, 0.9, 4.0, 0.5, 2.0, 0.0, 0.0)
    sky = Rays(9, 0.1).render(c.SceneModel(lights=(cusp,)))
    assert float(sky.max()) == float(sky[0, 4, 4])


def test_what_one_scene_left_does_not_reach_the_next() -> None:
    """A scene's sky is the same alone and after another, and is not changed by it."""
    models = [
        c.SceneModel((DEFLECTORS["sie"], DEFLECTORS["line"]), (SOURCE,), (LIGHTS["cusp"],)),
        c.SceneModel((DEFLECTORS["shear"],), (SOURCE,)),
    ]
    both = render_models(models.__getitem__, 2, SIZE, PIXEL_SCALE)
    for sky, model in zip(both, models, strict=True):
        assert torch.equal(sky, render_model(model, SIZE, PIXEL_SCALE))


def test_tensors_without_dimensions_are_numbers() -> None:
    """Numbers that were taken from arrays of several give the same sky."""
    numbers = c.Sersic(22.5, 0.25, 1.0, 0.75, math.pi / 4, 0.5, -0.25)
    tensors = c.Sersic(*(torch.tensor(v) for v in (22.5, 0.25, 1.0, 0.75, math.pi / 4, 0.5, -0.25)))
    one, other = (
        Rays(SIZE, PIXEL_SCALE).render(c.SceneModel(lights=(light,)))
        for light in (numbers, tensors)
    )
    assert float((one - other).abs().max()) < 1e-6 * float(one.max())
