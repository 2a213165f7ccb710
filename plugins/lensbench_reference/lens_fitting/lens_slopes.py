"""Derivatives of a smooth lens's image in closed form.

The surface brightness is S(β) with β = θ − α(θ): by a parameter of the mass it changes by −∇S·∂α,
by one of the source by ∂S. For the SIE (Kormann, Schneider & Bartelmann 1994, eq. 27a) these are
short: with u, v in the frame of the lens and ψ² = q²u² + v², the Hessian of the potential is
θ_E √q/(ψ r²) times (v², −uv; −uv, u²).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lensbench_reference.lens_fitting.perturbers import Deflection, Perturber
from lensbench_reference.lens_fitting.smooth_lens import (
    LARGEST_ELLIPTICITY,
    LARGEST_SHEAR,
    NO_SHEAR,
    ROUND,
    named,
    shining,
)

_SOFTENING = 1e-12
"""Added to squared distances [arcsec²], as the harness does."""

_ZEROPOINT = 23.9
"""AB magnitude of 1 µJy (Oke & Gunn 1983)."""


def sky_and_slopes(
    theta: Tensor, x: Tensor, y: Tensor, perturber: Perturber | None = None
) -> tuple[Tensor, Tensor]:
    """Surface brightness (B, S, S) [µJy/arcsec²] and its derivatives (B, P, S, S).

    Args:
        theta: Parameters of `smooth_lens`, then those of the perturber (B, P).
        x: Of the rays (1, S) [arcsec].
        y: Of the rays (S, 1) [arcsec].
        perturber: What else deflects.
    """
    columns = theta[..., None, None]
    smooth = theta.shape[1] - (perturber.count if perturber else 0)
    p = named(columns[:, :smooth], -3)
    dx, dy = x - p["lens_x"], y - p["lens_y"]
    mass = _Mass.of(p, dx, dy)
    beta_x, beta_y = dx - mass.a_x - p["source_x"], dy - mass.a_y - p["source_y"]
    if perturber:
        extra_x, extra_y = perturber.deflection(columns[:, smooth:], dx, dy)
        beta_x, beta_y = beta_x - extra_x, beta_y - extra_y
    source = _Profile.of(
        p["magnitude"],
        p["ln_radius"],
        p["ln_index"],
        _Shape.of(p["source_e1"], p["source_e2"]),
        beta_x,
        beta_y,
    )
    s_x, s_y = source.by_x, source.by_y
    by_x, by_y = mass.through_place(s_x, s_y)
    slopes = [
        *mass.through_lens(s_x, s_y),
        by_x,
        by_y,
        *mass.through_shear(s_x, s_y),
        *source.by_parameters(),
        -s_x,
        -s_y,
    ]
    level = source.level
    for part in shining(p):
        light = _Profile.of(
            p[f"{part}_magnitude"],
            p[f"ln_{part}_radius"],
            p[f"ln_{part}_index"],
            _Shape.of(p[f"{part}_e1"], p[f"{part}_e2"]),
            dx,
            dy,
        )
        level = level + light.level
        slopes[3], slopes[4] = slopes[3] - light.by_x, slopes[4] - light.by_y
        slopes += light.by_parameters()
    if perturber:
        moved, own = _through_perturber(perturber, columns[:, smooth:], dx, dy)
        slopes[3] = slopes[3] + s_x * moved[0][0] + s_y * moved[0][1]
        slopes[4] = slopes[4] + s_x * moved[1][0] + s_y * moved[1][1]
        slopes += [-s_x * a_x - s_y * a_y for a_x, a_y in own]
    return level, torch.stack(slopes, 1)


_STEP = 1e-3
"""Of the differences that give a perturber's derivatives."""


def _through_perturber(
    perturber: Perturber, values: Tensor, dx: Tensor, dy: Tensor
) -> tuple[list[Deflection], list[Deflection]]:
    """Derivatives of a perturber's deflection by place and by its parameters: differences."""

    def difference(moved: Tensor, x: float, y: float, step: float) -> Deflection:
        high = perturber.deflection(values + moved, dx + x, dy + y)
        low = perturber.deflection(values - moved, dx - x, dy - y)
        return (high[0] - low[0]) / (2 * step), (high[1] - low[1]) / (2 * step)

    none = torch.zeros_like(values)
    places = [difference(none, _STEP, 0.0, _STEP), difference(none, 0.0, _STEP, _STEP)]
    own = []
    for i in range(perturber.count):
        step = 0.5 if i == 0 else _STEP  # a deflection is proportional to its mass
        moved = none.clone()
        moved[:, i] = step
        own.append(difference(moved, 0.0, 0.0, step))
    return places, own


