"""Surface brightness of galaxies [µJy/arcsec²]."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensbench.api.condition import MICROJANSKY_ZEROPOINT
from lensbench.sky.lensing import rotate


def sersic_b(n: Tensor) -> Tensor:
    """b_n, for which R_sersic holds half the light (Ciotti & Bertin 1999, eq. 18)."""
    return (
        2 * n
        - 1 / 3
        + 4 / (405 * n)
        + 46 / (25515 * n**2)
        + 131 / (1148175 * n**3)
        - 2194697 / (30690717750 * n**4)
    )


def flux(magnitude: Tensor) -> Tensor:
    """Flux [µJy] of an AB magnitude."""
    return torch.pow(10.0, 0.4 * (MICROJANSKY_ZEROPOINT - magnitude))


def sersic(
    x: Tensor, y: Tensor, magnitude: Tensor, R_sersic: Tensor, n: Tensor, q: Tensor, phi: Tensor
) -> Tensor:
    """Sérsic profile of given total magnitude (Graham & Driver 2005, eqs. 1 and 4).

    Args:
        x, y: Positions relative to the centre [arcsec].
        magnitude: AB magnitude of all the light.
        R_sersic: Half-light radius, of the circle of the same area [arcsec].
        n: Sérsic index.
        q: Axis ratio.
        phi: Position angle of the major axis, from the x axis [rad].

    Returns:
        Surface brightness [µJy/arcsec²].
    """
    b = sersic_b(n)
    u, v = rotate(x, y, phi)
    radius = torch.sqrt(q * u**2 + v**2 / q + 1e-12) / R_sersic
    log_total = (
        math.log(2 * math.pi)
        + 2 * torch.log(R_sersic)
        + torch.log(n)
        - 2 * n * torch.log(b)
        + torch.lgamma(2 * n)
    )
    return flux(magnitude) * torch.exp(-b * torch.pow(radius, 1 / n) - log_total)
