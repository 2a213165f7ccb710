"""Lenses as a wide survey finds them, from published relations of galaxies.

The recipe is that of LensPop (Collett 2015, arXiv:1507.02657; github.com/tcollett/LensPop), with
whose code each relation was compared: deflectors by the velocity dispersion function of early-type
galaxies and the comoving volume, sources behind them by their redshifts and counts, a pair by its
cross section, θ_E², sources anywhere within θ_E, and of these the lenses that a survey can find
(`lensbench.sky.detectability`). Other than there, sources are drawn from analytic counts and
redshifts instead of a simulated catalogue, axis ratios end at 0.3 instead of 0.2, lenses have a
slope, multipoles, shear and neighbours, and θ_E has bounds.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from lensbench.api.condition import Condition
from lensbench.errors import DataError
from lensbench.sky import cosmology
from lensbench.sky.assembly import assemble
from lensbench.sky.components import SceneModel
from lensbench.sky.detectability import Cuts, detected
from lensbench.sky.instruments import EUCLID_VIS
from lensbench.sky.population import CLASSES, NUM_SUBHALOES, Range, ScenePopulation, subhalo_radii
from lensbench.sky.scenes import as_numbers
from lensbench.sky.subhaloes import population_of_mass, power_law, sizes

Drawn = dict[str, float | np.ndarray]

_NUM_NEIGHBOURS, _NUM_COMPANIONS, _NUM_CLUMPS = 3, 2, 4
_STRUCTURE = ("bulge_", "clump_")
"""How parameters of what a source has beside its disc begin."""

_RED_SCATTER = 0.065
"""Of an elliptical's kind: from E to Sbc, U − V falls by 0.8 mag."""

_PROPOSALS = 512
_TRIES = 10_000
_MIN_AXIS_RATIO = 0.3
_Z = np.linspace(0, 6, 601)


