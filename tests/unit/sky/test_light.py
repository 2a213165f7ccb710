"""Light: every profile has the flux that its magnitude says, and lies where it is put."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lensbench.sky import components as c
from lensbench.sky.light import flux, sersic_b

SIZE, PIXEL_SCALE = 500, 0.03
AXIS = (torch.arange(SIZE, dtype=torch.float64) - (SIZE - 1) / 2) * PIXEL_SCALE
ROW, COLUMN = AXIS[None, :], AXIS[:, None]

PROFILES = {
    "sersic": c.Sersic(22.0, 0.5, 1.0, 0.6, 0.7, 0.2, -0.1),
    "ring": c.Ring(22.0, 1.2, 0.15, 0.7, 0.4, 0.2, -0.1),
    "spiral": c.Spiral(22.0, 0.6, 0.8, 1.1, 2.0, 0.6, 0.4, 0.2, -0.1),
}


@pytest.mark.parametrize("name", PROFILES)
def test_light_adds_up_to_its_magnitude(name: str) -> None:
    """The integral over the plane is the flux of the magnitude."""
    total = PROFILES[name].brightness(ROW, COLUMN).sum() * PIXEL_SCALE**2
    assert float(total) == pytest.approx(flux(22.0), rel=0.005)


@pytest.mark.parametrize("name", PROFILES)
def test_light_lies_where_it_is_put(name: str) -> None:
    """The centroid is the centre."""
    sky = PROFILES[name].brightness(ROW, COLUMN)
    assert float((sky * ROW).sum() / sky.sum()) == pytest.approx(0.2, abs=0.01)
    assert float((sky * COLUMN).sum() / sky.sum()) == pytest.approx(-0.1, abs=0.01)


@given(n=st.floats(0.5, 6))
def test_half_of_the_light_is_within_the_half_light_radius(n: float) -> None:
    """b_n solves γ(2n, b) = Γ(2n)/2."""
    half = torch.special.gammainc(
        torch.tensor(2 * n, dtype=torch.float64),
        torch.tensor(sersic_b(n), dtype=torch.float64),
    )
    assert float(half) == pytest.approx(0.5, abs=2e-4)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_an_image_keeps_its_flux_when_it_is_turned(interpolation: str) -> None:
    """A smooth image of a galaxy has the same flux at any angle and place."""
    axis = (torch.arange(60, dtype=torch.float64) - 29.5) * 0.08
    pixels = torch.exp(-(axis[:, None] ** 2 + axis[None, :] ** 2) / (2 * 0.4**2))[None]
    for phi in (0.0, 0.6, math.pi / 2):
        galaxy = c.GalaxyImage(pixels, 0.08, phi, 0.5, -0.3, interpolation)
        total = galaxy.brightness(ROW, COLUMN).sum() * PIXEL_SCALE**2
        assert float(total) == pytest.approx(float(pixels.sum() * 0.08**2), rel=1e-3)


def test_bands_have_their_own_magnitudes() -> None:
    """A magnitude (C, 1, 1) gives channels in the ratio of their fluxes."""
    magnitudes = torch.tensor([22.0, 21.0], dtype=torch.float64)[:, None, None]
    sky = c.Sersic(magnitudes, 0.5, 1.0, 0.6, 0.7, 0.0, 0.0).brightness(ROW, COLUMN)
    assert sky.shape == (2, SIZE, SIZE)
    torch.testing.assert_close(sky[1] / sky[0], torch.full_like(sky[0], 10**0.4))
