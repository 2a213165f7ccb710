"""From the drawn parameters of a scene to its parts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lensbench.sky import scalars
from lensbench.sky.components import (
    Deflector,
    Epl,
    Light,
    Line,
    Multipole,
    PointMasses,
    SceneModel,
    Sersic,
    Shear,
    Sie,
    TruncatedNfw,
)
from lensbench.sky.einstein import macro_theta_E
from lensbench.sky.lensing import axis_ratio
from lensbench.sky.scalars import Number
from lensbench.sky.spectra import Spectrum

Parameters = Mapping[str, Any]
"""Of one scene, by name: numbers (plain or tensors), or tensors (K,) of what has several."""


_MAG = 2.5 / math.log(10)
"""Magnitudes in a factor of e."""


def assemble(p: Parameters, substructure: str, lens_light: bool) -> SceneModel:
    """A galaxy-galaxy lens.

    The macro lens is scaled so that the whole has the Einstein radius `theta_E`: about the lens's
    centre, the mean convergence of all mass within that radius is one.

    What is optional is there where its parameters are: `slope` makes the lens an EPL, `a_3` and
    `a_4` add multipoles, `companion_theta_E` deflectors beside it, `neighbour_magnitude`
    galaxies in front, `bulge_fraction` a bulge and `clump_fraction` clumps to the source, and
    `subhalo_Rs` makes the subhaloes truncated NFW. `lens_kind`, `disc_kind`, `bulge_kind`,
    `clump_kind` and `neighbour_kind` give their lights spectra.

    Args:
        p: Parameters as `Population` names them.
        substructure: `no_sub`, `cdm` or `vortex`.
        lens_light: Whether the lens galaxy shines.
    """
    others = [*_companions(p), *_substructure(p, substructure)]
    mass = [*_macro(p, others), *others]
    return SceneModel(tuple(mass), _source(p), _lights(p, lens_light))


def _macro(p: Parameters, others: list[Deflector]) -> list[Deflector]:
    """The lens galaxy, of the mass that the others leave to it, and the shear."""
    x, y, phi = p["lens_x"], p["lens_y"], p["lens_phi"]
    q = axis_ratio(p["lens_ellipticity"])
    theta_E = macro_theta_E(p["theta_E"], q, p.get("slope", 1.0), others, x, y)
    parts: list[Deflector] = [
        Epl(theta_E, q, phi, p["slope"], x, y) if "slope" in p else Sie(theta_E, q, phi, x, y),
        Shear(p["shear"], p["shear_phi"], x, y),
    ]
    parts += [
        Multipole(m, p[f"a_{m}"] * theta_E, p[f"phi_{m}"], x, y) for m in (3, 4) if f"a_{m}" in p
    ]
    return parts


def _companions(p: Parameters) -> list[Deflector]:
    if "companion_theta_E" not in p:
        return []
    return [
        Sie(
            p["companion_theta_E"][i],
            axis_ratio(p["companion_ellipticity"][i]),
            p["companion_phi"][i],
            p["lens_x"] + p["companion_x"][i],
            p["lens_y"] + p["companion_y"][i],
        )
        for i in range(len(p["companion_theta_E"]))
    ]


def _substructure(p: Parameters, kind: str) -> list[Deflector]:
    """Subhaloes or a vortex line of `f_sub` of the mass within θ_E."""
    if kind == "no_sub":
        return []
    mass = p["f_sub"] * p["theta_E"] ** 2
    if kind == "vortex":
        half_length = p["vortex_half_length"] * p["theta_E"]
        return [Line(mass, half_length, p["vortex_phi"], p["lens_x"], p["lens_y"])]
    radius = p["subhalo_radius"] * p["theta_E"]
    x = p["lens_x"] + radius * torch.cos(p["subhalo_phi"])
    y = p["lens_y"] + radius * torch.sin(p["subhalo_phi"])
    masses = p["subhalo_mass"] * mass
    if "subhalo_Rs" not in p:
        return [PointMasses(masses, x, y)]
    alpha_Rs = masses * p["subhalo_alpha_per_mass"]
    there = masses > 0
    parts = (alpha_Rs, p["subhalo_Rs"], p["subhalo_r_trunc"], x, y)
    return [TruncatedNfw(*(part[there] for part in parts))]


def spectrum(p: Parameters, kind: str, z: str, index: int | None = None) -> Spectrum | None:
    """The spectrum of the parameters of these names, if they are there; of one of several."""
    if kind not in p:
        return None
    values = (p[kind], p[z]) if index is None else (p[kind][index], p[z][index])
    return Spectrum(*(float(value) for value in values))


def _source(p: Parameters) -> tuple[Light, ...]:
    """The source: a disc, where asked with a bulge and clumps, of `source_magnitude` in all."""
    x = p["lens_x"] + p["source_x"] * p["theta_E"]
    y = p["lens_y"] + p["source_y"] * p["theta_E"]
    q, phi, radius = axis_ratio(p["source_ellipticity"]), p["source_phi"], p["source_radius"]
    disc_share: Number = 1.0
    parts: list[Light] = []
    if "bulge_fraction" in p:
        disc_share = disc_share - p["bulge_fraction"]
        magnitude = p["source_magnitude"] - _MAG * scalars.log(p["bulge_fraction"])
        bulge_radius = p["bulge_radius"] * radius
        old = spectrum(p, "bulge_kind", "z_source")
        parts.append(Sersic(magnitude, bulge_radius, 4.0, scalars.sqrt(q), phi, x, y, old))
    if "clump_fraction" in p:
        shares, away, angle = p["clump_fraction"], p["clump_distance"] * radius, p["clump_phi"]
        magnitudes = p["source_magnitude"] - _MAG * scalars.log(shares)
        places = x + away * scalars.cos(angle), y + away * scalars.sin(angle)
        young = spectrum(p, "clump_kind", "z_source")
        clumps = (shares, magnitudes, p["clump_radius"] * radius, *places)
        for share, magnitude, clump_radius, x_clump, y_clump in _each(clumps):
            disc_share = disc_share - share
            parts.append(Sersic(magnitude, clump_radius, 0.7, 1.0, phi, x_clump, y_clump, young))
    magnitude = p["source_magnitude"] - _MAG * scalars.log(disc_share)
    disc = spectrum(p, "disc_kind", "z_source")
    parts.append(Sersic(magnitude, radius, p["source_index"], q, phi, x, y, disc))
    return tuple(parts)


def _lights(p: Parameters, lens_light: bool) -> tuple[Light, ...]:
    parts: list[Light] = []
    if lens_light:
        q = axis_ratio(p["lens_ellipticity"])
        parts.append(
            Sersic(
                p["lens_magnitude"],
                p["lens_radius"],
                4.0,
                q,
                p["lens_phi"],
                p["lens_x"],
                p["lens_y"],
                spectrum(p, "lens_kind", "z_lens"),
            )
        )
    if "neighbour_magnitude" in p:
        sizes = p["neighbour_magnitude"], p["neighbour_radius"]
        shapes = axis_ratio(p["neighbour_ellipticity"]), p["neighbour_phi"]
        neighbours = (*sizes, *shapes, p["neighbour_x"], p["neighbour_y"])
        for i, (magnitude, radius, q, phi, x, y) in enumerate(_each(neighbours)):
            seen = spectrum(p, "neighbour_kind", "neighbour_z", i)
            parts.append(Sersic(magnitude, radius, 1.0, q, phi, x, y, seen))
    return tuple(parts)


def _each(columns: Sequence[Any]) -> Iterable[tuple[Tensor, ...]]:
    """The numbers of each of several, from columns (K,)."""
    return zip(*(column.unbind() for column in columns), strict=True)
