"""Model IV of the DeepLense simulations: three bands, textured sources, haloes of two kinds.

`faithful` keeps the label leak of the release (DeepLenseSim at commit a471d3b): without haloes the
lens is an isothermal sphere of σ_v = 260 ± 20 km/s and no shear; with haloes it has θ_E = 1.5″ and
γ₁ = 0.05, both defined for a source at z = 2.5 and used at z = 1, and `theta_E` is that of the lens
without its haloes. `corrected` draws lens and shear alike for every class, and scales the lens so
that `theta_E` is the Einstein radius of the whole, haloes included.
The haloes of pyHalo are stood in for by truncated NFW haloes above
10⁸ M☉ with its mass function (about 80 in 10″), and those of ultra-light dark matter by the same
with the suppression of Schive et al. 2016 (arXiv:1508.04621, eq. 7) at m = 1e-21 eV.
The galaxies of the release (Galaxy10 DECaLS spirals) are not shipped: without images of one's own
(`images.WithSourceImages`), a spiral with a bulge of the same magnitudes stands in for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from lensbench.sky import cosmology
from lensbench.sky.components import (
    Deflector,
    SceneModel,
    Sersic,
    Shear,
    Sie,
    Spiral,
    TruncatedNfw,
)
from lensbench.sky.deeplense import Z_CONVENTION, Z_LENS, Z_SOURCE
from lensbench.sky.einstein import macro_theta_E
from lensbench.sky.halos import alpha_Rs_per_mass
from lensbench.sky.lensing import axis_ratio
from lensbench.sky.population import Range, ScenePopulation
from lensbench.sky.subhaloes import subhalo_scale_radius

_NUM_HALOES = 80
_TAU = 5.0
_ULDM_MASS = 1.6e10 * 10 ** (-4 / 3)  # M☉: M_0 at m22 = 10
_SOURCE_COLOURS = (22.0, 19.0, 18.0)  # g, r, i as coded
_LENS_COLOURS = (17.0, 18.0, 19.0)


@dataclass(frozen=True)
class DeepLenseFour(ScenePopulation):
    """Model IV; brightness in three bands (g, r, i as the release calls them).

    Attributes:
        faithful: Whether lens and shear reveal the class, as in the release.
        sigma_v: Velocity dispersion of the lens [km/s], where corrected.
        shear: |γ|, where corrected.
        source_offset: In each coordinate [arcsec].
        halo_mass: Of a halo [M☉].
        halo_radius: Distance from the centre of the field, uniform in area [arcsec].
    """

    target: ClassVar[str] = "substructure"
    classes: ClassVar[tuple[str, ...]] = ("no_sub", "cdm", "uldm")

    faithful: bool = False
    sigma_v: Range = Range(230.0, 310.0)
    shear: Range = Range(0.0, 0.06)
    source_offset: Range = Range(-0.3, 0.3)
    halo_mass: Range = Range(1e8, 1e10)
    halo_radius: float = 5.0

    def draw(self, label: int, random: np.random.Generator) -> dict[str, float | np.ndarray]:
        """Parameters of one scene; masses as squared Einstein radii [arcsec²]."""
        sigma_v, shear = self.sigma_v.draw(random), self.shear.draw(random)
        shear_phi, released = random.uniform(0, math.pi), random.normal(260, 20)
        theta_E = cosmology.theta_E_of_dispersion(sigma_v, Z_LENS, Z_SOURCE)
        if self.faithful:
            scale = cosmology.distance_ratio(Z_LENS, Z_SOURCE)
            scale /= cosmology.distance_ratio(Z_LENS, Z_CONVENTION)
            smooth = self.classes[label] == "no_sub"
            theta_E, shear, shear_phi = 1.5 * scale, 0.05 * scale, 0.0
            if smooth:
                theta_E = cosmology.theta_E_of_dispersion(released, Z_LENS, Z_SOURCE)
                shear = 0.0
        return {
            "theta_E": theta_E,
            "shear": shear,
            "shear_phi": shear_phi,
            "source_x": self.source_offset.draw(random),
            "source_y": self.source_offset.draw(random),
            "source_phi": random.uniform(-math.pi, math.pi),
            "source_ellipticity": random.uniform(0, 0.3),
            "spiral_pitch": random.uniform(0.2, 0.6),
            **self._haloes(random),
        }

    def model(self, parameters: Mapping[str, Any], label: int) -> SceneModel:
        """The parts of the scene of these parameters."""
        p, kind = parameters, self.classes[label]
        haloes: list[Deflector] = []
        if kind != "no_sub":
            alpha_Rs, Rs = p[f"alpha_Rs_{kind}"], p[f"halo_Rs_{kind}"]
            haloes = [TruncatedNfw(alpha_Rs, Rs, _TAU * Rs, p["halo_x"], p["halo_y"])]
        theta_E = p["theta_E"]
        if not self.faithful:
            theta_E = macro_theta_E(theta_E, 1.0, 1.0, haloes, 0.0, 0.0)
        mass: tuple[Deflector, ...] = (
            Sie(theta_E, 1.0, 0.0, 0.0, 0.0),
            Shear(p["shear"], p["shear_phi"], 0.0, 0.0),
            *haloes,
        )
        place, q, phi = (p["source_x"], p["source_y"]), axis_ratio(p["source_ellipticity"]), 0.0
        phi = p["source_phi"]
        magnitude = _bands(_SOURCE_COLOURS)
        disc = Spiral(magnitude + 0.24, 0.15, q, phi, 2.0, 0.7, p["spiral_pitch"], *place)
        bulge = Sersic(magnitude + 1.75, 0.04, 2.0, q**0.5, phi, *place)
        lens = (
            Sersic(_bands(_LENS_COLOURS), 0.4, 2.3, axis_ratio(0.05), math.pi / 4, 0.0, 0.0),
            Sersic(_bands((28.0,) * 3), 1.5, 1.2, axis_ratio(0.3), math.pi / 4, 0.0, 0.0),
        )
        return SceneModel(mass, (disc, bulge), lens)

    def _haloes(self, random: np.random.Generator) -> dict[str, float | np.ndarray]:
        """Haloes of both kinds of dark matter, in the same places."""
        u = random.uniform(size=(4, _NUM_HALOES))
        low, high = self.halo_mass.low**-0.9, self.halo_mass.high**-0.9
        mass = (low + (high - low) * u[0]) ** (1 / -0.9)
        kept = u[1] < (1 + (mass / _ULDM_MASS) ** -1.1) ** -2.2
        radius, angle = self.halo_radius * np.sqrt(u[2]), 2 * math.pi * u[3]
        Rs = np.array([subhalo_scale_radius(m, Z_LENS) for m in mass])
        puffed = Rs * (1 + 15 * _ULDM_MASS / mass) ** 0.3  # as late haloes are (Schneider 2012)
        per_mass = cosmology.theta_E_squared(1.0, Z_LENS, Z_SOURCE)
        return {
            "halo_x": radius * np.cos(angle),
            "halo_y": radius * np.sin(angle),
            "halo_Rs_cdm": Rs,
            "halo_Rs_uldm": puffed,
            "alpha_Rs_cdm": mass * per_mass * _per_mass(Rs),
            "alpha_Rs_uldm": kept * mass * per_mass * _per_mass(puffed),
        }


def _per_mass(Rs: np.ndarray) -> np.ndarray:
    return np.array([alpha_Rs_per_mass(r, _TAU) for r in Rs])


def _bands(magnitudes: tuple[float, ...]) -> Tensor:
    """One magnitude a band, (C, 1, 1)."""
    return torch.tensor(magnitudes)[:, None, None]
