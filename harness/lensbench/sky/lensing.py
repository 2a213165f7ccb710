"""Reduced deflection angles α(θ) of the macro lens, in arcsec, broadcast over scenes.

Every function takes angular positions `x`, `y` [arcsec] and parameters that broadcast against
them (plain numbers or tensors), and returns (α_x, α_y) with β = θ − α(θ). Positions may be an
open grid, `x` (..., 1, W) and `y` (..., H, 1): what is separable then costs a row and a column
and not a plane.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensbench.sky import scalars
from lensbench.sky.scalars import Number

Deflection = tuple[Tensor, Tensor]

SOFTENING = 1e-12
"""Added to squared distances [arcsec²], so that a ray through a singular point stays finite."""

ROUNDEST_SIE = 1 - 1e-4
"""Largest axis ratio of an SIE: its formula divides by √(1 − q²)."""

_SIN_SQUARED = tuple(math.sin((i + 0.5) * math.pi / 32) ** 2 for i in range(16))
"""sin² of 16 directions in a quadrant, evenly spaced."""

_EPL_ERROR = 1e-8
"""Terms of the angular series of the EPL below this are left out."""

_EPL_TERMS = 29
"""As many as the series then has at an axis ratio of 0.3."""


def rotate(x: Tensor, y: Tensor, angle: Number) -> Deflection:
    """Coordinates in a frame turned by `angle` [rad] against the sky's."""
    cos, sin = scalars.cos(angle), scalars.sin(angle)
    return x * cos + y * sin, y * cos - x * sin


def axis_ratio(ellipticity: Number) -> Number:
    """Axis ratio q of an ellipticity |e| = (1 − q)/(1 + q)."""
    return (1 - ellipticity) / (1 + ellipticity)


def elliptical_mean(q: Number, slope: Number = 1.0) -> Number:
    """Mean of ρ^−t over directions on the unit circle, ρ² = q cos² φ + sin² φ/q.

    It is the mean convergence of an SIE (t = 1) or EPL within a circle of radius θ_E: one where the
    lens is round, less where it is not. The midpoint rule converges exponentially, to 1e-7 at an
    axis ratio of 0.3.

    Args:
        q: Axis ratio of the convergence.
        slope: t of the convergence.
    """
    power = -slope / 2
    total = sum((q * (1 - sin_2) + sin_2 / q) ** power for sin_2 in _SIN_SQUARED)
    mean: Number = total / len(_SIN_SQUARED)
    return mean


def sie(x: Tensor, y: Tensor, theta_E: Number, q: Number, phi: Number) -> Deflection:
    """Singular isothermal ellipsoid (Kormann, Schneider & Bartelmann 1994, eq. 27a).

    Args:
        x, y: Positions relative to the lens centre [arcsec].
        theta_E: Geometric mean of the half-axes of the ellipse of constant convergence within which
            the mean convergence is one [arcsec].
        q: Axis ratio of the convergence, 0 < q < 1; one within 1e-4 is taken as 1 − 1e-4.
        phi: Position angle of the major axis, from the x axis [rad].
    """
    q = scalars.at_most(q, ROUNDEST_SIE)
    f = scalars.sqrt(1 - q**2)
    u, v = rotate(x, y, phi)
    psi = torch.sqrt((q * u) ** 2 + v**2 + SOFTENING)
    scale = theta_E * scalars.sqrt(q) / f
    a_u = scale * torch.atan2(f * u, psi)  # ψ > 0; torch's atan takes twice as long
    a_v = scale * torch.atanh(f * v / psi)
    return rotate(a_u, a_v, -phi)


