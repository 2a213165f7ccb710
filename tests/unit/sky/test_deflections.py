"""Deflections in their limits, where a closed form or another sum is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lensbench.sky import halos, lensing

ANGLES = st.floats(0, math.pi)
RADII = st.floats(0.3, 2.0)


def _rays(count: int = 200, reach: float = 2.5) -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(7)
    x, y = torch.from_numpy(random.uniform(-reach, reach, (2, 1, count)))
    return x, y


def _one(value: float) -> Tensor:
    return torch.tensor([value], dtype=torch.float64)


def test_a_point_lens_has_the_images_of_its_closed_form() -> None:
    """A source at β is seen at (β ± √(β² + 4θ_E²))/2."""
    theta_E, beta = 1.2, 0.3
    for sign in (1, -1):
        theta = (beta + sign * math.sqrt(beta**2 + 4 * theta_E**2)) / 2
        a_x, a_y = halos.point_masses(
            _one(theta)[None], _one(0)[None], _one(theta_E**2), _one(0), _one(0)
        )
        assert theta - a_x.item() == pytest.approx(beta, abs=1e-9)
        assert a_y.item() == pytest.approx(0, abs=1e-9)


@given(theta_E=RADII, phi=ANGLES)
def test_an_sie_that_is_round_is_an_sis(theta_E: float, phi: float) -> None:
    """As q → 1 the deflection is θ_E along the radius."""
    x, y = _rays()
    a_x, a_y = lensing.sie(x, y, theta_E, 0.99999, phi)
    radius = torch.hypot(x, y)
    torch.testing.assert_close(a_x, theta_E * x / radius, atol=1e-3 * theta_E, rtol=0)
    torch.testing.assert_close(a_y, theta_E * y / radius, atol=1e-3 * theta_E, rtol=0)


@given(theta_E=RADII, q=st.floats(0.35, 0.99), phi=ANGLES)
def test_an_epl_of_slope_one_is_an_sie(theta_E: float, q: float, phi: float) -> None:
    """At t = 1 the power law is isothermal."""
    x, y = _rays()
    epl = torch.stack(lensing.epl(x, y, theta_E, q, phi, 1.0))
    sie = torch.stack(lensing.sie(x, y, theta_E, q, phi))
    torch.testing.assert_close(epl, sie, atol=1e-6, rtol=0)


@given(slope=st.floats(0.3, 1.7), theta_E=RADII)
def test_a_round_epl_deflects_as_a_power_of_the_radius(slope: float, theta_E: float) -> None:
    """At q = 1 the deflection is θ_E (θ_E/r)^(t − 1)."""
    x, y = _rays()
    a_x, a_y = lensing.epl(x, y, theta_E, 1.0, 0.0, slope)
    expected = theta_E * (theta_E / torch.hypot(x, y)) ** (slope - 1)
    torch.testing.assert_close(torch.hypot(a_x, a_y), expected, atol=1e-8, rtol=1e-8)


@given(length=st.floats(0.05, 2), phi=ANGLES)
@settings(max_examples=20)
def test_a_vortex_line_is_the_limit_of_many_points(length: float, phi: float) -> None:
    """The closed form agrees with a sum over points wherever these are dense enough."""
    x, y = _rays()
    count = 4000
    line = halos.line_mass(x, y, 0.05, length, phi)
    along = ((torch.arange(count, dtype=torch.float64) + 0.5) / count * 2 - 1) * length
    masses = torch.full((count,), 0.05 / count, dtype=torch.float64)
    points = halos.point_masses(x, y, masses, along * math.cos(phi), along * math.sin(phi))
    across = (y * math.cos(phi) - x * math.sin(phi)).abs()
    far = across > 5 * 2 * length / count
    assert far.float().mean() > 0.9
    for closed, summed in zip(line, points, strict=True):
        torch.testing.assert_close(closed[far], summed[far], atol=1e-5, rtol=0)


def test_a_short_vortex_line_is_a_point() -> None:
    """From afar a line deflects like its mass at its middle."""
    x, y = _rays()
    far = torch.hypot(x, y) > 0.5
    line = halos.line_mass(x, y, 0.05, 1e-3, 0.4)
    point = halos.point_masses(x, y, _one(0.05), _one(0), _one(0))
    for a, b in zip(line, point, strict=True):
        torch.testing.assert_close(a[far], b[far], atol=1e-6, rtol=1e-5)


def test_an_nfw_cut_far_out_is_an_nfw() -> None:
    """As r_trunc → ∞ the truncated halo deflects like the whole one."""
    x, y = _rays()
    whole = halos.nfw(x, y, _one(0.01), _one(0.3), _one(0.2), _one(0.1))
    cut = halos.truncated_nfw(x, y, _one(0.01), _one(0.3), _one(3e4), _one(0.2), _one(0.1))
    for a, b in zip(whole, cut, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-9)


def test_an_nfw_cut_far_in_is_a_point_of_its_mass() -> None:
    """From afar a truncated halo deflects like the mass that `total_mass` gives it."""
    x, y = _rays(reach=400)
    alpha_Rs, Rs, tau = 0.01, 0.3, 0.5
    cut = halos.truncated_nfw(x, y, _one(alpha_Rs), _one(Rs), _one(tau * Rs), _one(0), _one(0))
    mass = alpha_Rs / halos.alpha_Rs_per_mass(Rs, tau)
    far = torch.hypot(x, y) > 100
    point = halos.point_masses(x, y, _one(mass), _one(0), _one(0))
    for a, b in zip(cut, point, strict=True):
        torch.testing.assert_close(a[far], b[far], rtol=1e-4, atol=1e-12)


@given(m=st.sampled_from([3, 4]), a_m=st.floats(0.001, 0.1), phi_m=ANGLES)
def test_a_multipole_has_the_convergence_that_it_says(m: int, a_m: float, phi_m: float) -> None:
    """Half the divergence of α is a_m/(2r) cos m(φ − φ_m), by automatic differentiation."""
    x, y = (v.squeeze(0) for v in _rays(20))

    def deflection(place: Tensor) -> Tensor:
        return torch.stack(lensing.multipole(place[0:1], place[1:2], m, a_m, phi_m)).squeeze(-1)

    for ray in torch.stack([x, y], 1):
        jacobian = torch.autograd.functional.jacobian(deflection, ray)
        radius, angle = torch.hypot(ray[0], ray[1]), torch.atan2(ray[1], ray[0])
        kappa = a_m / (2 * radius) * torch.cos(m * (angle - phi_m))
        torch.testing.assert_close(jacobian.trace() / 2, kappa, atol=1e-6, rtol=1e-6)
        assert jacobian[0, 1] == pytest.approx(jacobian[1, 0].item(), abs=1e-6)


def test_an_open_grid_gives_what_the_full_grid_gives() -> None:
    """Positions as a row and a column are the same as positions as planes."""
    axis = torch.linspace(-2, 2, 30, dtype=torch.float64)
    row, column = axis[None, :], axis[:, None]
    x, y = torch.broadcast_tensors(row, column)
    masses, x_m, y_m = torch.rand(3, 10, dtype=torch.float64)
    for a, b in zip(
        halos.point_masses(row, column, masses, x_m, y_m),
        halos.point_masses(x, y, masses, x_m, y_m),
        strict=True,
    ):
        torch.testing.assert_close(a, b)
    for a, b in zip(
        lensing.epl(row, column, 1.0, 0.7, 0.3, 1.1),
        lensing.epl(x, y, 1.0, 0.7, 0.3, 1.1),
        strict=True,
    ):
        torch.testing.assert_close(a, b)
