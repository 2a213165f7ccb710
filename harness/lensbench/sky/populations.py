"""The named populations: what `population=NAME` can say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from lensbench.errors import OptionError, nearest
from lensbench.sky.deeplense import DeepLense
from lensbench.sky.deeplense_iv import DeepLenseFour
from lensbench.sky.lookalikes import LookAlikes
from lensbench.sky.population import Population, Range, ScenePopulation
from lensbench.sky.survey import Survey

SHIFTS = ("theta_E", "source", "substructure", "environment")
"""What of a population can be moved while all else stays: `survey@source`."""


def population_of(name: str) -> ScenePopulation:
    """The population of this name.

    Raises:
        OptionError: Where there is none.
    """
    if name not in POPULATIONS:
        hint = nearest(name, POPULATIONS)
        if name.partition("@")[0] == "default":
            hint = f"it is called {name.replace('default', 'pedagogical')} now"
        raise OptionError(f"there is no population {name!r}", hint)
    return POPULATIONS[name]()


def population_names() -> tuple[str, ...]:
    """Names that `population_of` knows."""
    return tuple(POPULATIONS)


def _shifted_pedagogical(shift: str) -> Population:
    """The pedagogical population with one thing moved out of its range."""
    base = Population()
    if shift == "theta_E":
        return replace(base, theta_E=_scaled(base.theta_E, 0.6))
    if shift == "source":
        return replace(
            base,
            source_radius=_scaled(base.source_radius, 0.5),
            source_index=Range(base.source_index.high, base.source_index.high + 1.5),
        )
    if shift == "substructure":
        return replace(base, f_sub=_scaled(base.f_sub, 0.5), subhalo_slope=-1.7)
    return replace(
        base,
        shear=Range(base.shear.high, base.shear.high + 0.08),
        lens_ellipticity=Range(base.lens_ellipticity.high, base.lens_ellipticity.high + 0.15),
    )


def _shifted_survey(shift: str) -> Survey:
    """The survey with other rings, brighter clumps, NFW subhaloes or a crowded environment."""
    base = Survey()
    if shift == "theta_E":
        return replace(base, theta_E=Range(0.4, base.theta_E.low))
    if shift == "source":
        return replace(base, clump_share=Range(base.clump_share.high, 0.15))
    if shift == "substructure":
        return replace(base, truncated_nfw=True, f_sub=_scaled(base.f_sub, 0.5))
    neighbours = replace(base.neighbour_magnitude, high=base.neighbour_magnitude.high - 2)
    return replace(base, companions=True, shear=2 * base.shear, neighbour_magnitude=neighbours)


def _cdm_realistic() -> Survey:
    """The survey with subhaloes of the numbers and profiles of cold dark matter.

    Truncated NFW haloes of 10⁷ to 10¹⁰ M☉ with dN/dm ∝ m^−1.9 (Springel et al. 2008) hold 0.5 to
    2 % of the mass within θ_E, about what is measured in lenses (Vegetti et al. 2014,
    arXiv:1405.3666: 0.64 % ± 0.4; Hsueh et al. 2020, arXiv:1905.04182: 0.6 to 2.5 %). A vortex has
    as much.
    """
    return Survey(
        f_sub=Range(0.005, 0.02, log=True), subhalo_mass=Range(1e7, 1e10), truncated_nfw=True
    )


def _scaled(bounds: Range, factor: float) -> Range:
    return replace(bounds, low=bounds.low * factor, high=bounds.high * factor)


POPULATIONS: dict[str, Callable[[], ScenePopulation]] = {
    "survey": Survey,
    **{f"survey@{shift}": partial(_shifted_survey, shift) for shift in SHIFTS},
    "cdm-realistic": _cdm_realistic,
    "pedagogical": Population,
    **{f"pedagogical@{shift}": partial(_shifted_pedagogical, shift) for shift in SHIFTS},
    "deeplense-i": lambda: DeepLense("i"),
    "deeplense-i-faithful": lambda: DeepLense("i", faithful=True),
    "deeplense-ii": lambda: DeepLense("ii"),
    "deeplense-ii-faithful": lambda: DeepLense("ii", faithful=True),
    "deeplense-iii": lambda: DeepLense("iii"),
    "deeplense-iii-faithful": lambda: DeepLense("iii", faithful=True),
    "deeplense-iv": DeepLenseFour,
    "deeplense-iv-faithful": lambda: DeepLenseFour(faithful=True),
    "look-alikes": LookAlikes,
}
"""How to make the population of each name."""