@dataclass(frozen=True)
class Survey(ScenePopulation):
    """Galaxy-scale lenses that a survey can find; the same for every substructure class.

    Velocity dispersions follow Choi, Park & Vogeley 2007 (σ* = 161 km/s, α = 2.32, β = 2.67), of
    constant comoving density; magnitudes and sizes Hyde & Bernardi 2009; axis ratios a Rayleigh
    distribution of scale 0.378 − 0.000572 σ_v (Collett 2015); density slopes Auger et al. 2010
    (γ' = 2.078 ± 0.16); multipoles Hao et al. 2006; shear Oguri & Marshall 2010 (median 0.05,
    0.2 dex); source redshifts Smail et al. 1994; source sizes as in Collett 2015 from Mosleh et
    al. 2012 and Huang et al. 2013. Round numbers are K-corrections (z magnitudes for early types,
    those of a flat spectrum for sources), the scatter of multipoles, the depth of the sources and
    what bulges and clumps they have.

    Colours are those of places on the sequence of `lensbench.sky.spectra`: ellipticals as lenses,
    with a scatter of 0.05 mag in U − V as in clusters (Bower, Lucey & Ellis 1992, MNRAS 254, 601);
    sources from Sbc to irregular, as arcs are blue (Gavazzi et al. 2014, arXiv:1403.1041), with
    bulges that are redder and clumps that are bluer than their discs (Guo et al. 2012,
    arXiv:1110.3800); neighbours of all types, at the redshifts of sources. Bounds are round.

    Attributes:
        theta_E: Bounds of the Einstein radius [arcsec]; within, the relations decide.
        cuts: What a lens has to have to be found; all lenses are kept where None. A scene that
            fails is drawn again from the same stream of random numbers, with the same class.
        source_magnitude: Bounds of the unlensed AB magnitude; counts rise as 10^(0.3 m).
        source_offset: Of the source from the lens, uniform in a disc of this radius, in units of
            θ_E: within θ_E an isothermal sphere has two images.
        clump_share: Of the light of a source in each of its clumps; four lie on a disc, about a
            bulge of 5 to 30 % of the light. Guo et al. 2015 (arXiv:1410.7398) count as clumps what
            has 8 % of the ultraviolet light or more; shares are lower in optical light.
        shear: Median |γ|.
        companions: Whether two more galaxies deflect in the lens plane.
        companion_theta_E: Their Einstein radii [arcsec].
        neighbour_magnitude: AB magnitudes of three galaxies in the field.
        f_sub: Mass in substructure over the mass within θ_E.
        subhalo_slope: dN/dm ∝ m^slope (Springel et al. 2008, arXiv:0809.0898: −1.9).
        subhalo_mass: Bounds of the mass of a subhalo [M☉], of which there are then as many as make
            up f_sub; where None, 25 share that mass, over four decades.
        truncated_nfw: Whether subhaloes are truncated NFW haloes instead of points.
        subhalo_radius: Distance from the lens centre in units of θ_E.
        vortex_half_length: In units of θ_E.
    """

    target: ClassVar[str] = "substructure"
    classes: ClassVar[tuple[str, ...]] = CLASSES
    source_scale: ClassVar[str] = "theta_E"
    selects: ClassVar[bool] = True
    coloured: ClassVar[bool] = True

    theta_E: Range = Range(0.6, 2.0)
    cuts: Cuts | None = field(default_factory=lambda: Cuts(EUCLID_VIS))
    source_magnitude: Range = Range(21.0, 26.5)
    source_offset: float = 1.0
    clump_share: Range = Range(0.01, 0.08)
    shear: float = 0.05
    companions: bool = False
    companion_theta_E: Range = Range(0.1, 0.4)
    neighbour_magnitude: Range = Range(22.0, 26.0)
    f_sub: Range = Range(0.005, 0.05, log=True)
    subhalo_slope: float = -1.9
    subhalo_mass: Range | None = None
    truncated_nfw: bool = False
    subhalo_radius: Range = Range(0.2, 1.6)
    vortex_half_length: Range = Range(0.4, 2.0, log=True)

    def draw(self, label: int, random: np.random.Generator) -> Drawn:
        """Parameters of one scene; all are drawn for every class, in one order."""
        drawn = self._found(random)
        drawn |= self._neighbours(random)
        drawn |= self._substructure(drawn, random)
        if CLASSES[label] == "no_sub":
            drawn["f_sub"] = 0.0
        return drawn

    def colours(self, drawn: Mapping[str, Any], random: np.random.Generator) -> Drawn:
        """Kinds of all spectra, and redshifts of the neighbours."""
        disc = random.uniform(1.5, 3)
        _, _, z, z_cdf, _, _ = _tables()
        return {
            "lens_kind": min(abs(random.normal(0, _RED_SCATTER)), 1.0),
            "disc_kind": disc,
            "bulge_kind": random.uniform(0, min(disc, 1.5)),
            "clump_kind": random.uniform(disc, 3),
            "neighbour_kind": random.uniform(0, 3, _NUM_NEIGHBOURS),
            "neighbour_z": np.interp(random.uniform(size=_NUM_NEIGHBOURS), z_cdf, z),
        }

    def with_cuts(
        self, condition: Condition | None, snr: float = 20.0, magnification: float = 3.0
    ) -> Survey:
        """The same with other cuts, or with none where no condition is given."""
        return replace(self, cuts=Cuts(condition, snr, magnification) if condition else None)

    def model(self, parameters: Mapping[str, float | Tensor], label: int) -> SceneModel:
        """The parts of the scene of these parameters."""
        return assemble(parameters, self.classes[label], lens_light=True)

    def _found(self, random: np.random.Generator) -> Drawn:
        """Lens and source, drawn until they pass the cuts."""
        for _ in range(_TRIES):
            z_lens, z_source, sigma_v, theta_E = self._pair(random)
            drawn: Drawn = {
                "theta_E": theta_E,
                "z_lens": z_lens,
                "z_source": z_source,
                "sigma_v": sigma_v,
                **self._lens(z_lens, sigma_v, random),
                **self._source(z_source, random),
            }
            if self.cuts is None or self._passes(drawn, self.cuts):
                return drawn
        raise DataError(
            f"none of {_TRIES} lenses passes {self.cuts}", "ask for less, or under a deeper image"
        )

    def _passes(self, drawn: Mapping[str, Any], cuts: Cuts) -> bool:
        """Whether the lens can be found: without substructure and neighbours, of a smooth source.

        So cuts are those of the published forecast, whose sources are smooth.
        """
        radius = drawn["source_radius"]
        if not cuts.resolve(drawn["theta_E"], radius):
            return False
        smooth = {name: value for name, value in drawn.items() if not name.startswith(_STRUCTURE)}
        lens = assemble(as_numbers(smooth), "no_sub", lens_light=True)
        return detected(lens, drawn["source_magnitude"], radius, cuts)

    def _pair(self, random: np.random.Generator) -> tuple[float, float, float, float]:
        """Redshifts, velocity dispersion [km/s] and θ_E [arcsec] of a lens and its source."""
        z_l, lens_cdf, z_s, source_cdf, sigma, sigma_cdf = _tables()
        while True:
            u = random.uniform(size=(4, _PROPOSALS))
            sigmas = np.interp(u[2], sigma_cdf, sigma)
            most = _theta_E(sigmas, 1.0)  # of a source at infinity: few proposals pass even that
            passing = (self.theta_E.low < most) & (u[3] < (most / self.theta_E.high) ** 2)
            u, sigmas = u[:, passing], sigmas[passing]
            lens, source = np.interp(u[0], lens_cdf, z_l), np.interp(u[1], source_cdf, z_s)
            theta_E = _theta_E(sigmas, _distance_ratio(lens, source))
            inside = (source > lens + 0.1) & (self.theta_E.low < theta_E)
            inside &= theta_E < self.theta_E.high
            accepted = np.flatnonzero(inside & (u[3] < (theta_E / self.theta_E.high) ** 2))
            if len(accepted):
                i = accepted[0]
                return float(lens[i]), float(source[i]), float(sigmas[i]), float(theta_E[i])

    def _lens(self, z: float, sigma_v: float, random: np.random.Generator) -> Drawn:
        """The deflector: shape, slope, multipoles, light and what deflects beside it."""
        v = math.log10(sigma_v)
        absolute = (-0.37 + math.sqrt(0.37**2 - 4 * 0.006 * (2.97 + v))) / (2 * 0.006)
        absolute += random.normal(0, 0.15 / 2.4)
        log_kpc = 2.46 - 2.79 * v + 0.84 * v**2 + random.normal(0, 0.11)
        q = _axis_ratio(0.378 - 0.000572 * sigma_v, random)
        turn, angle = math.pi, random.uniform(0, 2 * math.pi, _NUM_COMPANIONS)
        distance = random.uniform(2.0, 4.5, _NUM_COMPANIONS)
        companions: Drawn = {
            "companion_theta_E": _several(self.companion_theta_E, _NUM_COMPANIONS, random),
            "companion_ellipticity": random.uniform(0, 0.3, _NUM_COMPANIONS),
            "companion_phi": random.uniform(0, turn, _NUM_COMPANIONS),
            "companion_x": distance * np.cos(angle),
            "companion_y": distance * np.sin(angle),
        }
        return {
            "lens_ellipticity": (1 - q) / (1 + q),
            "lens_phi": random.uniform(0, turn),
            "lens_x": random.uniform(-0.1, 0.1),
            "lens_y": random.uniform(-0.1, 0.1),
            "slope": float(np.clip(random.normal(1.078, 0.16), 0.6, 1.6)),
            "a_3": abs(random.normal(0, 0.005)),
            "phi_3": random.uniform(0, turn),
            "a_4": abs(random.normal(0, 0.01)),
            "phi_4": random.uniform(0, turn),
            "shear": min(self.shear * 10 ** random.normal(0, 0.2), 0.25),
            "shear_phi": random.uniform(0, turn),
            "lens_magnitude": absolute + cosmology.distance_modulus(z) + z,
            "lens_radius": 10**log_kpc / 1e3 / cosmology.angular_distance(z) / cosmology.ARCSEC,
            **(companions if self.companions else {}),
        }

    def _source(self, z: float, random: np.random.Generator) -> Drawn:
        """The source: counts, size of its luminosity and redshift, ellipticity, structure."""
        bounds = self.source_magnitude
        low, high = 10 ** (0.3 * bounds.low), 10 ** (0.3 * bounds.high)
        magnitude = math.log10(random.uniform(low, high)) / 0.3
        absolute = magnitude - cosmology.distance_modulus(z) + 2.5 * math.log10(1 + z)
        kpc = 10 ** (-(absolute + 18) / 4 + random.normal(0, 0.35)) * ((1 + z) / 1.6) ** -1.2
        radius = kpc / 1e3 / cosmology.angular_distance(z) / cosmology.ARCSEC
        q = _axis_ratio(0.3, random)
        structure: Drawn = {
            "bulge_fraction": random.uniform(0.05, 0.3),
            "bulge_radius": random.uniform(0.2, 0.5),
            "clump_fraction": random.uniform(
                self.clump_share.low, self.clump_share.high, _NUM_CLUMPS
            ),
            "clump_radius": random.uniform(0.1, 0.3, _NUM_CLUMPS),
            "clump_distance": random.uniform(0.3, 1.5, _NUM_CLUMPS),
            "clump_phi": random.uniform(0, 2 * math.pi, _NUM_CLUMPS),
        }
        distance = self.source_offset * math.sqrt(random.uniform())
        angle = random.uniform(0, 2 * math.pi)
        return {
            "source_x": distance * math.cos(angle),
            "source_y": distance * math.sin(angle),
            "source_magnitude": magnitude,
            "source_radius": float(np.clip(radius, 0.03, 1.0)),
            "source_index": 1.0,
            "source_ellipticity": (1 - q) / (1 + q),
            "source_phi": random.uniform(0, math.pi),
            **structure,
        }

    def _neighbours(self, random: np.random.Generator) -> Drawn:
        """Galaxies in the field, none of them on the ring."""
        angle = random.uniform(0, 2 * math.pi, _NUM_NEIGHBOURS)
        distance = random.uniform(2.5, 4.5, _NUM_NEIGHBOURS)
        return {
            "neighbour_magnitude": _several(self.neighbour_magnitude, _NUM_NEIGHBOURS, random),
            "neighbour_radius": random.uniform(0.1, 0.4, _NUM_NEIGHBOURS),
            "neighbour_ellipticity": random.uniform(0, 0.4, _NUM_NEIGHBOURS),
            "neighbour_phi": random.uniform(0, math.pi, _NUM_NEIGHBOURS),
            "neighbour_x": distance * np.cos(angle),
            "neighbour_y": distance * np.sin(angle),
        }

    def _substructure(self, lens: Mapping[str, Any], random: np.random.Generator) -> Drawn:
        """Shares of the substructure's mass and, for NFW haloes, the sizes these masses have."""
        per_mass = cosmology.theta_E_squared(1.0, lens["z_lens"], lens["z_source"])
        whole = lens["theta_E"] ** 2 / per_mass
        if self.subhalo_mass is None:
            f_sub = self.f_sub.draw(random)
            share = power_law(NUM_SUBHALOES, Range(1.0, 1e4), self.subhalo_slope, random)
            share /= share.sum()
        else:
            masses = population_of_mass(
                whole, self.f_sub, self.subhalo_mass, self.subhalo_slope, random
            )
            f_sub, share = masses.sum() / whole, masses / masses.sum()
        drawn: Drawn = {
            "f_sub": f_sub,
            "subhalo_mass": share,
            "subhalo_radius": subhalo_radii(
                self.subhalo_radius, f_sub * share, lens["slope"], random
            ),
            "subhalo_phi": random.uniform(0, 2 * math.pi, len(share)),
            "vortex_half_length": self.vortex_half_length.draw(random),
            "vortex_phi": random.uniform(0, math.pi),
        }
        if self.truncated_nfw:
            drawn |= sizes(f_sub * share * whole, lens["z_lens"])
        return drawn


