"""Distances and Einstein radii in flat ΛCDM (H0 = 70 km/s/Mpc, Ωm = 0.3, as DeepLenseSim takes)."""

from __future__ import annotations

import functools
import math

import numpy as np

ARCSEC = math.pi / (180 * 3600)
"""Radians in an arcsecond."""

_FOUR_G_PER_C2 = 1.914160e-19
"""4 G M☉/c² [Mpc] (IAU 2015 nominal GM☉, exact c)."""

_SPEED_OF_LIGHT = 299792.458
"""c [km/s]."""

_HUBBLE_DISTANCE = 299_792_458 / 70 * 1e-3
"""c/H0 [Mpc]."""

_MATTER = 0.3
"""Ωm."""

_Z_MAX = 10.0


def comoving_distance(z: float) -> float:
    """Line-of-sight comoving distance [Mpc]; interpolated in a table, good to 1e-6."""
    redshift, distance = _table()
    return float(np.interp(z, redshift, distance))


def angular_distance(z: float) -> float:
    """Angular-diameter distance from us [Mpc]."""
    return comoving_distance(z) / (1 + z)


def distance_ratio(z_lens: float, z_source: float) -> float:
    """D_ls/D_s of angular-diameter distances."""
    return 1 - comoving_distance(z_lens) / comoving_distance(z_source)


def theta_E_squared(mass: float, z_lens: float, z_source: float) -> float:
    """Squared Einstein radius of a point of this mass [M☉], in arcsec²: 4GM/c² D_ls/(D_l D_s)."""
    ratio = distance_ratio(z_lens, z_source) / angular_distance(z_lens)
    return _FOUR_G_PER_C2 * mass * ratio / ARCSEC**2


def theta_E_of_dispersion(sigma_v: float, z_lens: float, z_source: float) -> float:
    """Einstein radius 4π (σ_v/c)² D_ls/D_s of an isothermal sphere [arcsec]; σ_v in km/s."""
    deflection = 4 * math.pi * (sigma_v / _SPEED_OF_LIGHT) ** 2 / ARCSEC
    return deflection * distance_ratio(z_lens, z_source)


def distance_modulus(z: float) -> float:
    """Apparent minus absolute bolometric magnitude."""
    return 5 * math.log10((1 + z) * comoving_distance(z)) + 25


def scale_radius(mass: float, concentration: float, z: float) -> float:
    """NFW scale radius r_200/c [arcsec] of a halo of this M_200 [M☉] at redshift z."""
    expansion = 0.3 * (1 + z) ** 3 + 0.7
    critical = 2.77536627e11 * 0.7**2 * expansion  # M☉/Mpc³
    r_200 = (3 * mass / (800 * math.pi * critical)) ** (1 / 3)
    return float(r_200) / concentration / angular_distance(z) / ARCSEC


@functools.cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    """Redshifts and their comoving distances by a hypergeometric function.

    Baes, Camps & Van De Putte 2017, MNRAS 468, 927. The same bits as those of astropy, whose
    cosmology takes most of a second to import.
    """
    from scipy.special import hyp2f1

    def far(x: np.ndarray) -> np.ndarray:
        return np.asarray(2 * np.sqrt(x) * hyp2f1(1 / 6, 1 / 2, 7 / 6, -(x**3)))

    redshift = np.linspace(0, _Z_MAX, 8001)
    scale = ((1 - _MATTER) / _MATTER) ** (1 / 3)
    reached = far(np.asarray(scale)) - far(scale / (redshift + 1))
    return redshift, _HUBBLE_DISTANCE / np.sqrt(scale * _MATTER) * reached
