"""Reduced deflection angles α(θ) of the lens models, in arcsec, broadcast over scenes.

Every function takes angular positions `x`, `y` (..., H, W) [arcsec] and parameters that broadcast
against them, and returns (α_x, α_y) with β = θ − α(θ).
"""

from __future__ import annotations

import torch
from torch import Tensor

Deflection = tuple[Tensor, Tensor]

_SOFTENING = 1e-8
"""Added to squared distances [arcsec²], so that a ray through a point mass stays finite."""


def rotate(x: Tensor, y: Tensor, angle: Tensor) -> Deflection:
    """Coordinates in a frame turned by `angle` [rad] against the sky's."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    return x * cos + y * sin, y * cos - x * sin


def sie(x: Tensor, y: Tensor, theta_E: Tensor, q: Tensor, phi: Tensor) -> Deflection:
    """Singular isothermal ellipsoid (Kormann, Schneider & Bartelmann 1994, eq. 27a).

    Args:
        x, y: Positions relative to the lens centre [arcsec].
        theta_E: Einstein radius of the circle with the same enclosed mass [arcsec].
        q: Axis ratio of the convergence, 0 < q < 1; one within 1e-4 is taken as 1 − 1e-4.
        phi: Position angle of the major axis, from the x axis [rad].
    """
    q = q.clamp(max=1 - 1e-4)
    f = torch.sqrt(1 - q**2)
    u, v = rotate(x, y, phi)
    psi = torch.sqrt(q**2 * u**2 + v**2 + _SOFTENING)
    scale = theta_E * torch.sqrt(q) / f
    a_u = scale * torch.atan(f * u / psi)
    a_v = scale * torch.atanh(f * v / psi)
    return rotate(a_u, a_v, -phi)


def shear(x: Tensor, y: Tensor, gamma_1: Tensor, gamma_2: Tensor) -> Deflection:
    """External shear about the origin: α = ((γ₁, γ₂), (γ₂, −γ₁)) θ."""
    return gamma_1 * x + gamma_2 * y, gamma_2 * x - gamma_1 * y


def point_masses(
    x: Tensor, y: Tensor, masses: Tensor, x_masses: Tensor, y_masses: Tensor
) -> Deflection:
    """Point masses: α = Σ θ_E,i² (θ − θ_i)/|θ − θ_i|².

    Args:
        x, y: Positions (B, H, W) [arcsec].
        masses: Squared Einstein radii θ_E,i² (B, K) [arcsec²].
        x_masses, y_masses: Positions θ_i (B, K) [arcsec].
    """
    a_x, a_y = torch.zeros_like(x), torch.zeros_like(y)
    for m, x_m, y_m in zip(masses.T, x_masses.T, y_masses.T, strict=True):
        dx, dy = x - x_m[:, None, None], y - y_m[:, None, None]
        weight = m[:, None, None] / (dx**2 + dy**2 + _SOFTENING)
        a_x += weight * dx
        a_y += weight * dy
    return a_x, a_y


def line_mass(x: Tensor, y: Tensor, mass: Tensor, half_length: Tensor, phi: Tensor) -> Deflection:
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
    a_u = density / 2 * torch.log((left**2 + v**2 + _SOFTENING) / (right**2 + v**2 + _SOFTENING))
    a_v = density * (torch.atan2(v, right) - torch.atan2(v, left))
    return rotate(a_u, a_v, -phi)


def axis_ratio(ellipticity: Tensor) -> Tensor:
    """Axis ratio q of an ellipticity |e| = (1 − q)/(1 + q)."""
    return (1 - ellipticity) / (1 + ellipticity)
