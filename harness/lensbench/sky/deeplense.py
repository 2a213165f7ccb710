"""The populations of the DeepLense simulations, as released or corrected.

`faithful` draws what the code of the release draws (DeepLenseSim at commit 1b7fe07;
arXiv:1909.07346, 2008.12731), defects included:

- Einstein radii from luminosity distances;
- subhalo masses from p(m) ∝ m^−0.9 where the papers say m^−1.9;
- II and III: deflections defined for a source at z = 2.5 and used for one at z = 1, so that all
  of them are smaller by 0.63 (rings at 0.81″); images twice as bright, and without noise;
- III: its script cannot run, so it is II behind HST's PSF, as its description says;
- one lens and one source, but for the place of the source.

`corrected` has angular-diameter distances, the papers' mass function, and lenses and sources that
vary, alike in every class: the macro lens is scaled so that the whole keeps the Einstein radius
`theta_E` (mean convergence one within it) when some of the mass is substructure. In `faithful`,
`theta_E` is that of the macro lens alone, as in the release, and substructure adds to it.
Model IV, with its own haloes, is in `deeplense_iv`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from lensbench.sky.components import Line, PointMasses, SceneModel, Sersic, Shear, Sie
from lensbench.sky.cosmology import (
    angular_distance,
    comoving_distance,
    distance_ratio,
    theta_E_squared,
)
from lensbench.sky.einstein import macro_theta_E
from lensbench.sky.lensing import axis_ratio
from lensbench.sky.light import sersic_b
from lensbench.sky.population import CLASSES, Range, ScenePopulation
from lensbench.sky.scalars import Number

Z_LENS, Z_SOURCE, Z_CONVENTION = 0.5, 1.0, 2.5
MODEL_I_ZEROPOINT = 25.0
"""Model I counts photons of no instrument: one a second is taken as this AB magnitude."""

_NUM_SUBHALOES, _NUM_VORTEX_MASSES = 25, 100
_VORTEX_MASS = 3e10  # M☉
_CENTRE = 0.0  # of every lens [arcsec]
_B = 1.9992 - 0.3271  # b of n = 1 as lenstronomy takes it
_RELEASED = {
    "lens_ellipticity": 0.1,
    "lens_phi": 0.0,
    "shear": 0.05,
    "shear_phi": 0.0,
    "source_radius": 0.25 * float(sersic_b(1.0)) / _B,
    "source_index": 1.0,
    "source_ellipticity": math.hypot(0.1, 0.1),
    "source_phi": math.atan2(0.1, -0.1) / 2,
}
"""The one lens and the one source of the release."""


@dataclass(frozen=True)
class DeepLense(ScenePopulation):
    """Models I, II and III.

    Attributes:
        release: Which of them; it sets the brightness of the source.
        faithful: Whether the defects of the release are kept.
        halo_mass: Of the lens within its Einstein radius [M☉], where corrected.
        lens_ellipticity: |e| of the SIE, where corrected, as all that follow.
        shear: |γ|.
        source_offset: In each coordinate [arcsec]; of the release too.
        source_radius: Half-light radius [arcsec].
        source_index: Sérsic index.
        source_ellipticity: |e| of the source.
        subhalo_mass: Of a point mass [M☉]; of the release too.
        subhalo_radius: Distance from the centre [arcsec]; of the release too.
        log_axion_mass: log10 of m/eV, which sets the length of the vortex; of the release too.
    """

    target: ClassVar[str] = "substructure"
    classes: ClassVar[tuple[str, ...]] = CLASSES

    release: Literal["i", "ii", "iii"]
    faithful: bool = False
    halo_mass: Range = Range(4e11, 1.1e12, log=True)
    lens_ellipticity: Range = Range(0.0, 0.2)
    shear: Range = Range(0.0, 0.08)
    source_offset: Range = Range(-0.35, 0.35)
    source_radius: Range = Range(0.15, 0.4, log=True)
    source_index: Range = Range(0.7, 2.0)
    source_ellipticity: Range = Range(0.0, 0.3)
    subhalo_mass: Range = Range(1e6, 1e10)
    subhalo_radius: Range = Range(0.25, 2.0)
    log_axion_mass: Range = Range(-24.0, -22.0)

    @property
    def subhalo_slope(self) -> float:
        """Of p(m) ∝ m^slope."""
        return -0.9 if self.faithful else -1.9

    @property
    def source_magnitude(self) -> float:
        """AB magnitude of the source, in `faithful` II and III twice as bright as it should be."""
        if self.release == "i":
            counts = 20 * 0.25**2 * 2 * math.pi * math.exp(_B) / _B**2
            return MODEL_I_ZEROPOINT - 2.5 * math.log10(counts)
        return 20.0 - (2.5 * math.log10(2) if self.faithful else 0.0)

    def draw(self, label: int, random: np.random.Generator) -> dict[str, float | np.ndarray]:
        """Parameters of one scene; masses as squared Einstein radii [arcsec²]."""
        scale = self._rescaling()
        per_mass = _faithful_theta_E_squared() if self.faithful else _theta_E_squared()
        halo_mass = self.halo_mass.draw(random)
        varied = {
            "lens_ellipticity": self.lens_ellipticity.draw(random),
            "lens_phi": random.uniform(0, math.pi),
            "shear": self.shear.draw(random),
            "shear_phi": random.uniform(0, math.pi),
            "source_radius": self.source_radius.draw(random),
            "source_index": self.source_index.draw(random),
            "source_ellipticity": self.source_ellipticity.draw(random),
            "source_phi": random.uniform(0, math.pi),
        }
        if self.faithful:
            halo_mass = 1e12
            varied = {**_RELEASED, "shear": 0.05 * scale}
        axion_mass = 10 ** self.log_axion_mass.draw(random)
        return {
            "theta_E": scale * math.sqrt(per_mass * halo_mass),
            **varied,
            "source_x": self.source_offset.draw(random),
            "source_y": self.source_offset.draw(random),
            "source_magnitude": self.source_magnitude,
            "subhalo_mass": scale * per_mass * self._subhalo_masses(random),
            "subhalo_radius": random.uniform(
                self.subhalo_radius.low, self.subhalo_radius.high, _NUM_SUBHALOES
            ),
            "subhalo_phi": random.uniform(0, 2 * math.pi, _NUM_SUBHALOES),
            "vortex_mass": scale * per_mass * _VORTEX_MASS,
            "vortex_half_length": 0.03 * 1e-22 / axion_mass,
            "vortex_phi": random.uniform(0, 2 * math.pi),
            "axion_mass": axion_mass,
        }

    def model(self, parameters: Mapping[str, float | Tensor], label: int) -> SceneModel:
        """The parts of the scene of these parameters."""
        p: Mapping[str, Tensor] = parameters  # type: ignore[assignment]
        kind = self.classes[label]
        substructure = self._substructure(p, kind)
        q = axis_ratio(p["lens_ellipticity"])
        theta_E: Number = p["theta_E"]
        if not self.faithful:
            theta_E = macro_theta_E(theta_E, q, 1.0, substructure, _CENTRE, _CENTRE)
        source = Sersic(
            p["source_magnitude"],
            p["source_radius"],
            p["source_index"],
            axis_ratio(p["source_ellipticity"]),
            p["source_phi"],
            p["source_x"],
            p["source_y"],
        )
        macro = Sie(theta_E, q, p["lens_phi"], _CENTRE, _CENTRE)
        shear = Shear(p["shear"], p["shear_phi"], 0.0, 0.0)
        return SceneModel((macro, shear, *substructure), (source,))

    def _substructure(self, p: Mapping[str, Tensor], kind: str) -> tuple[PointMasses | Line, ...]:
        """The substructure of a class."""
        if kind == "no_sub":
            return ()
        if kind == "cdm":
            x = p["subhalo_radius"] * torch.cos(p["subhalo_phi"])
            y = p["subhalo_radius"] * torch.sin(p["subhalo_phi"])
            return (PointMasses(p["subhalo_mass"], x, y),)
        length, phi, mass = p["vortex_half_length"], p["vortex_phi"], p["vortex_mass"]
        if not self.faithful:
            return (Line(mass, length, phi, _CENTRE, _CENTRE),)
        along = torch.linspace(-1, 1, _NUM_VORTEX_MASSES) * length
        masses = torch.full((_NUM_VORTEX_MASSES,), float(mass) / _NUM_VORTEX_MASSES)
        cos, sin = math.cos(phi), math.sin(phi)
        return (PointMasses(masses, along * cos, along * sin),)

    def _rescaling(self) -> float:
        """Deflections of the release over the right ones: D_ls/D_s at z = 1 over that at 2.5."""
        if not self.faithful or self.release == "i":
            return 1.0
        return distance_ratio(Z_LENS, Z_SOURCE) / distance_ratio(Z_LENS, Z_CONVENTION)

    def _subhalo_masses(self, random: np.random.Generator) -> np.ndarray:
        """Masses [M☉] by inverse transform of p(m) ∝ m^slope."""
        power = self.subhalo_slope + 1
        low, high = self.subhalo_mass.low**power, self.subhalo_mass.high**power
        u = random.uniform(size=_NUM_SUBHALOES)
        return np.asarray((low + (high - low) * u) ** (1 / power))


def released_counts(counts_per_second: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Images (B, H, W) as Model I records them: its noise is added three times over.

    A Gaussian stands for the photons of the source, a background of σ = 0.01 is added, and the
    whole, times an exposure of 10^U(3, 3.5) s, is drawn as Poisson counts once more.

    Args:
        counts_per_second: Noise-free images behind the PSF (B, H, W).
        random: Where noise and exposures are from.
    """
    seconds = 10 ** random.uniform(3, 3.5, (len(counts_per_second), 1, 1))
    photons = random.standard_normal(counts_per_second.shape) * np.sqrt(counts_per_second / seconds)
    background = random.normal(0, 0.01, counts_per_second.shape)
    expected = seconds * (counts_per_second + photons + background)
    return np.asarray(random.poisson(expected.clip(min=0)))


def _theta_E_squared() -> float:
    """Squared Einstein radius of a solar mass [arcsec²]."""
    return theta_E_squared(1.0, Z_LENS, Z_SOURCE)


def _faithful_theta_E_squared() -> float:
    """The same with luminosity distances, and their difference for D_ls, as the release has it."""
    d_l = (1 + Z_LENS) * comoving_distance(Z_LENS)
    d_s = (1 + Z_SOURCE) * comoving_distance(Z_SOURCE)
    right = distance_ratio(Z_LENS, Z_SOURCE) / angular_distance(Z_LENS)
    return _theta_E_squared() * (d_s - d_l) / (d_l * d_s) / right
