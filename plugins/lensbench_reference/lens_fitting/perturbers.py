"""What a lens may have beside its smooth mass: one compact mass, or one line of mass.

Parameters of each begin with its mass as a squared Einstein radius [arcsec²], of either sign, to
which the deflection is proportional. Lengths are in arcsec and places are from the lens's centre.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

Deflection = tuple[Tensor, Tensor]


class Perturber(Protocol):
    """A kind of perturbing mass.

    Attributes:
        count: How many parameters it has.
    """

    count: ClassVar[int]

    def deflection(self, values: Tensor, dx: Tensor, dy: Tensor) -> Deflection:
        """Deflection (B, S, S) for parameters (B, count, 1, 1) at places from the lens [arcsec]."""
        ...

    def priors(self) -> tuple[Tensor, Tensor]:
        """Centres and widths of the normal priors of its parameters."""
        ...

    def candidates(self, theta_E: Tensor) -> Tensor:
        """Parameters (K, B, count) of unit mass to try about lenses of these radii (B,)."""
        ...


@dataclass(frozen=True)
class CompactMass:
    """One mass with a core of a twentieth of an arcsecond: mass, x, y."""

    count: ClassVar[int] = 3
    core: float = 0.05

    def deflection(self, values: Tensor, dx: Tensor, dy: Tensor) -> Deflection:
        """α = m d/(d² + c²)."""
        mass, x, y = values.unbind(1)
        u, v = dx - x, dy - y
        weight = mass / (u**2 + v**2 + self.core**2)
        return u * weight, v * weight

    def priors(self) -> tuple[Tensor, Tensor]:
        """Masses of a few tenths, anywhere near the ring."""
        return torch.zeros(3).double(), torch.tensor([0.3, 2.0, 2.0]).double()

    def candidates(self, theta_E: Tensor) -> Tensor:
        """Six radii about the ring, sixteen ways."""
        radii = theta_E.new_tensor([0.5, 0.75, 0.9, 1.05, 1.2, 1.5]).double()
        angle = torch.arange(16, device=theta_E.device).double() * (2 * math.pi / 16)
        places = torch.stack([angle.cos(), angle.sin()], 1)
        units = (radii[:, None, None] * places).flatten(0, 1)[:, None] * theta_E[:, None]
        return torch.cat([torch.ones_like(units[..., :1]), units], 2)


@dataclass(frozen=True)
class LineOfMass:
    """One straight line through the lens's centre: mass, ln of its half-length, angle."""

    count: ClassVar[int] = 3
    core: float = 0.05

    def deflection(self, values: Tensor, dx: Tensor, dy: Tensor) -> Deflection:
        """In closed form, as wide as the core: without one, deflections jump across the line."""
        mass, ln_half_length, phi = values.unbind(1)
        half_length, cos, sin = ln_half_length.exp(), torch.cos(phi), torch.sin(phi)
        u, v = dx * cos + dy * sin, dy * cos - dx * sin
        height = torch.sqrt(v**2 + self.core**2)
        right, left = u - half_length, u + half_length
        density = mass / (2 * half_length)
        a_u = density / 2 * torch.log((left**2 + height**2) / (right**2 + height**2))
        a_v = density * (torch.atan2(height, right) - torch.atan2(height, left)) * v / height
        return a_u * cos - a_v * sin, a_u * sin + a_v * cos

    def priors(self) -> tuple[Tensor, Tensor]:
        """Masses of a few tenths, half-lengths of about an arcsecond, any angle."""
        return torch.zeros(3).double(), torch.tensor([0.3, 0.8, 10.0]).double()

    def candidates(self, theta_E: Tensor) -> Tensor:
        """Three lengths, twelve ways."""
        half = theta_E.new_tensor([0.5, 1.0, 1.8]).double().log()
        angle = torch.arange(12, device=theta_E.device).double() * (math.pi / 12)
        grid = torch.cartesian_prod(half, angle)[:, None].repeat(1, len(theta_E), 1)
        grid[..., 0] += theta_E.log()
        return torch.cat([torch.ones_like(grid[..., :1]), grid], 2)


@dataclass(frozen=True)
class Perturbation:
    """A perturber's mass, of given parameters, as a part of a scene."""

    kind: Perturber
    values: Tensor
    x: Tensor
    y: Tensor

    def deflection(self, x: Tensor, y: Tensor) -> Deflection:
        """Reduced deflection angles at field positions [arcsec]."""
        return self.kind.deflection(self.values, x - self.x, y - self.y)
