"""Shape statistics against closed forms."""

import math

import numpy as np
import pytest
import torch

from lensbench_reference.baselines.shapes import (
    asymmetry,
    concentration,
    gini,
    m20,
    second_moments,
    shape_features,
)
from lensbench_reference.lens_fitting.rings import (
    azimuthal_profile,
    mean_radius,
    peak_radius,
    ring_radius,
)

AXIS = torch.arange(101, dtype=torch.float64) - 50
RADIUS = torch.hypot(AXIS[:, None], AXIS[None, :])[None]


def image_of(*values):
    """An image (1, 1, n)."""
    return torch.tensor(values, dtype=torch.float64)[None, None]


def test_gini_of_even_light_and_of_one_pixel():
    """0, 1 where the other pixels hold next to nothing, and 1/3 of light as 1, 2, …, n."""
    assert gini(image_of(4.0, 4.0, 4.0)).item() == pytest.approx(0.0)
    n = 50
    ramp = gini(image_of(*map(float, range(1, n + 1))))
    assert ramp.item() == pytest.approx(1 / 3)
    nearly = gini(image_of(1e-9, 1e-9, 1e-9, 1.0))
    assert nearly.item() == pytest.approx(1.0, abs=1e-6)


def test_m20_of_two_knots():
    """The brighter of two knots holds the fifth: its moment over both moments."""
    image = torch.zeros(1, 21, 21, dtype=torch.float64)
    image[0, 10, 2], image[0, 10, 17] = 2.0, 1.0
    # The centroid is a third of the way: moments 2·5² and 1·10².
    assert m20(image).item() == pytest.approx(math.log10(50 / 150))


def test_concentration_of_an_even_disc():
    """r80/r20 is 2 where light grows as r²."""
    disc = (RADIUS < 40).double()
    assert concentration(disc).item() == pytest.approx(5 * math.log10(2), abs=0.03)


def test_concentration_of_a_gaussian():
    """Light within r is 1 − exp(−r²/2σ²)."""
    expected = 5 * math.log10(math.sqrt(math.log(0.2) / math.log(0.8)))
    assert concentration(torch.exp(-(RADIUS**2) / 128)).item() == pytest.approx(expected, abs=0.05)


def test_asymmetry_of_symmetric_and_of_lopsided_light():
    """0 but for the noise term, 2 where nothing answers; half turns forgive a bar, quarters not."""
    bar = torch.zeros(1, 32, 32)
    bar[:, 15:17, 4:28] = 1e4
    assert asymmetry(bar, 2).item() == pytest.approx(0.0, abs=1e-3)
    assert asymmetry(bar, 1).item() > 1.0
    alone = torch.zeros(1, 32, 32)
    alone[:, 3:6, 3:6] = 1e4
    assert asymmetry(alone, 2).item() == pytest.approx(2.0, abs=1e-2)


def test_asymmetry_of_noise_about_a_symmetric_object_is_none():
    """What noise of one σ adds is taken off."""
    random = torch.Generator().manual_seed(0)
    noisy = 40.0 + torch.randn(1, 200, 200, generator=random)
    assert abs(asymmetry(noisy, 2).item()) < 5e-4


def test_ellipticity_and_size_of_a_gaussian():
    """(1 − q)/(1 + q), whatever its direction, and σ√(1 + q²)."""
    q, sigma = 0.5, 8.0
    for angle in (0.0, 0.6):
        u = AXIS[None, :] * math.cos(angle) + AXIS[:, None] * math.sin(angle)
        v = AXIS[:, None] * math.cos(angle) - AXIS[None, :] * math.sin(angle)
        light = torch.exp(-(u**2 + (v / q) ** 2) / (2 * sigma**2))[None]
        ellipticity, size = second_moments(light)
        assert ellipticity.item() == pytest.approx((1 - q) / (1 + q), abs=1e-3)
        assert size.item() == pytest.approx(sigma * math.sqrt(1 + q**2), rel=1e-3)


def test_shape_features_do_not_change_under_quarter_turns():
    """All of them, to rounding."""
    random = torch.Generator().manual_seed(0)
    images = 5 * torch.randn(3, 1, 32, 32, generator=random)
    turned = shape_features(torch.rot90(images, 1, (2, 3)))
    assert np.allclose(shape_features(images), turned, atol=1e-5)


def test_the_radius_of_a_ring_is_found_with_and_without_a_galaxy_in_it():
    """A ring of 1.2″ of a twentieth in width, and a steep galaxy at its centre."""
    radius = RADIUS.float() * 0.05
    ring = 50 * torch.exp(-0.5 * ((radius - 1.2) / 0.06) ** 2)
    galaxy = 3000 * torch.exp(-5 * (radius + 0.01).sqrt())
    assert mean_radius(ring, 0.05).item() == pytest.approx(1.2, abs=0.01)
    assert ring_radius(ring + galaxy, 0.05).item() == pytest.approx(1.2, abs=0.05)
    assert peak_radius(ring + galaxy, 0.05).item() == pytest.approx(1.2, abs=0.06)


def test_the_profile_of_even_light_is_even():
    """Each ring's mean is the level; rings wider than a pixel have their middles in order."""
    profile, middle = azimuthal_profile(torch.full((1, 32, 32), 2.0), 0.1, 0.25)
    assert torch.allclose(profile, torch.tensor(2.0))
    assert torch.allclose(middle.diff(), torch.tensor(0.25))