def _several(bounds: Range, count: int, random: np.random.Generator) -> np.ndarray:
    return np.array([bounds.draw(random) for _ in range(count)])


def _axis_ratio(scale: float, random: np.random.Generator) -> float:
    """1 − e of a Rayleigh-distributed e, cut where e leaves less than `_MIN_AXIS_RATIO`."""
    most = 1 - math.exp(-((1 - _MIN_AXIS_RATIO) ** 2) / (2 * scale**2))
    return 1 - scale * math.sqrt(-2 * math.log(1 - random.uniform(0, most)))


def _theta_E(sigma_v: np.ndarray, ratio: np.ndarray | float) -> np.ndarray:
    """Einstein radii of isothermal spheres [arcsec]; `ratio` is D_ls/D_s."""
    return np.asarray(4 * math.pi * (sigma_v / 299792.458) ** 2 * ratio / cosmology.ARCSEC)


def _distance_ratio(z_lens: np.ndarray, z_source: np.ndarray) -> np.ndarray:
    """D_ls/D_s, below one."""
    distances = (np.interp(z, _Z, _distances()) for z in (z_lens, z_source))
    return np.asarray(1 - next(distances) / next(distances))


@functools.cache
def _distances() -> np.ndarray:
    return np.array([cosmology.comoving_distance(z) for z in _Z])


@functools.cache
def _tables() -> tuple[np.ndarray, ...]:
    """Cumulative distributions of lens redshift, source redshift and velocity dispersion."""
    z = np.linspace(0.05, 2, 400)
    distance = np.interp(z, _Z, _distances())
    volume = distance**2 / np.sqrt(0.3 * (1 + z) ** 3 + 0.7)
    z_source = np.linspace(0.2, 5, 500)
    sources = z_source**2 * np.exp(-((z_source / 0.9) ** 1.5))
    sigma = np.linspace(100, 400, 400)
    numbers = (sigma / 161) ** 2.32 * np.exp(-((sigma / 161) ** 2.67)) / sigma
    tables: list[np.ndarray] = []
    for grid, density in ((z, volume), (z_source, sources), (sigma, numbers)):
        cumulative = np.cumsum(density)
        tables += [grid, (cumulative - cumulative[0]) / (cumulative[-1] - cumulative[0])]
    return tuple(tables)
