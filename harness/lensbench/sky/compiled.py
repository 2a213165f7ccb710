"""The sky of a scene whose parameters are plain numbers, by compiled kernels where there is one.

A part without a kernel gives its deflection or its light by its own
method, so that a population may bring parts of its own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lensbench.sky import kernels
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
)
from lensbench.sky.kernels import Array
from lensbench.sky.lensing import ROUNDEST_SIE, epl_series
from lensbench.sky.light import sersic_terms
from lensbench.sky.spectra import Filters


class Rays:
    """The rays of a square sky, one through each pixel's centre, with room to trace one scene.

    A scene's parts add to arrays that are kept from scene to scene: to get a megabyte of fresh
    memory takes longer than to fill it.
    """

    def __init__(self, size: int, pixel_scale: float) -> None:
        axis = (np.arange(size) - (size - 1) / 2) * pixel_scale
        self._axis = axis.astype(np.float32)
        self._grid = torch.from_numpy(self._axis)[None, :], torch.from_numpy(self._axis)[:, None]
        self._x = np.tile(self._axis, (size, 1))
        self._y = np.repeat(self._axis, size).reshape(size, size)
        self._beta_x, self._beta_y, self._plane = (np.empty_like(self._x) for _ in range(3))

    def render(self, model: SceneModel) -> Tensor:
        """The sky (C, size, size) of one scene [µJy/arcsec²], float32, until the next is drawn."""
        self._plane.fill(0)
        others = self._shine(model.lights, self._x, self._y)
        if model.sources:
            self._trace(model.mass)
            others += self._shine(model.sources, self._beta_x, self._beta_y)
        sky = functools.reduce(torch.add, others, torch.from_numpy(self._plane))
        return sky.reshape(-1, *sky.shape[-2:])

    def render_through(self, model: SceneModel, filters: Filters) -> Tensor:
        """The sky (C, size, size) of one scene through several filters [µJy/arcsec²], float32.

        Rays are traced once. In the reference filter the sky is that of `render`, to the last bit.
        """
        if model.sources:
            self._trace(model.mass)
        sky = np.zeros((len(filters.edges), *self._x.shape), np.float32)
        others = []
        planes = ((model.lights, self._x, self._y), (model.sources, self._beta_x, self._beta_y))
        for lights, x, y in planes:
            for part in lights:
                weights = filters.weights(part)
                self._plane.fill(0)
                left = self._shine((part,), x, y)
                others += [torch.from_numpy(weights)[:, None, None] * one for one in left]
                if not left:
                    for band, weight in enumerate(weights):
                        sky[band] += weight * self._plane
        return functools.reduce(torch.add, others, torch.from_numpy(sky))

    def _trace(self, mass: Sequence[Deflector]) -> None:
        """Finds where rays through the lens plane meet the source plane."""
        self._beta_x.fill(0)
        self._beta_y.fill(0)
        for part in mass:
            if type(part) in _DEFLECT:
                _DEFLECT[type(part)](_plain(part), self._axis, self._beta_x, self._beta_y)
            else:
                a_x, a_y = part.deflection(*self._grid)
                self._beta_x += a_x.numpy()
                self._beta_y += a_y.numpy()
        np.subtract(self._x, self._beta_x, out=self._beta_x)
        np.subtract(self._y, self._beta_y, out=self._beta_y)

    def _shine(self, lights: Sequence[Light], x: Array, y: Array) -> list[Tensor]:
        """Adds lights at positions in their plane; gives the skies of those without a kernel."""
        others = []
        for part in lights:
            if type(part) is Sersic and not np.ndim(part.magnitude):
                one = _plain(part)
                terms = sersic_terms(one.magnitude, one.R_sersic, one.n, one.q, one.phi)
                kernels.add_sersic(self._plane, x, y, _floats(one.x, one.y, *terms))
            else:
                others.append(part.brightness(torch.from_numpy(x), torch.from_numpy(y)))
        return others


def _plain(part: Any) -> Any:
    """A part whose numbers are no tensors; those of several masses stay."""
    values = {field.name: getattr(part, field.name) for field in fields(part)}
    alone = {n: v.item() for n, v in values.items() if isinstance(v, Tensor) and not v.ndim}
    return replace(part, **alone) if alone else part


def _floats(*values: Any) -> Array:
    return np.array(values, np.float32)


def _add_sie(part: Sie, axis: Array, a_x: Array, a_y: Array) -> None:
    q = min(part.q, ROUNDEST_SIE)
    _add_epl(Epl(part.theta_E, q, part.phi, 1.0, part.x, part.y), axis, a_x, a_y)


def _add_epl(part: Epl, axis: Array, a_x: Array, a_y: Array) -> None:
    q, slope = float(part.q), float(part.slope)
    b = part.theta_E * math.sqrt(q)
    turned = math.cos(part.phi), math.sin(part.phi)
    lens = _floats(part.x, part.y, *turned, q, 2 * b / (1 + q), b**2, (slope - 1) / 2)
    kernels.add_epl(a_x, a_y, axis, lens, _floats(*epl_series((1 - q) / (1 + q), slope)))


def _add_shear(part: Shear, axis: Array, a_x: Array, a_y: Array) -> None:
    gamma = part.gamma * math.cos(2 * part.phi), part.gamma * math.sin(2 * part.phi)
    kernels.add_shear(a_x, a_y, axis, _floats(part.x, part.y, *gamma))


def _add_multipole(part: Multipole, axis: Array, a_x: Array, a_y: Array) -> None:
    peak, angle = part.a_m / (1 - part.m**2), part.m * part.phi_m
    lens = _floats(part.x, part.y, peak * math.cos(angle), peak * math.sin(angle))
    kernels.add_multipole(a_x, a_y, axis, part.m, lens)


def _add_line(part: Line, axis: Array, a_x: Array, a_y: Array) -> None:
    half, turned = part.half_length, (math.cos(part.phi), math.sin(part.phi))
    lens = _floats(part.x, part.y, *turned, half, part.mass / (2 * half))
    kernels.add_line(a_x, a_y, axis, lens)


def _add_points(part: PointMasses, axis: Array, a_x: Array, a_y: Array) -> None:
    several = (part.masses, part.x, part.y)
    kernels.add_point_masses(a_x, a_y, axis, *(values.float().numpy() for values in several))


_DEFLECT: dict[type, Callable[[Any, Array, Array, Array], None]] = {
    Epl: _add_epl,
    Line: _add_line,
    Multipole: _add_multipole,
    PointMasses: _add_points,
    Shear: _add_shear,
    Sie: _add_sie,
}
