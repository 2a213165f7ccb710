"""Populations: from which distributions the parameters of a scene are drawn."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from lensbench.sky.components import SceneModel
    from lensbench.sky.detectability import Cuts

CLASSES = ("no_sub", "cdm", "vortex")
"""Substructure classes in the order of their labels, named as the DeepLense release names them."""

NUM_SUBHALOES = 25


@dataclass(frozen=True)
class Range:
    """Uniform between two bounds, in the value or in its logarithm."""

    low: float
    high: float
    log: bool = False

    def draw(self, random: np.random.Generator) -> float:
        """One value."""
        if self.log:
            return math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        return random.uniform(self.low, self.high)


class ScenePopulation(ABC):
    """Distributions that scenes are drawn from.

    Attributes:
        target: Name of the class target.
        classes: Its classes, in the order of their labels.
        source_scale: Unit in which it places sources: `arcsec` or `theta_E`.
        selects: Whether it has `with_cuts(condition, snr, magnification)`, which sets `cuts`.
        cuts: What a lens needs to be kept; all are kept where `None`.
        others: Non-lenses for each lens, a field of its dataclass; `None` if it has lenses alone.
        coloured: Whether its lights have colours, which `colours` draws.
    """

    target: ClassVar[str]
    classes: ClassVar[tuple[str, ...]]
    source_scale: ClassVar[str] = "arcsec"
    selects: ClassVar[bool] = False
    cuts: Cuts | None = None
    others: int | None = None
    coloured: ClassVar[bool] = False

    @property
    def cycle(self) -> Sequence[int]:
        """Labels of scenes in turn: by default as many of each class."""
        return range(len(self.classes))

    @abstractmethod
    def draw(self, label: int, random: np.random.Generator) -> dict[str, float | np.ndarray]:
        """Parameters of one scene of a class, of the same names and shapes for every class."""

    def colours(
        self, drawn: Mapping[str, Any], random: np.random.Generator
    ) -> dict[str, float | np.ndarray]:
        """Further parameters, with which the lights of `model` have spectra.

        They have random numbers of their own, so that scenes are the same with and without them.
        """
        return {}

    @abstractmethod
    def model(self, parameters: Mapping[str, float | Tensor], label: int) -> SceneModel:
        """The parts of the scene of these parameters."""


@dataclass(frozen=True)
class Population(ScenePopulation):
    """Distributions of all parameters; the same for every substructure class.

    The macro lens is scaled so that the whole lens, substructure included, has the Einstein radius
    `theta_E`: within that radius of the lens's centre the mean convergence is one. The radius and
    the mass within it are therefore distributed alike in every class.

    Attributes:
        theta_E: Einstein radius of the whole, circularised: see `lensbench.sky.einstein` [arcsec].
        lens_ellipticity: |e| of the SIE.
        shear: |γ| of the external shear.
        lens_offset: Of the lens centre from the field's, in each coordinate [arcsec].
        source_offset: Of the source from the lens, in each coordinate, in units of θ_E.
        source_magnitude: Unlensed AB magnitude.
        source_radius: Half-light radius [arcsec].
        source_index: Sérsic index.
        source_ellipticity: |e| of the source.
        lens_magnitude: AB magnitude of the lens galaxy's light.
        lens_radius: Its half-light radius [arcsec].
        lens_light: Whether the lens galaxy shines.
        f_sub: Mass in substructure over the mass within θ_E. The DeepLense release has about
            0.03; it is larger here, so that the classes differ in images of a space telescope.
        subhalo_slope: p(m) ∝ m^slope.
        subhalo_decades: log10 of the ratio of largest to smallest subhalo mass.
        subhalo_radius: Distance from the lens centre in units of θ_E; see `subhalo_radii`.
        vortex_half_length: In units of θ_E.
    """

    target: ClassVar[str] = "substructure"
    classes: ClassVar[tuple[str, ...]] = CLASSES
    source_scale: ClassVar[str] = "theta_E"

    theta_E: Range = Range(0.8, 1.6)
    lens_ellipticity: Range = Range(0.0, 0.25)
    shear: Range = Range(0.0, 0.08)
    lens_offset: Range = Range(-0.1, 0.1)
    source_offset: Range = Range(-0.25, 0.25)
    source_magnitude: Range = Range(22.0, 24.5)
    source_radius: Range = Range(0.1, 0.4, log=True)
    source_index: Range = Range(0.7, 2.5)
    source_ellipticity: Range = Range(0.0, 0.35)
    lens_magnitude: Range = Range(18.0, 20.5)
    lens_radius: Range = Range(0.5, 1.5, log=True)
    lens_light: bool = False
    f_sub: Range = Range(0.05, 0.15)
    subhalo_slope: float = -1.9
    subhalo_decades: float = 4.0
    subhalo_radius: Range = Range(0.2, 1.6)
    vortex_half_length: Range = Range(0.4, 2.0, log=True)

    def draw(self, label: int, random: np.random.Generator) -> dict[str, float | np.ndarray]:
        """Parameters of one scene of this class.

        Everything is drawn for every class, in one order, so that classes differ in the
        substructure alone; `label` then says which substructure is there.
        """
        turn = math.pi
        drawn: dict[str, float | np.ndarray] = {
            "theta_E": self.theta_E.draw(random),
            "lens_ellipticity": self.lens_ellipticity.draw(random),
            "lens_phi": random.uniform(0, turn),
            "shear": self.shear.draw(random),
            "shear_phi": random.uniform(0, turn),
            "lens_x": self.lens_offset.draw(random),
            "lens_y": self.lens_offset.draw(random),
            "source_x": self.source_offset.draw(random),
            "source_y": self.source_offset.draw(random),
            "source_magnitude": self.source_magnitude.draw(random),
            "source_radius": self.source_radius.draw(random),
            "source_index": self.source_index.draw(random),
            "source_ellipticity": self.source_ellipticity.draw(random),
            "source_phi": random.uniform(0, turn),
            "lens_magnitude": self.lens_magnitude.draw(random),
            "lens_radius": self.lens_radius.draw(random),
            "vortex_half_length": self.vortex_half_length.draw(random),
            "vortex_phi": random.uniform(0, turn),
        }
        f_sub, share = self.f_sub.draw(random), self._subhalo_masses(random)
        drawn |= {
            "f_sub": f_sub,
            "subhalo_mass": share,
            "subhalo_radius": subhalo_radii(self.subhalo_radius, f_sub * share, 1.0, random),
            "subhalo_phi": random.uniform(0, 2 * turn, NUM_SUBHALOES),
        }
        if CLASSES[label] == "no_sub":
            drawn["f_sub"] = 0.0
        return drawn

    def model(self, parameters: Mapping[str, float | Tensor], label: int) -> SceneModel:
        """The parts of the scene of these parameters."""
        from lensbench.sky.assembly import assemble

        return assemble(parameters, self.classes[label], self.lens_light)

    def _subhalo_masses(self, random: np.random.Generator) -> np.ndarray:
        """Shares of the substructure's mass, summing to one, by inverse transform of m^slope."""
        power = self.subhalo_slope + 1
        u = random.uniform(size=NUM_SUBHALOES)
        mass = (1 + u * (10 ** (self.subhalo_decades * power) - 1)) ** (1 / power)
        return np.asarray(mass / mass.sum())


def subhalo_radii(
    bounds: Range, masses: np.ndarray, slope: float, random: np.random.Generator
) -> np.ndarray:
    """Distances of subhaloes from the lens centre in units of θ_E.

    The mean convergence jumps by m/θ_E² at a point mass m. One that lay closer to θ_E than the jump
    takes to fall off again would leave several radii within which the mean convergence is one. Such
    a place, in a band of 1.25 m/t to either side, is drawn anew, in every class alike.

    Args:
        bounds: Of the distances, between which they are uniform.
        masses: Of the subhaloes, in units of the mass within θ_E.
        slope: t of the macro lens's convergence.
        random: Where numbers are from.
    """
    radii = []
    for band in (1.25 * masses / slope).tolist():
        radius = bounds.draw(random)
        while abs(radius - 1) < band:
            radius = bounds.draw(random)
        radii.append(radius)
    return np.array(radii)