def epl(x: Tensor, y: Tensor, theta_E: Number, q: Number, phi: Number, slope: Number) -> Deflection:
    """Elliptical power law (Tessore & Metcalf 2015, eqs. 11, 13 and 29).

    κ = (2 − t)/2 (θ_E/ρ)^t with ρ² = q u² + v²/q. The angular part is the hypergeometric series
    Ω = Σ_n c_n e^{i(2n+1)φ}, c_n/c_{n−1} = −f (2n − 2 + t)/(2n + 2 − t), summed by Clenshaw's
    recurrence b_n = c_n + 2 cos 2φ b_{n+1} − b_{n+2}: Σ_n c_n e^{2inφ} = b_0 − b_1 e^{−2iφ}.

    Args:
        x, y: Positions relative to the lens centre [arcsec].
        theta_E: As that of `sie` [arcsec].
        q: Axis ratio of the convergence, 0.3 ≤ q ≤ 1 (below, the series is cut too early).
        phi: Position angle of the major axis, from the x axis [rad].
        slope: t of the convergence, 0 < t < 2; t = 1 is the SIE.
    """
    f = (1 - q) / (1 + q)
    u, v = rotate(x, y, phi)
    radius = torch.sqrt(q**2 * u**2 + v**2 + SOFTENING)
    cos, sin = q * u / radius, v / radius
    cos_2 = cos**2 - sin**2
    above, last = torch.zeros_like(cos), torch.zeros_like(cos)  # b_{n+1} and b_{n+2}
    for c in reversed(epl_series(f, slope)):
        above, last = torch.addcmul(c - last, 2 * cos_2, above), above
    # b_0 − b_1 e^{−2iφ}, times e^{iφ}: its real part is (b_0 − b_1) cos φ
    b = theta_E * scalars.sqrt(q)
    scale = 2 * b / (1 + q) * torch.pow(b / radius, slope - 1)
    a_u, a_v = scale * cos * (above - last), scale * sin * (above + last)
    return rotate(a_u, a_v, -phi)


def epl_series(f: Number, slope: Number) -> list[Number]:
    """Coefficients c_0, c_1, … of the angular series, as far as they matter."""
    terms = _EPL_TERMS
    if not isinstance(f, Tensor):
        terms = min(terms, math.ceil(math.log(_EPL_ERROR) / math.log(max(f, 1e-9))))
    series: list[Number] = [1.0]
    for n in range(1, terms + 1):
        series.append(-series[-1] * f * (2 * n - 2 + slope) / (2 * n + 2 - slope))
    return series


def shear(x: Tensor, y: Tensor, gamma_1: Number, gamma_2: Number) -> Deflection:
    """External shear about the origin: α = ((γ₁, γ₂), (γ₂, −γ₁)) θ."""
    return gamma_1 * x + gamma_2 * y, gamma_2 * x - gamma_1 * y


def multipole(x: Tensor, y: Tensor, m: int, a_m: Number, phi_m: Number) -> Deflection:
    """Multipole of order m ≥ 2 of an isothermal lens (Xu et al. 2015, eq. B12).

    ψ = r a_m/(1 − m²) cos m(φ − φ_m), κ = a_m/(2r) cos m(φ − φ_m).

    Args:
        x, y: Positions relative to the lens centre [arcsec].
        m: Order; 3 and 4 are the ones measured in isophotes of early-type galaxies.
        a_m: Amplitude [arcsec]; relative to θ_E it is the isophote's a_m/a.
        phi_m: Direction of a maximum, from the x axis [rad].
    """
    radius = torch.sqrt(x * x + (y * y + SOFTENING))
    cos, sin = x / radius, y / radius
    cos_m, sin_m = cos, sin
    for _ in range(m - 1):  # e^{imφ}, which costs less than angles
        cos_m, sin_m = cos_m * cos - sin_m * sin, sin_m * cos + cos_m * sin
    peak, slope = a_m / (1 - m**2), a_m * m / (1 - m**2)
    cos_0, sin_0 = scalars.cos(m * phi_m), scalars.sin(m * phi_m)
    radial = (peak * cos_0) * cos_m + (peak * sin_0) * sin_m
    tangential = (slope * cos_0) * sin_m - (slope * sin_0) * cos_m
    return cos * radial + sin * tangential, sin * radial - cos * tangential
