"""What can be asked about a drawn scene: its parameters as targets, with units and conventions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lensbench.api.dataset import Target
from lensbench.sky.seeds import generator_of

Arrays = Mapping[str, np.ndarray]

_ELLIPTICITY, _SHEAR = ("lens_e1", "lens_e2"), ("shear_1", "shear_2")
_SOURCE = ("source_x", "source_y")

REAL_TARGETS: Mapping[str, Target] = {
    "theta_E": Target("real", unit="arcsec"),
    "lens_e1": Target("real", spin=2, components=_ELLIPTICITY),
    "lens_e2": Target("real", spin=2, components=_ELLIPTICITY),
    "shear_1": Target("real", spin=2, components=_SHEAR),
    "shear_2": Target("real", spin=2, components=_SHEAR),
    "source_x": Target("real", unit="arcsec", spin=1, components=_SOURCE),
    "source_y": Target("real", unit="arcsec", spin=1, components=_SOURCE),
    "f_sub": Target("real"),
    "vortex_half_length": Target("real", unit="arcsec"),
    "log10_axion_mass": Target("real", unit="dex(eV)"),
}
"""All real targets of simulated lenses.

- `theta_E`: Einstein radius of the whole lens: of the circle about its centre within which the mean
  convergence of all mass is one. In `faithful` populations it is that of the macro lens alone.
- `lens_e1`, `lens_e2`: |e| cos 2φ and |e| sin 2φ of the lens's mass with |e| = (1 − q)/(1 + q) and
  its major axis at φ from x (columns) to y (rows), as lenstronomy has them.
- `shear_1`, `shear_2`: γ cos 2φ and γ sin 2φ of the external shear.
- `source_x`, `source_y`: unlensed centre of the source relative to the centre of the lens.
- `f_sub`: mass of the substructure over that within θ_E; zero where there is none.
- `vortex_half_length`: half the length of the vortex line; NaN where there is no vortex.
- `log10_axion_mass`: log10 of the axion's mass in eV, which sets that length; NaN likewise.
"""


def scene_targets(population: Any) -> dict[str, Target]:
    """The real targets that scenes of a `ScenePopulation` have: those whose parameters it draws."""
    drawn = population.draw(0, generator_of("scene", 0, "targets", 0))
    parameters = {name: np.asarray(value)[None] for name, value in drawn.items()}
    known = real_targets(population, parameters, np.zeros(1, dtype=np.int64))
    return {name: REAL_TARGETS[name] for name in known}


def real_targets(population: Any, parameters: Arrays, labels: np.ndarray) -> dict[str, np.ndarray]:
    """The real targets (B,), float32, of scenes of a population.

    Where the population's classes include `non_lens`, all that is a lens's is NaN in these.

    Args:
        population: What drew them. Its attribute `source_scale` says whether sources are placed in
            units of `theta_E` or of `arcsec`.
        parameters: All that was drawn, each (B, …).
        labels: Classes (B,).
    """
    p = parameters
    found: dict[str, np.ndarray] = {}
    if "theta_E" in p:
        found["theta_E"] = p["theta_E"]
    for size, phi, names in (
        ("lens_ellipticity", "lens_phi", _ELLIPTICITY),
        ("shear", "shear_phi", _SHEAR),
    ):
        if size in p and phi in p:
            found[names[0]] = p[size] * np.cos(2 * p[phi])
            found[names[1]] = p[size] * np.sin(2 * p[phi])
    relative = population.source_scale == "theta_E"
    for name in _SOURCE:
        if name in p:
            found[name] = p[name] * (p["theta_E"] if relative else 1.0)
    found |= _substructure(population, p, labels)
    absent = _of_class(population, labels, "non_lens")
    return {
        name: np.where(absent, np.nan, values).astype(np.float32) for name, values in found.items()
    }


def _substructure(population: Any, p: Arrays, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Mass and length; `Population` draws these in units of the macro lens, DeepLense does not."""
    found: dict[str, np.ndarray] = {}
    vortex = _of_class(population, labels, "vortex")
    half_length = p.get("vortex_half_length")
    if "f_sub" in p:
        found["f_sub"] = p["f_sub"]
        half_length = None if half_length is None else half_length * p["theta_E"]
    elif "vortex_mass" in p:
        cdm = _of_class(population, labels, "cdm")
        mass = np.where(cdm, p["subhalo_mass"].sum(1), np.where(vortex, p["vortex_mass"], 0.0))
        found["f_sub"] = mass / p["theta_E"] ** 2
    if "vortex" in population.classes and half_length is not None:
        found["vortex_half_length"] = np.where(vortex, half_length, np.nan)
    if "axion_mass" in p:
        found["log10_axion_mass"] = np.where(vortex, np.log10(p["axion_mass"]), np.nan)
    return found


def _of_class(population: Any, labels: np.ndarray, name: str) -> np.ndarray:
    """Whether (B,) scenes are of a class, which a population may lack."""
    classes = tuple(population.classes)
    return np.asarray(labels == (classes.index(name) if name in classes else -1))
