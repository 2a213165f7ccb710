"""Subhaloes: how many, how heavy, and as large as their masses say."""

from __future__ import annotations

import functools

import numpy as np

from lensbench.sky import cosmology
from lensbench.sky.halos import alpha_Rs_per_mass
from lensbench.sky.population import Range

TAU = 3.0
"""Truncation over scale radius, about what tides leave at a few kiloparsecs."""

MOST = 512
"""Places for subhaloes in a scene; those that are left over have no mass."""


def power_law(count: int, bounds: Range, slope: float, random: np.random.Generator) -> np.ndarray:
    """Numbers of dN/dm ∝ m^slope between two bounds, by inverse transform; slope is not −1."""
    power, ratio = slope + 1, bounds.high / bounds.low
    u = random.uniform(size=count)
    return np.asarray(bounds.low * (1 + u * (ratio**power - 1)) ** (1 / power))


def population_of_mass(
    whole: float, fraction: Range, bounds: Range, slope: float, random: np.random.Generator
) -> np.ndarray:
    """Masses of subhaloes that together are a fraction of a mass, as many as it takes.

    A fraction is drawn, then masses one after the other, until their sum is as near to it as it
    comes. Where the sum then lies out of the bounds of the fraction, all are drawn anew.

    Args:
        whole: The mass [M☉] that the fraction is of.
        fraction: Its bounds.
        bounds: Of the mass of a subhalo [M☉].
        slope: dN/dm ∝ m^slope.
        random: Where numbers are from.

    Returns:
        Masses (`MOST`,) [M☉], of which those that are not needed are zero.
    """
    while True:
        wanted = fraction.draw(random) * whole
        masses = power_law(MOST, bounds, slope, random)
        sums = np.cumsum(masses)
        count = int(np.argmin(abs(sums - wanted))) + 1
        if fraction.low <= sums[count - 1] / whole <= fraction.high:
            return np.where(np.arange(MOST) < count, masses, 0.0)


def sizes(masses: np.ndarray, z: float) -> dict[str, np.ndarray]:
    """Scale and truncation radii [arcsec] of truncated NFW haloes of these masses [M☉] at z.

    `alpha_per_mass` is the deflection [arcsec] at the scale radius of a halo of a squared
    Einstein radius of one [arcsec²]; see `halos.alpha_Rs_per_mass`.
    """
    Rs = np.array([subhalo_scale_radius(m, z) if m else 1.0 for m in masses])
    return {
        "subhalo_Rs": Rs,
        "subhalo_r_trunc": TAU * Rs,
        "subhalo_alpha_per_mass": _alpha_of_unit_radius() / Rs,
    }


def subhalo_scale_radius(mass: float, z: float) -> float:
    """Scale radius [arcsec] of a subhalo [M☉] with c = 15 (m/10⁸ M☉)^−0.1, rounded for z ≈ 0.5."""
    return cosmology.scale_radius(mass, 15 * (mass / 1e8) ** -0.1, z)


@functools.cache
def _alpha_of_unit_radius() -> float:
    return alpha_Rs_per_mass(1.0, TAU)
