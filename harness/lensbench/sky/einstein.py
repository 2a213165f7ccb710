"""The Einstein radius of a whole lens, and the macro lens that gives it the right one.

The Einstein radius is the circularised one: of the circle about the lens's centre within which the
mean convergence is one. As ∮ α·r̂ dl = 2 ∫ κ d²θ, the mean convergence within θ is the azimuthal
mean of the radial deflection over θ (Schneider, Kochanek & Wambsganss 2006, part 1, section 3.1).
External shear and multipoles about the centre add nothing to it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import fields

import torch
from torch import Tensor

from lensbench.sky.components import Deflector, Line, PointMasses, TruncatedNfw
from lensbench.sky.lensing import elliptical_mean
from lensbench.sky.scalars import Number

_ANGLES = 512
"""Directions of the azimuthal mean: a halo of 10¹⁰ M☉ on the ring itself is good to 6e-5″."""


def macro_theta_E(
    theta_E: Number,
    q: Number,
    slope: Number,
    others: Iterable[Deflector],
    x: Number,
    y: Number,
) -> Number:
    """The `theta_E` of an SIE or EPL with which the whole lens has the Einstein radius `theta_E`.

    Args:
        theta_E: Einstein radius of the whole, circularised, about the macro lens's centre [arcsec].
        q: Axis ratio of the macro lens's convergence.
        slope: t of its convergence; 1 for an SIE.
        others: What else deflects, but for shear and multipoles about the centre.
        x: Centre of the macro lens [arcsec].
        y: Likewise [arcsec].
    """
    left = 1.0 - sum(mean_convergence(part, theta_E, x, y) for part in others)
    macro: Number = theta_E * (left / elliptical_mean(q, slope)) ** (1 / slope)
    return macro


def mean_convergence(part: Deflector, radius: Number, x: Number, y: Number) -> Number:
    """Mean convergence of one deflector within a circle of this radius about (x, y) [arcsec].

    Of point masses and of a line through the centre in closed form, else by quadrature.
    """
    if isinstance(part, PointMasses):
        inside = (part.x - x) ** 2 + (part.y - y) ** 2 < radius**2
        mass = (part.masses * inside).sum(-1)
        return (mass if isinstance(radius, Tensor) else float(mass)) / radius**2
    if isinstance(part, Line) and part.x is x and part.y is y:
        shorter = part.half_length < radius
        return part.mass / (radius**2 if shorter else radius * part.half_length)
    cos, sin = _directions()
    if isinstance(part, TruncatedNfw):  # one plane a halo, and no loop over them
        part = TruncatedNfw(*(getattr(part, field.name)[..., None] for field in fields(part)))
    a_x, a_y = part.deflection(x + radius * cos, y + radius * sin)
    radial = (a_x * cos + a_y * sin).mean(-1).sum()
    return (radial if isinstance(radius, Tensor) else float(radial)) / radius


@functools.cache
def _directions() -> tuple[Tensor, Tensor]:
    """Cosine and sine (1, n) of angles all around, double."""
    angle = (torch.arange(_ANGLES, dtype=torch.float64)[None, :] + 0.5) * (2 * math.pi / _ANGLES)
    return torch.cos(angle), torch.sin(angle)
