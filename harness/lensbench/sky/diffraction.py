"""Diffraction of a circular aperture with a central obstruction, smoothed by a Gaussian.

The transfer function of the aperture has a closed form (O'Neill 1956, doi:10.1364/JOSA.46.000285):
the overlap of the annulus with itself. Spiders, segments and aberrations are left out; what they
and the detector do to the core is in the Gaussian, whose width is found so that the PSF has the
full width at half maximum that was measured.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from lensbench.errors import DataError

_RADII = 4000
"""Frequencies at which the integrals over a radial transfer function are summed."""


def annulus_transfer(frequency: Tensor, obstruction: float) -> Tensor:
    """Transfer function of an annular aperture; zero from one on.

    Args:
        frequency: In units of the cut-off D/λ, of any shape.
        obstruction: Inner over outer diameter.
    """
    whole = _overlap(frequency, 1.0, 1.0)
    if not obstruction:
        return whole / math.pi
    crossed = _overlap(frequency, 1.0, obstruction)
    hole = _overlap(frequency, obstruction, obstruction)
    return (whole - 2 * crossed + hole) / (math.pi * (1 - obstruction**2))


def _overlap(frequency: Tensor, big: float, small: float) -> Tensor:
    """Area that two circles share whose centres are twice the frequency apart."""
    d = 2 * frequency
    inside, apart = d <= big - small, d >= big + small
    # Where neither holds the circles cross; elsewhere a harmless distance stands in.
    x = torch.where(inside | apart, torch.full_like(d, math.hypot(big, small)), d)
    first = torch.acos(((x**2 + small**2 - big**2) / (2 * x * small)).clamp(-1, 1))
    second = torch.acos(((x**2 + big**2 - small**2) / (2 * x * big)).clamp(-1, 1))
    kite = (big + small - x) * (x + small - big) * (x - small + big) * (x + small + big)
    crossing = small**2 * first + big**2 * second - kite.clamp(min=0).sqrt() / 2
    area = torch.where(inside, torch.full_like(d, math.pi * small**2), crossing)
    return torch.where(apart, torch.zeros_like(d), area)


def smoothed_transfer(frequency: Tensor, diffraction: float, obstruction: float) -> Tensor:
    """Transfer function of the aperture and its Gaussian, for a PSF with a FWHM of one.

    Args:
        frequency: In cycles per FWHM, of any shape.
        diffraction: λ/D over the FWHM.
        obstruction: Inner over outer diameter.
    """
    sigma = smoothing(diffraction, obstruction)
    aperture = annulus_transfer(frequency * diffraction, obstruction)
    return aperture * torch.exp(-2 * (math.pi * sigma * frequency) ** 2)


@functools.lru_cache(maxsize=64)
def smoothing(diffraction: float, obstruction: float) -> float:
    """Standard deviation of the Gaussian that gives the PSF a FWHM of one, in its units.

    Raises:
        DataError: Where the aperture alone is wider.
    """
    low, high = 0.0, 0.5
    if _half(diffraction, obstruction, low) > 0.001:
        raise DataError(
            f"a PSF whose λ/D is {diffraction:g} times its FWHM is wider than that by diffraction",
            "lower psf_diffraction; 0.97 is possible whatever the obstruction",
        )
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if _half(diffraction, obstruction, middle) > 0 else (middle, high)
    return (low + high) / 2


def _half(diffraction: float, obstruction: float, sigma: float) -> float:
    """How much more than half of its peak the PSF has at a radius of a half."""
    k = (torch.arange(_RADII, dtype=torch.float64) + 0.5) / (_RADII * diffraction)
    transfer = annulus_transfer(k * diffraction, obstruction)
    weights = k * transfer * torch.exp(-2 * (math.pi * sigma * k) ** 2)
    at_half = (weights * torch.special.bessel_j0(math.pi * k)).sum()
    return float(at_half / weights.sum()) - 0.5
