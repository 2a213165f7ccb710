"""Reduced deflection angles of substructure: point masses, (truncated) NFW haloes, vortex lines.

Positions `x`, `y` [arcsec] may be open grids, as in `lensing`. Parameters of K haloes have shape
(..., K); the dimensions before K broadcast against those of the positions before their last two.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lensbench.sky.lensing import SOFTENING, Deflection, rotate
from lensbench.sky.scalars import Number

HaloMass = Callable[[Tensor, int], Tensor]
"""Projected mass within r/R_s of the halo of this index, in units of π κ_0 R_s."""

_CACHED = 1 << 18
"""Terms of a sum over masses that are held at once: as many as stay in a core's cache."""


def point_masses(
    x: Tensor, y: Tensor, masses: Tensor, x_masses: Tensor, y_masses: Tensor
) -> Deflection:
    """Point masses: α = Σ θ_E,i² (θ − θ_i)/|θ − θ_i|².

    Summed as θ Σ w_i − Σ w_i θ_i with w_i = θ_E,i²/|θ − θ_i|²: one matrix product over all
    masses instead of several passes over the image for each. In single precision the difference
    is good to 1e-7 |θ| θ_E²/d² at a distance d from a mass: use double where that matters.

    Args:
        x, y: Positions (..., H, W), or open (..., 1, W) and (..., H, 1) [arcsec].
        masses: Squared Einstein radii θ_E,i² (..., K) [arcsec²].
        x_masses, y_masses: Positions θ_i (..., K) [arcsec].
    """
    dx_squared = (x[..., None, :, :] - x_masses[..., None, None]) ** 2
    dy_squared = (y[..., None, :, :] - y_masses[..., None, None]) ** 2 + SOFTENING
    shares = torch.stack([masses, masses * x_masses, masses * y_masses], -2)
    height, width = max(x.shape[-2], y.shape[-2]), max(x.shape[-1], y.shape[-1])
    rows = max(1, _CACHED // (width * masses.shape[-1]))
    sums = []
    for start in range(0, height, rows):
        dx_rows = dx_squared if x.shape[-2] == 1 else dx_squared[..., start : start + rows, :]
        dy_rows = dy_squared if y.shape[-2] == 1 else dy_squared[..., start : start + rows, :]
        inverse = (dx_rows + dy_rows).reciprocal_()
        sums.append(shares @ inverse.flatten(-2))
    total = torch.cat(sums, -1)
    weight, weighted_x, weighted_y = total.reshape(*total.shape[:-1], height, width).unbind(-3)
    return x * weight - weighted_x, y * weight - weighted_y


def line_mass(x: Tensor, y: Tensor, mass: Number, half_length: Number, phi: Number) -> Deflection:
    """A uniform straight line of mass through the origin, in closed form.

    The limit of many equal point masses: with z = u + iv along and across the line,
    conj(α) = θ_E²/(2L) ln((z + L)/(z − L)).

    Args:
        x, y: Positions relative to the line's centre [arcsec].
        mass: Squared Einstein radius of the whole line [arcsec²].
        half_length: L [arcsec].
        phi: Angle of the line from the x axis [rad].
    """
    u, v = rotate(x, y, phi)
    right, left = u - half_length, u + half_length
    density = mass / (2 * half_length)
    v_squared = v**2 + SOFTENING
    a_u = density / 2 * torch.log((left**2 + v_squared) / (right**2 + v_squared))
    a_v = density * (torch.atan2(v, right) - torch.atan2(v, left))
    return rotate(a_u, a_v, -phi)


def nfw(
    x: Tensor, y: Tensor, alpha_Rs: Tensor, Rs: Tensor, x_halos: Tensor, y_halos: Tensor
) -> Deflection:
    """NFW haloes (Wright & Brainerd 2000, eq. 13).

    α = κ_0 g(x)/x with x = r/R_s, g(x) = ln(x/2) + F(x) and κ_0 = 4 ρ_0 R_s²/Σ_crit [arcsec].

    Args:
        x, y: Positions [arcsec].
        alpha_Rs: Deflection at the scale radius (..., K) [arcsec].
        Rs: Scale radii (..., K) [arcsec].
        x_halos, y_halos: Centres (..., K) [arcsec].
    """

    def mass(scaled: Tensor, _index: int) -> Tensor:
        return torch.log(scaled / 2) + _nfw_f(scaled)

    return _sum_of_halos(x, y, mass, alpha_Rs, Rs, x_halos, y_halos)


def truncated_nfw(
    x: Tensor,
    y: Tensor,
    alpha_Rs: Tensor,
    Rs: Tensor,
    r_trunc: Tensor,
    x_halos: Tensor,
    y_halos: Tensor,
) -> Deflection:
    """NFW haloes cut off as ρ ∝ ρ_NFW τ²/(τ² + x²) (Baltz, Marshall & Oguri 2009, eq. A.11).

    `alpha_Rs` is that of the same halo without the cut, so that the cut only takes mass away.

    Args:
        x, y: Positions [arcsec].
        alpha_Rs: Deflection at the scale radius of the halo without a cut (..., K) [arcsec].
        Rs: Scale radii (..., K) [arcsec].
        r_trunc: Truncation radii τ R_s (..., K) [arcsec].
        x_halos, y_halos: Centres (..., K) [arcsec].
    """
    tau_all = (r_trunc / Rs).double()

    def mass(scaled: Tensor, index: int) -> Tensor:
        tau = tau_all[..., index, None, None]
        tau_2, root = tau**2, torch.sqrt(tau**2 + scaled**2)
        log = torch.log(scaled / (root + tau))
        return (
            tau_2
            / (tau_2 + 1) ** 2
            * (
                (tau_2 + 1 + 2 * (scaled**2 - 1)) * _nfw_f(scaled)
                + tau * torch.pi
                + (tau_2 - 1) * torch.log(tau)
                + root * (-torch.pi + (tau_2 - 1) / tau * log)
            )
        )

    return _sum_of_halos(x, y, mass, alpha_Rs, Rs, x_halos, y_halos)


def alpha_Rs_per_mass(Rs: float, tau: float) -> float:
    """`alpha_Rs` of a truncated NFW halo whose whole mass has a squared Einstein radius of one.

    The mass is that of Baltz, Marshall & Oguri 2009, eq. A.4, in units of π Σ_crit.

    Args:
        Rs: Scale radius [arcsec].
        tau: Truncation radius over scale radius.

    Returns:
        Its ratio [arcsec/arcsec²].
    """
    whole = tau**2 / (tau**2 + 1) ** 2 * ((tau**2 - 1) * math.log(tau) + tau * math.pi - tau**2 - 1)
    return (1 + math.log(0.5)) / (Rs * whole)


def _sum_of_halos(
    x: Tensor,
    y: Tensor,
    mass: HaloMass,
    alpha_Rs: Tensor,
    Rs: Tensor,
    x_halos: Tensor,
    y_halos: Tensor,
) -> Deflection:
    """Deflection of round haloes of projected mass m(x), in double: near a centre logs cancel."""
    kappa = (alpha_Rs / (1 + math.log(0.5))).double()
    total_x = total_y = torch.zeros((), dtype=torch.float64, device=x.device)
    for index in range(Rs.shape[-1]):
        dx = x.double() - x_halos[..., index, None, None]
        dy = y.double() - y_halos[..., index, None, None]
        squared = dx**2 + dy**2 + SOFTENING
        scale = Rs[..., index, None, None].double()
        scaled = torch.sqrt(squared) / scale
        weight = kappa[..., index, None, None] * scale * mass(scaled, index) / squared
        total_x, total_y = total_x + weight * dx, total_y + weight * dy
    return total_x.to(x.dtype), total_y.to(x.dtype)


def _nfw_f(x: Tensor) -> Tensor:
    """F(x) = arccosh(1/x)/√(1 − x²) for x < 1 and arccos(1/x)/√(x² − 1) for x > 1."""
    squared = x**2 - 1
    near = squared.abs() < 1e-5
    inside = torch.where((squared < 0) & ~near, -squared, 0.5)
    outside = torch.where((squared > 0) & ~near, squared, 0.5)
    s_in, s_out = torch.sqrt(inside), torch.sqrt(outside)
    below = torch.log((1 + s_in) / torch.where(squared < 0, x, 1.0)) / s_in
    above = torch.atan(s_out) / s_out
    return torch.where(near, 1 - squared / 3, torch.where(squared < 0, below, above))
