"""How well numbers of a lens can be measured: a local reference and van Trees' bound.

All drawn numbers of lens, source and lens light are unknown. Substructure is known: in scenes that
have some, both numbers are smaller than what a method could reach that has to find it.

Van Trees' bound needs numbers that are independent in the population, as those of a `Population`
are. Other populations have a local reference alone, with the covariance of their scenes as prior.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from scipy.optimize import brentq
from torch import Tensor

from lensbench.api.condition import Condition
from lensbench.errors import RunError, UsageError, nearest
from lensbench.limits.prior import SMOOTH, PopulationPrior
from lensbench.sky.information import Prior, SmoothUniform, bayesian_bound, fisher_information
from lensbench.sky.population import Population, Range, ScenePopulation
from lensbench.sky.rendering import render_model
from lensbench.sky.seeds import generator_of
from lensbench.sky.targets import REAL_TARGETS, scene_targets

SIZE, PIXEL_SCALE = 288, 0.025
"""Of the skies: pixels on a side, and the side of one [arcsec]; as scenes are drawn."""

UNKNOWN = (
    "theta_E", "lens_ellipticity", "lens_phi", "shear", "shear_phi", "lens_x", "lens_y",
    "source_x", "source_y", "source_magnitude", "source_radius", "source_index",
    "source_ellipticity", "source_phi",
)  # fmt: skip
"""Parameters of a lens of a `Population` that have to be measured together."""

_LIGHT = ("lens_magnitude", "lens_radius")
"""What is unknown besides where the lens shines."""

ALL = "all"
"""In place of a class: lenses of every class, with their substructure known."""

_LENS, _NO_LENS = "lens", "non_lens"
"""The classes of populations that have no substructure."""

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
            for components that turn with the image, of which it says nothing, and for populations
            whose parameters are not independent.
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
        only: A class of lenses, or `ALL`; empty for those without substructure.
        field_of_view: Side of the images [arcsec].
    """

    count: int = 24
    seed: int = 0
    only: str = ""
    field_of_view: float = 6.4

    def lens_class(self, population: ScenePopulation) -> str:
        """The class of these scenes in a population, or `ALL`.

        Raises:
            UsageError: Where the population has no such class of lenses.
        """
        lenses = [name for name in population.classes if name != _NO_LENS]
        only = self.only or next((name for name in (SMOOTH, _LENS) if name in lenses), SMOOTH)
        if only not in (*lenses, ALL):
            hint = nearest(only, (*lenses, ALL))
            raise UsageError(f"there is no class {only!r} of lenses", hint)
        return only


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


def measured_targets(population: ScenePopulation) -> tuple[str, ...]:
    """Names of the targets that have a limit: of lenses, and not the same in every scene."""
    parts = {**{name: (name,) for name in ("theta_E", *_SOURCE)}, **_SPIN_2}
    label = len(population.classes) - 1
    one, other = (
        population.draw(label, generator_of("scene", 0, "train", index)) for index in range(2)
    )
    return tuple(
        name
        for name in scene_targets(population)
        if any(one[part] != other[part] for part in parts.get(name, ()))
    )