@dataclass(frozen=True)
class _Shape:
    """An ellipticity's axis ratio and angle, and their derivatives by its components."""

    q: Tensor
    cos: Tensor
    sin: Tensor
    q_1: Tensor
    q_2: Tensor
    phi_1: Tensor
    phi_2: Tensor

    @classmethod
    def of(cls, e_1: Tensor, e_2: Tensor) -> _Shape:
        squared = e_1**2 + e_2**2
        size = torch.sqrt(squared + ROUND)
        root = torch.sqrt(1 + (size / LARGEST_ELLIPTICITY) ** 2)
        e = size / root
        by_size = -2 / (1 + e) ** 2 / root**3
        phi = torch.atan2(e_2, e_1) / 2
        whole = (2 * squared).clamp(min=1e-30)
        return cls(
            (1 - e) / (1 + e),
            torch.cos(phi),
            torch.sin(phi),
            by_size * e_1 / size,
            by_size * e_2 / size,
            -e_2 / whole,
            e_1 / whole,
        )

    def by_components(self, by_q: Tensor, by_phi: Tensor) -> list[Tensor]:
        """Derivatives by both components, from those by axis ratio and angle."""
        return [by_q * self.q_1 + by_phi * self.phi_1, by_q * self.q_2 + by_phi * self.phi_2]


@dataclass(frozen=True)
class _Mass:
    """Deflection (a_x, a_y) of SIE and shear at positions dx, dy from their centre."""

    dx: Tensor
    dy: Tensor
    shape: _Shape
    sie_x: Tensor
    sie_y: Tensor
    a_x: Tensor
    a_y: Tensor
    density: Tensor
    gamma: tuple[Tensor, Tensor]
    gamma_slopes: tuple[Tensor, Tensor, Tensor]

    @classmethod
    def of(cls, p: dict[str, Tensor], dx: Tensor, dy: Tensor) -> _Mass:
        shape = _Shape.of(p["lens_e1"], p["lens_e2"])
        q, cos, sin = shape.q, shape.cos, shape.sin
        f = torch.sqrt(1 - q**2)
        u, v = dx * cos + dy * sin, dy * cos - dx * sin
        psi = torch.sqrt((q * u) ** 2 + v**2 + _SOFTENING)
        b = p["ln_theta_E"].exp() * torch.sqrt(q)
        a_u = b / f * torch.atan2(f * u, psi)
        a_v = b / f * torch.atanh(f * v / psi)
        sie_x, sie_y = a_u * cos - a_v * sin, a_u * sin + a_v * cos
        gamma, slopes = _shear(p["gamma_1"], p["gamma_2"])
        a_x = sie_x + gamma[0] * dx + gamma[1] * dy
        a_y = sie_y + gamma[1] * dx - gamma[0] * dy
        return cls(dx, dy, shape, sie_x, sie_y, a_x, a_y, b / psi, gamma, slopes)

    def through_lens(self, s_x: Tensor, s_y: Tensor) -> list[Tensor]:
        """Derivatives of S by ln θ_E and both components of the ellipticity."""
        shape, q = self.shape, self.shape.q
        along = s_x * self.sie_x + s_y * self.sie_y
        turning = self.density * (self.dy * s_x - self.dx * s_y)
        by_phi = s_x * self.sie_y - s_y * self.sie_x - turning
        u = self.dx * shape.cos + self.dy * shape.sin
        v = self.dy * shape.cos - self.dx * shape.sin
        s_u, s_v = s_x * shape.cos + s_y * shape.sin, s_y * shape.cos - s_x * shape.sin
        f_squared = 1 - q**2
        flattening = self.density / f_squared * (q * u * s_u + v * s_v / q)
        by_q = flattening - (0.5 / q + q / f_squared) * along
        return [-along, *shape.by_components(by_q, by_phi)]

    def through_place(self, s_x: Tensor, s_y: Tensor) -> tuple[Tensor, Tensor]:
        """Derivatives of S by the common place of lens and source."""
        radius = self.dx**2 + self.dy**2 + _SOFTENING
        turning = self.density / radius * (self.dy * s_x - self.dx * s_y)
        g_1, g_2 = self.gamma
        by_x = self.dy * turning + g_1 * s_x + g_2 * s_y - s_x
        by_y = -self.dx * turning + g_2 * s_x - g_1 * s_y - s_y
        return by_x, by_y

    def through_shear(self, s_x: Tensor, s_y: Tensor) -> list[Tensor]:
        """Derivatives of S by both components of the shear."""
        one = self.dy * s_y - self.dx * s_x
        two = -self.dy * s_x - self.dx * s_y
        first, mixed, second = self.gamma_slopes
        return [one * first + two * mixed, one * mixed + two * second]


