"""How well numbers of a lens can be measured: a local reference and van Trees' bound.

All parameters of a smooth lens are unknown. Substructure is known: in scenes that have some, both
numbers are smaller than what a method could reach that has to find it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import brentq
from torch import Tensor

from lensbench.api.condition import Condition
from lensbench.errors import RunError, UsageError, nearest
from lensbench.sky.information import (
    Prior,
    SmoothUniform,
    bayesian_bound,
    fisher_information,
    scene_model,
)
from lensbench.sky.population import CLASSES, Population, Range
from lensbench.sky.seeds import generator_of
from lensbench.sky.targets import REAL_TARGETS

SIZE, PIXEL_SCALE = 288, 0.025
"""Of the skies: pixels on a side, and the side of one [arcsec]; as scenes are drawn."""

UNKNOWN = (
    "theta_E", "lens_ellipticity", "lens_phi", "shear", "shear_phi", "lens_x", "lens_y",
    "source_x", "source_y", "source_magnitude", "source_radius", "source_index",
    "source_ellipticity", "source_phi",
)  # fmt: skip
"""Parameters of a lens that have to be measured together."""

ALL = "all"
"""In place of a class: scenes of every class, with their substructure known."""

_AT = {name: place for place, name in enumerate(UNKNOWN)}
_FIELDS = {
    "lens_x": "lens_offset", "lens_y": "lens_offset",
    "source_x": "source_offset", "source_y": "source_offset",
}  # fmt: skip
"""Attributes of `Population` that go by another name than the parameter."""


@dataclass(frozen=True)
class Limit:
    """How well a target can be measured.

    Attributes:
        target: Its name.
        unit: Of the target.
        reference: Local reference of the root mean squared error, √E[∇gᵀ(I + Π)⁻¹∇g]: that of the
            best linear estimate around the truth. No bound: with a uniform prior the posterior mean
            is better.
        reference_68: Local reference of what 68.3 % of the absolute errors are below.
        error: Standard error of the reference, for the scenes are a sample.
        bound: Root mean squared error below which no method can be, by van Trees' inequality. NaN
            for components that turn with the image, of which it says nothing.
        scenes: Number of scenes.
    """

    target: str
    unit: str
    reference: float
    reference_68: float
    error: float
    bound: float
    scenes: int


@dataclass(frozen=True)
class SceneSample:
    """The test scenes that a limit is taken over.

    Attributes:
        count: How many, at least 2: the first of the class.
        seed: Of the draw.
        only: A class of substructure, or `ALL`.
        field_of_view: Side of the images [arcsec].
    """

    count: int = 24
    seed: int = 0
    only: str = CLASSES[0]
    field_of_view: float = 6.4


@dataclass(frozen=True)
class Circle:
    """A uniform angle: a prior without edges, and so without information.

    Attributes:
        turn: After which it comes back to itself [rad].
    """

    turn: float = math.pi
    information: float = 0.0
    largest_weight: float = 1.0

    def weight(self, values: Tensor) -> Tensor:
        """One."""
        return torch.ones_like(values)


def measured_targets() -> tuple[str, ...]:
    """Names of the targets that have a limit."""
    return tuple(_SLOPES)


def limits(
    population: Population,
    condition: Condition,
    targets: Sequence[str],
    sample: SceneSample,
    watch: Callable[[int], None] = lambda done: None,
) -> list[Limit]:
    """Limits of targets over the first test scenes of a population.

    Args:
        population: Of the lenses.
        condition: Under which they are seen.
        targets: Their names.
        sample: The scenes.
        watch: Called with the number of scenes that are done.

    Raises:
        UsageError: Where a target has no limit, or there are too few scenes.
    """
    for target in targets:
        if target not in _SLOPES:
            raise UsageError(f"target {target!r} has no limit", nearest(target, _SLOPES))
    scenes, only = sample.count, sample.only
    if only not in (*CLASSES, ALL):
        raise UsageError(f"there is no class {only!r}", nearest(only, (*CLASSES, ALL)))
    if scenes < 2:
        raise UsageError(f"{scenes} scenes were asked for, expected 2 or more", "try 24")
    first, step = (0, 1) if only == ALL else (CLASSES.index(only), len(CLASSES))
    information, values = [], []
    for done in range(scenes):
        index = first + step * done
        told, at = _of_scene(population, index, sample.seed, condition, sample.field_of_view)
        information.append(told)
        values.append(at)
        watch(done + 1)
    return limits_from(torch.stack(information), torch.stack(values), ranges(population), targets)


def limits_from(
    information: Tensor, values: Tensor, known: Mapping[str, Range | Circle], targets: Sequence[str]
) -> list[Limit]:
    """Limits from the Fisher information (n, P, P) of scenes at their parameters (n, P).

    Args:
        information: In the parameters of `UNKNOWN`.
        values: Of these parameters.
        known: How each is distributed. One that is uniform in its logarithm is taken as that.
        targets: Their names.

    Raises:
        RunError: Where a bound is not finite.
    """
    count = len(values)
    stretch = torch.stack(
        [values[:, i] if _is_log(known[n]) else torch.ones(count) for i, n in enumerate(UNKNOWN)], 1
    ).double()
    information = information.double() * stretch[:, :, None] * stretch[:, None, :]
    plain = torch.where(torch.tensor([_is_log(known[n]) for n in UNKNOWN]), values.log(), values)
    spread = torch.tensor([_width(known[n]) ** -2 * 12 for n in UNKNOWN], dtype=torch.float64)
    covariance = torch.linalg.inv(information + torch.diag(spread))
    bounds = bayesian_bound(information, plain, [_smooth(known[n]) for n in UNKNOWN]).rmse()
    found = []
    for target in targets:
        slopes = torch.stack(
            [_SLOPES[target](dict(zip(UNKNOWN, row, strict=True))) for row in values]
        )
        variance = torch.einsum("ni,nij,nj->n", slopes, covariance, slopes)
        if not bool(torch.isfinite(variance).all()) or bool((variance <= 0).any()):
            raise RunError(f"the limit of {target!r} is not finite", "leave this target out")
        reference = math.sqrt(float(variance.mean()))
        error = float(variance.std()) / math.sqrt(count) / (2 * reference)
        bound = float(bounds[_AT[target]]) if target == "theta_E" else math.nan
        unit, inner = REAL_TARGETS[target].unit, inner_error(variance.sqrt())
        found.append(Limit(target, unit, reference, inner, error, bound, count))
    return found


def inner_error(sigma: Tensor) -> float:
    """What 68.3 % of absolute normal errors are below that have one of these σ (n,) each."""

    def excess(x: float) -> float:
        return float(torch.erf(x / (math.sqrt(2) * sigma)).mean()) - math.erf(math.sqrt(0.5))

    return float(brentq(excess, 0.5 * float(sigma.min()), 2 * float(sigma.max())))


def ranges(population: Population) -> dict[str, Range | Circle]:
    """How each unknown parameter is distributed."""
    return {
        name: Circle() if name.endswith("phi") else getattr(population, _FIELDS.get(name, name))
        for name in UNKNOWN
    }


def _of_scene(
    population: Population, index: int, seed: int, condition: Condition, field_of_view: float
) -> tuple[Tensor, Tensor]:
    """Fisher information (P, P) and parameters (P,) of a test scene."""
    label = index % len(CLASSES)
    drawn = population.draw(label, generator_of("scene", seed, "test", index))
    parameters = {name: np.asarray(value)[None] for name, value in drawn.items()}
    model, values = scene_model(
        parameters, 0, UNKNOWN, label, SIZE, PIXEL_SCALE, population.lens_light
    )
    return fisher_information(model, values, condition, PIXEL_SCALE, field_of_view), values


def _is_log(known: Range | Circle) -> bool:
    return isinstance(known, Range) and known.log


def _edges(known: Range) -> tuple[float, float]:
    return (math.log(known.low), math.log(known.high)) if known.log else (known.low, known.high)


def _width(known: Range | Circle) -> float:
    if isinstance(known, Circle):
        return known.turn
    low, high = _edges(known)
    return high - low


def _smooth(known: Range | Circle) -> Prior:
    return known if isinstance(known, Circle) else SmoothUniform(*_edges(known))


def _slope(**parts: Tensor) -> Tensor:
    """A derivative (P,) from its parts that are not zero."""
    found = torch.zeros(len(UNKNOWN), dtype=torch.float64)
    for name, value in parts.items():
        found[_AT[name]] = value
    return found


def _spin_2(size: str, phi: str, part: int) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """Of |e| cos 2φ (part 0) or |e| sin 2φ (part 1)."""

    def slope(p: Mapping[str, Tensor]) -> Tensor:
        cos, sin = torch.cos(2 * p[phi]), torch.sin(2 * p[phi])
        along, across = ((cos, -sin), (sin, cos))[part]
        return _slope(**{size: along, phi: 2 * p[size] * across})

    return slope


def _source(name: str) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """Of a coordinate of the source in arcsec, which is drawn in units of θ_E."""
    return lambda p: _slope(**{name: p["theta_E"], "theta_E": p[name]})


_SLOPES: Mapping[str, Callable[[Mapping[str, Tensor]], Tensor]] = {
    "theta_E": lambda p: _slope(theta_E=torch.ones(())),
    "lens_e1": _spin_2("lens_ellipticity", "lens_phi", 0),
    "lens_e2": _spin_2("lens_ellipticity", "lens_phi", 1),
    "shear_1": _spin_2("shear", "shear_phi", 0),
    "shear_2": _spin_2("shear", "shear_phi", 1),
    "source_x": _source("source_x"),
    "source_y": _source("source_y"),
}
"""Derivative (P,) of each target by the unknown parameters."""