def limits(
    population: ScenePopulation,
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
    measured = measured_targets(population)
    for target in targets:
        if target not in measured:
            raise UsageError(f"target {target!r} has no limit", nearest(target, measured))
    scenes, only = sample.count, sample.lens_class(population)
    if scenes < 2:
        raise UsageError(f"{scenes} scenes were asked for, expected 2 or more", "try 24")
    independent = isinstance(population, Population)
    prior = None if independent else PopulationPrior.of(population, sample.seed)
    known = ranges(population) if isinstance(population, Population) else {}
    names = prior.names if prior else tuple(known)
    information, drawn = [], []
    for index, label in itertools.islice(_lenses(population, only), scenes):
        told, at = _of_scene(population, index, label, names, condition, sample)
        information.append(told)
        drawn.append(at)
        watch(len(drawn))
    stacked, relative = torch.stack(information), population.source_scale == "theta_E"
    if prior is None:
        values = torch.stack([torch.stack([one[name] for name in names]) for one in drawn])
        return limits_from(stacked, values, known, targets)
    covariance = torch.linalg.inv(stacked + prior.whitening.mT @ prior.whitening)
    slopes = {target: _slopes(target, drawn, names, relative) for target in targets}
    return [_limit(target, rows, covariance, math.nan) for target, rows in slopes.items()]


def limits_from(
    information: Tensor, values: Tensor, known: Mapping[str, Range | Circle], targets: Sequence[str]
) -> list[Limit]:
    """Limits from the Fisher information (n, P, P) of scenes at their parameters (n, P).

    The parameters are independent, and sources are placed in units of θ_E.

    Args:
        information: In the parameters of `known`, in their order.
        values: Of these parameters.
        known: How each is distributed. One that is uniform in its logarithm is taken as that.
        targets: Their names.

    Raises:
        RunError: Where a bound is not finite.
    """
    count, names = len(values), tuple(known)
    stretch = torch.stack(
        [values[:, i] if _is_log(known[n]) else torch.ones(count) for i, n in enumerate(names)], 1
    ).double()
    information = information.double() * stretch[:, :, None] * stretch[:, None, :]
    plain = torch.where(torch.tensor([_is_log(known[n]) for n in names]), values.log(), values)
    spread = torch.tensor([_width(known[n]) ** -2 * 12 for n in names], dtype=torch.float64)
    covariance = torch.linalg.inv(information + torch.diag(spread))
    bounds = bayesian_bound(information, plain, [_smooth(known[n]) for n in names]).rmse()
    drawn = [dict(zip(names, row, strict=True)) for row in values]
    return [
        _limit(
            target,
            _slopes(target, drawn, names, relative=True),
            covariance,
            float(bounds[names.index(target)]) if target == "theta_E" else math.nan,
        )
        for target in targets
    ]


def _limit(target: str, slopes: Tensor, covariance: Tensor, bound: float) -> Limit:
    """The limit of a target of these slopes (n, P), where parameters have covariances (n, P, P).

    Raises:
        RunError: Where it is not finite.
    """
    variance = torch.einsum("ni,nij,nj->n", slopes, covariance, slopes)
    if not bool(torch.isfinite(variance).all()) or bool((variance <= 0).any()):
        raise RunError(f"the limit of {target!r} is not finite", "leave this target out")
    count, reference = len(slopes), math.sqrt(float(variance.mean()))
    error = float(variance.std()) / math.sqrt(count) / (2 * reference)
    unit, inner = REAL_TARGETS[target].unit, inner_error(variance.sqrt())
    return Limit(target, unit, reference, inner, error, bound, count)


def inner_error(sigma: Tensor) -> float:
    """What 68.3 % of absolute normal errors are below that have one of these σ (n,) each."""

    def excess(x: float) -> float:
        return float(torch.erf(x / (math.sqrt(2) * sigma)).mean()) - math.erf(math.sqrt(0.5))

    return float(brentq(excess, 0.5 * float(sigma.min()), 2 * float(sigma.max())))


def ranges(population: Population) -> dict[str, Range | Circle]:
    """How each unknown parameter is distributed."""
    return {
        name: Circle() if name.endswith("phi") else getattr(population, _FIELDS.get(name, name))
        for name in (*UNKNOWN, *(_LIGHT if population.lens_light else ()))
    }


def _lenses(population: ScenePopulation, only: str) -> Iterator[tuple[int, int]]:
    """Indices of a class's scenes, of `ALL` lenses else, and their labels."""
    for index in itertools.count():
        label = population.cycle[index % len(population.cycle)]
        name = population.classes[label]
        if name == only or (only == ALL and name != _NO_LENS):
            yield index, label


def _of_scene(
    population: ScenePopulation,
    index: int,
    label: int,
    names: Sequence[str],
    condition: Condition,
    sample: SceneSample,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Fisher information (P, P) of parameters in a test scene, and all that was drawn of it."""
    drawn = population.draw(label, generator_of("scene", sample.seed, "test", index))
    exact = {name: torch.as_tensor(value, dtype=torch.float64) for name, value in drawn.items()}

    def sky(theta: Tensor) -> Tensor:
        changed = {**exact, **dict(zip(names, theta, strict=True))}
        lens = population.model(changed, label)
        return render_model(lens, SIZE, PIXEL_SCALE, exact["theta_E"])

    values = torch.stack([exact[name] for name in names])
    return fisher_information(sky, values, condition, PIXEL_SCALE, sample.field_of_view), exact


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


_SPIN_2 = {
    "lens_e1": ("lens_ellipticity", "lens_phi"),
    "lens_e2": ("lens_ellipticity", "lens_phi"),
    "shear_1": ("shear", "shear_phi"),
    "shear_2": ("shear", "shear_phi"),
}
"""Size |e| and angle φ of each target |e| cos 2φ, whose name ends in 1, and |e| sin 2φ, in 2."""

_SOURCE = ("source_x", "source_y")


def _slopes(
    target: str, drawn: Sequence[Mapping[str, Tensor]], names: Sequence[str], relative: bool
) -> Tensor:
    """Derivatives (n, P) of a target by the named parameters in scenes of these parameters."""
    found = torch.zeros(len(drawn), len(names), dtype=torch.float64)
    for row, p in zip(found, drawn, strict=True):
        for name, value in _slope(target, p, relative).items():
            if name in names:
                row[names.index(name)] = value
    return found


def _slope(target: str, p: Mapping[str, Tensor], relative: bool) -> dict[str, Tensor]:
    """Derivatives of a target that are not zero, by parameter.

    Args:
        target: Its name.
        p: Parameters of a scene.
        relative: Whether the source is placed in units of θ_E and not of arcsec.
    """
    if target in _SPIN_2:
        size, phi = _SPIN_2[target]
        cos, sin = torch.cos(2 * p[phi]), torch.sin(2 * p[phi])
        along, across = (cos, -sin) if target.endswith("1") else (sin, cos)
        return {size: along, phi: 2 * p[size] * across}
    if target in _SOURCE and relative:
        return {target: p["theta_E"], "theta_E": p[target]}
    return {target: torch.ones(())}
