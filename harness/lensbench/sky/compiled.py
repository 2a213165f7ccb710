"""The sky of a scene whose parameters are plain numbers, by compiled kernels where there is one.

A part without a kernel gives its deflection or its light by its own
method, so that a population may bring parts of its own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
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
        self._axis, self._x, self._y = _grid(size, pixel_scale)
        self._beta_x, self._beta_y, self._plane = (np.empty_like(self._x) for _ in range(3))

    def render(self, model: SceneModel, plane: Array | None = None) -> Tensor:
        """The sky (C, size, size) of one scene [µJy/arcsec²], float32, until the next is drawn.

        Args:
            model: The parts of the scene.
            plane: Where a sky (size, size) of one channel goes to, so that it need not be copied.
        """
        plane = self._plane if plane is None else plane
        plane.fill(0)
        others = _shine(plane, model.lights, self._x, self._y)
        if model.sources:
            self._trace(model.mass)
            others += _shine(plane, model.sources, self._beta_x, self._beta_y)
        sky = functools.reduce(torch.add, others, torch.from_numpy(plane))
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
                left = _shine(self._plane, (part,), x, y)
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
                a_x, a_y = part.deflection(*self._open)
                self._beta_x += a_x.numpy()
                self._beta_y += a_y.numpy()
        np.subtract(self._x, self._beta_x, out=self._beta_x)
        np.subtract(self._y, self._beta_y, out=self._beta_y)

    @property
    def _open(self) -> tuple[Tensor, Tensor]:
        """Positions of columns and of rows, as `lensing` takes them."""
        axis = torch.from_numpy(self._axis)
        return axis[None, :], axis[:, None]


@functools.lru_cache(maxsize=8)
def _grid(size: int, pixel_scale: float) -> tuple[Array, Array, Array]:
    """Positions of pixels along an axis (size,), and of all in x and y (size, size) [arcsec]."""
    axis = ((np.arange(size) - (size - 1) / 2) * pixel_scale).astype(np.float32)
    return axis, np.tile(axis, (size, 1)), np.repeat(axis, size).reshape(size, size)


def _shine(plane: Array, lights: Sequence[Light], x: Array, y: Array) -> list[Tensor]:
    """Adds lights at positions in their plane; gives the skies of those without a kernel."""
    ours, others = [], []
    for part in lights:
        if type(part) is Sersic and not getattr(part.magnitude, "ndim", 0):
            shape = part.magnitude, part.R_sersic, part.n, part.q, part.phi
            terms = sersic_terms(*(_number(value) for value in shape))
            ours.append((_number(part.x), _number(part.y), *terms))
        else:
            others.append(part.brightness(torch.from_numpy(x), torch.from_numpy(y)))
    if ours:
        kernels.shine(plane, x, y, _floats(*ours))
    return others


def _plain(part: Any) -> Any:
    """A part whose numbers are no tensors; those of several masses stay."""
    values = vars(part)
    alone = {name: _number(value) for name, value in values.items()}
    changed = any(alone[name] is not value for name, value in values.items())
    return replace(part, **alone) if changed else part


def _number(value: Any) -> Any:
    """A number that is no tensor; a tensor of several stays."""
    return value.item() if isinstance(value, Tensor) and not value.ndim else value


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
    series = epl_series((1 - q) / (1 + q), slope)
    series += [0.0] * (-len(series) % kernels.UNROLLED)
    kernels.add_epl(a_x, a_y, axis, lens, _floats(*series))


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