def _shear(one: Tensor, two: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]:
    """Both components of the bounded shear, and ∂₁g₁, ∂₂g₁ = ∂₁g₂ and ∂₂g₂."""
    squared = one**2 + two**2
    root = torch.sqrt(1 + (squared + NO_SHEAR) / LARGEST_SHEAR**2)
    bend = root**-3 / LARGEST_SHEAR**2
    slopes = (1 / root - bend * one**2, -bend * one * two, 1 / root - bend * two**2)
    return (one / root, two / root), slopes


@dataclass(frozen=True)
class _Profile:
    """A Sérsic profile at positions from its centre: its level and what its derivatives share."""

    level: Tensor
    by_x: Tensor
    by_y: Tensor
    u: Tensor
    v: Tensor
    z: Tensor
    by_squared: Tensor
    shape: _Shape
    n: Tensor
    b: Tensor
    b_slope: Tensor

    @classmethod
    def of(
        cls,
        magnitude: Tensor,
        ln_radius: Tensor,
        ln_index: Tensor,
        shape: _Shape,
        x: Tensor,
        y: Tensor,
    ) -> _Profile:
        n = ln_index.exp()
        b, b_slope = _sersic_b(n)
        q, cos, sin = shape.q, shape.cos, shape.sin
        u, v = x * cos + y * sin, y * cos - x * sin
        squared = q * u**2 + v**2 / q + _SOFTENING
        z = torch.exp(torch.log(squared) * (0.5 / n) + (b.log() - ln_radius / n))
        ln_total = (
            math.log(2 * math.pi)
            + 2 * ln_radius
            + ln_index
            - 2 * n * b.log()
            + torch.lgamma(2 * n)
            + 0.4 * math.log(10) * (magnitude - _ZEROPOINT)
        )
        level = torch.exp(-z - ln_total)
        by_squared = -level * z * (0.5 / n) / squared
        along, across = 2 * q * by_squared * u, 2 / q * by_squared * v
        by_x, by_y = along * cos - across * sin, along * sin + across * cos
        return cls(level, by_x, by_y, u, v, z, by_squared, shape, n, b, b_slope)

    def by_parameters(self) -> list[Tensor]:
        """Derivatives by magnitude, ln radius, ln index and both components of the ellipticity."""
        n, z, q = self.n, self.z, self.shape.q
        ratio = self.b_slope / self.b
        by_index = self.level * (
            z * (torch.log(z / self.b) - n * ratio)
            - 1
            + 2 * n * (self.b.log() + n * ratio - torch.digamma(2 * n))
        )
        by_q = self.by_squared * (self.u**2 - (self.v / q) ** 2)
        by_phi = 2 * (q - 1 / q) * self.by_squared * self.u * self.v
        return [
            -0.4 * math.log(10) * self.level,
            self.level * (z / n - 2),
            by_index,
            *self.shape.by_components(by_q, by_phi),
        ]


def _sersic_b(n: Tensor) -> tuple[Tensor, Tensor]:
    """b_n (Ciotti & Bertin 1999, eq. 18) and its derivative."""
    terms = (4 / 405, 46 / 25515, 131 / 1148175, -2194697 / 30690717750)
    value, slope = 2 * n - 1 / 3, torch.full_like(n, 2.0)
    for power, factor in enumerate(terms, start=1):
        value = value + factor / n**power
        slope = slope - power * factor / n ** (power + 1)
    return value, slope
