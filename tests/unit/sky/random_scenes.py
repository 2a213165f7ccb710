"""Random scenes of every kind of lens, substructure and light."""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch

from lensbench.sky import components as c

LENSES = ("sie", "epl", "multipoles", "several")
SUBSTRUCTURES = ("none", "points", "vortex", "nfw", "truncated")
LIGHTS = ("sersic", "components", "image", "foreground")
KINDS = tuple(itertools.product(LENSES, SUBSTRUCTURES, LIGHTS))


def random_scene(
    lens: str, substructure: str, light: str, random: np.random.Generator
) -> c.SceneModel:
    """A scene of these kinds."""
    u = random.uniform
    sources, lights = _light(light, random)
    mass = [*_lens(lens, random), *_substructure(substructure, random)]
    mass.append(c.Shear(u(0, 0.1), u(0, math.pi), 0.1, -0.1))
    return c.SceneModel(tuple(mass), sources, lights)


def _lens(kind: str, random: np.random.Generator) -> list[c.Deflector]:
    u = random.uniform
    theta_E, q, phi, x, y = u(0.8, 1.5), u(0.5, 0.98), u(0, math.pi), u(-0.1, 0.1), u(-0.1, 0.1)
    if kind == "sie":
        return [c.Sie(theta_E, q, phi, x, y)]
    epl: list[c.Deflector] = [c.Epl(theta_E, q, phi, u(0.7, 1.3), x, y)]
    if kind == "multipoles":
        epl += [c.Multipole(m, u(0, 0.03), u(0, math.pi), x, y) for m in (3, 4)]
    if kind == "several":
        epl += [
            c.Sie(u(0.1, 0.3), u(0.6, 0.95), u(0, math.pi), u(-2, 2), u(-2, 2)) for _ in range(2)
        ]
    return epl


def _substructure(kind: str, random: np.random.Generator) -> list[c.Deflector]:
    def several(low: float, high: float, count: int) -> torch.Tensor:
        return torch.from_numpy(random.uniform(low, high, count))

    if kind == "points":
        return [c.PointMasses(10 ** several(-6, -2, 25), several(-2, 2, 25), several(-2, 2, 25))]
    if kind == "vortex":
        along = torch.linspace(-1, 1, 100, dtype=torch.float64) * random.uniform(0.03, 3)
        angle = random.uniform(0, 2 * math.pi)
        mass = torch.full((100,), 5e-4, dtype=torch.float64)
        return [c.PointMasses(mass, along * math.cos(angle), along * math.sin(angle))]
    places = several(-2, 2, 8), several(-2, 2, 8)
    if kind == "nfw":
        return [c.Nfw(several(0.001, 0.02, 8), several(0.05, 0.4, 8), *places)]
    if kind == "truncated":
        shape = several(0.001, 0.02, 8), several(0.05, 0.4, 8), several(0.1, 2, 8)
        return [c.TruncatedNfw(*shape, *places)]
    return []


def _light(
    kind: str, random: np.random.Generator
) -> tuple[tuple[c.Light, ...], tuple[c.Light, ...]]:
    u = random.uniform

    def sersic(magnitude: float, radius: float, spread: float) -> c.Sersic:
        return c.Sersic(
            magnitude, radius, u(0.6, 3), u(0.4, 1), u(0, math.pi),
            u(-spread, spread), u(-spread, spread),
        )  # fmt: skip

    if kind == "components":
        return tuple(sersic(u(23, 25), u(0.05, 0.3), 0.3) for _ in range(3)), ()
    if kind == "image":
        pixels = torch.from_numpy(random.gamma(1.0, size=(1, 24, 31)))
        return (c.GalaxyImage(pixels, u(0.03, 0.06), u(0, math.pi), 0.1, 0.05),), ()
    if kind == "foreground":
        lights = sersic(20.0, u(0.5, 1.0), 0.1), sersic(u(21, 23), 0.3, 3)
        return (sersic(22.0, u(0.1, 0.3), 0.3),), lights
    return (sersic(23.0, u(0.1, 0.4), 0.3),), ()
