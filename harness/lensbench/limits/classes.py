"""How well classes of substructure can be separated: the detectability of smooth lenses' residuals.

For each scene the smooth lens is refitted to the noise-free image of the lens with substructure.
The residual, in units of the noise, has a length d′. An observer who knows this residual and looks
for nothing else separates images with and without it by d′ standard deviations (Green & Swets
1966). Nobody knows the residual beforehand, so the score of this observer is an upper bound.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from lensbench.api.condition import Condition
from lensbench.api.dataset import Scenes
from lensbench.errors import UsageError
from lensbench.limits.prior import SMOOTH, PopulationPrior
from lensbench.sky.information import Model, decorrelate, derivatives
from lensbench.sky.observation import expose, grid_of
from lensbench.sky.population import ScenePopulation
from lensbench.sky.rendering import render_model
from lensbench.sky.seeds import generator_of

SIZE, PIXEL_SCALE = 144, 0.05
"""Of the skies: pixels on a side, and the side of one [arcsec]."""

_STEPS, _TRIES = 12, 20
"""Derivatives of a refit, and steps that begin with each, at most."""

_ENOUGH, _LITTLE = 1e-3, 1e-4
"""A step is followed by another if it lowers χ² by this share of it and by this much."""


@dataclass(frozen=True)
class ClassLimit:
    """How well two classes can be separated.

    Attributes:
        first: One class.
        second: The other.
        detectability: d′ of each scene (n,), as one of the first class or as one of the second.
    """

    first: str
    second: str
    detectability: tuple[float, ...]

    @property
    def auroc(self) -> float:
        """Upper bound on the area under the ROC curve; see `known_signal_auroc`."""
        return known_signal_auroc(np.array(self.detectability))


def class_limits(
    scenes: Sequence[Scene], watch: Callable[[int], None] = lambda done: None
) -> list[ClassLimit]:
    """Limits of every pair of classes, over scenes of a population.

    Each scene is taken as one of every class in turn, with all else the same.

    Args:
        scenes: From `drawn_scenes`.
        watch: Called with the number of scenes that are done.
    """
    others = [name for name in scenes[0].classes if name != SMOOTH]
    found: dict[tuple[str, str], list[float]] = {}
    for done, scene in enumerate(scenes, 1):
        left = {name: scene.residual(name) for name in others}
        for i, name in enumerate(others):
            found.setdefault((SMOOTH, name), []).append(float(left[name].norm()))
            for other in others[i + 1 :]:
                apart = scene.without_smooth(left[name] - left[other])
                found.setdefault((name, other), []).append(float(apart.norm()))
        watch(done)
    return [ClassLimit(*pair, tuple(values)) for pair, values in found.items()]


@dataclass(frozen=True)
class Scene:
    """A drawn lens, and noise-free images of it.

    Images are flat (N + P,): N pixels, freed of the correlation of the noise and in units of the
    noise of the lens without substructure, and then by how much the P parameters of the smooth
    lens differ from the drawn ones, in units of the population's scatter. So a fit to an image is
    one with the population as its prior.

    Attributes:
        parameters: Drawn ones of lens and substructure.
        model: The image without substructure, from the parameters of the smooth lens.
        values: Those parameters (P,).
        image: The image of drawn parameters with the substructure of a class, by its label.
        classes: Names of the classes.
    """

    parameters: Mapping[str, Tensor]
    model: Model
    values: Tensor
    image: Callable[[Mapping[str, Tensor], int], Tensor]
    classes: tuple[str, ...]

    @classmethod
    def drawn(
        cls,
        population: ScenePopulation,
        index: int,
        seed: int,
        condition: Condition,
        field_of_view: float,
        prior: PopulationPrior,
    ) -> Scene:
        """A test scene, drawn with the last class: the smooth lens is the same in every class."""
        drawn = population.draw(
            len(population.classes) - 1, generator_of("scene", seed, "test", index)
        )
        exact = {name: torch.as_tensor(value).double() for name, value in drawn.items()}
        smooth = population.classes.index(SMOOTH)
        values = torch.cat([prior.whitening.new_empty(0), *(exact[n][None] for n in prior.names)])
        condition = replace(condition.told, seeing_scatter=0.0)
        grid = grid_of(condition, field_of_view)

        def electrons(parameters: Mapping[str, Tensor], label: int) -> Tensor:
            lens = population.model(parameters, label)
            sky = render_model(lens, SIZE, PIXEL_SCALE, exact["theta_E"])[None]
            scenes = Scenes(("",), sky, PIXEL_SCALE, np.zeros(1))
            return expose(scenes, condition, grid)[0] * condition.electrons_per_sb

        photons = (electrons(exact, smooth) + condition.background_electrons).clamp(min=0)
        sigma = (photons + condition.read_electrons**2).sqrt()

        def pixels(parameters: Mapping[str, Tensor], label: int) -> Tensor:
            white = decorrelate(electrons(parameters, label), condition.noise_tap) / sigma
            return white.flatten()

        def model(theta: Tensor) -> Tensor:
            changed = {**exact, **dict(zip(prior.names, theta, strict=True))}
            return torch.cat([pixels(changed, smooth), prior.whitening @ (theta - values)])

        def image(parameters: Mapping[str, Tensor], label: int) -> Tensor:
            return torch.cat([pixels(parameters, label), torch.zeros_like(values)])

        return cls(exact, model, values, image, tuple(population.classes))

    @functools.cached_property
    def linear(self) -> tuple[Tensor, Tensor]:
        """The image without substructure and its derivatives (P, N + P) by the parameters."""
        if not len(self.values):
            value = self.model(self.values)
            return value, value.new_empty(0, len(value))
        return derivatives(self.model, self.values)

    def residual(self, name: str) -> Tensor:
        """What the best smooth lens leaves of the image with the substructure of a class."""
        image = self.image(self.parameters, self.classes.index(name))
        return refitted(self.model, self.values, image, self.linear)

    def without_smooth(self, residuals: Tensor) -> Tensor:
        """Residuals (..., N + P) without what small changes of the smooth lens can make."""
        return orthogonal(residuals.movedim(-1, 0), self.linear[1]).movedim(0, -1)


def drawn_scenes(
    population: ScenePopulation,
    condition: Condition,
    count: int,
    seed: int,
    field_of_view: float = 6.4,
) -> list[Scene]:
    """The first test scenes of a population.

    Args:
        population: Of the lenses.
        condition: Under which they are seen.
        count: How many.
        seed: Of the draw.
        field_of_view: Side of the images [arcsec].

    Raises:
        UsageError: Where the population has no class without substructure.
    """
    if SMOOTH not in population.classes:
        raise UsageError(
            f"there is no class {SMOOTH!r} among {', '.join(population.classes)}: these classes "
            "have no limit",
            "take a population of lenses with substructure",
        )
    seen = (seed, condition, field_of_view, PopulationPrior.of(population, seed))
    return [Scene.drawn(population, index, *seen) for index in range(count)]


def refitted(
    model: Model, start: Tensor, image: Tensor, first: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """What a least-squares fit leaves of an image (N,), in units of its noise.

    The better one of two: from the start, and from where one linear step leads from there. A fit
    may end early, and rarely do both.

    Args:
        model: From parameters (P,) to images (N,) in units of the noise.
        start: Where to begin (P,).
        image: Without noise.
        first: The model's image and derivatives at the start, where these are known.
    """
    theta = start.double()
    value, slopes = first or derivatives(model, theta)
    if not len(slopes):
        return image - value
    best = _left_by_fit(model, theta, value, slopes, image)
    length = slopes.norm(dim=1).clamp(min=1e-30)
    scaled = (slopes / length[:, None]).T
    stepped = theta + torch.linalg.lstsq(scaled, image - value, driver="gelsd").solution / length
    value, slopes = derivatives(model, stepped)
    if bool(torch.isfinite(value).all()) and bool(torch.isfinite(slopes).all()):
        other = _left_by_fit(model, stepped, value, slopes, image)
        best = min(best, other, key=lambda left: float(left.norm()))
    return best


def _left_by_fit(
    model: Model, theta: Tensor, value: Tensor, slopes: Tensor, image: Tensor
) -> Tensor:
    """What a fit leaves (N,) that begins at parameters (P,) of an image and derivatives (P, N).

    Levenberg–Marquardt. Derivatives cost far more than images, so several steps use the same. At
    the end the part that one more linear step would explain is removed.
    """
    for _ in range(_STEPS):
        before = float((image - value).square().sum())
        theta, value = _descended(model, theta, value, slopes, image)
        after = float((image - value).square().sum())
        if before - after < _ENOUGH * before + _LITTLE:
            break
        value, slopes = derivatives(model, theta)
    return orthogonal(image - value, slopes)


def _descended(
    model: Model, theta: Tensor, value: Tensor, slopes: Tensor, image: Tensor
) -> tuple[Tensor, Tensor]:
    """Parameters (P,) and their image (N,) after steps that begin with derivatives (P, N).

    Each step corrects the derivatives by what it found along its own way (Broyden 1965).
    """
    damping = 1e-3
    for _ in range(_TRIES):
        matrix, left = slopes @ slopes.T, image - value
        before = float(left @ left)
        scale = matrix.diagonal().clamp(min=1e-12)
        step = torch.linalg.lstsq(matrix + torch.diag(damping * scale), slopes @ left).solution
        tried = model(theta + step)
        after = float((image - tried).square().sum())
        if not math.isfinite(after):
            damping *= 10
            continue
        missed, weighted = tried - value - step @ slopes, scale * step
        slopes = slopes + torch.outer(weighted / (weighted @ step).clamp(min=1e-30), missed)
        if after < before:
            theta, value, damping = theta + step, tried, max(damping / 10, 1e-9)
            if before - after < _ENOUGH * before + _LITTLE:
                break
        else:
            damping *= 10
    return theta, value


def orthogonal(vector: Tensor, slopes: Tensor) -> Tensor:
    """A vector (N,) without its part in the span of others (P, N), some of which may be zero."""
    length = slopes.norm(dim=1)
    used = slopes[length > 1e-9] / length[length > 1e-9, None]
    basis, size, _ = torch.linalg.svd(used.T, full_matrices=False)
    basis = basis[:, size > 1e-6 * size[0]] if len(size) else basis
    rest: Tensor = vector - basis @ (basis.T @ vector)
    return rest


def known_signal_auroc(detectability: np.ndarray) -> float:
    """Area under the ROC curve of an observer who knows the signal of each scene.

    The logarithm of the likelihood ratio is normal, with mean ±d²/2 and variance d². One threshold
    on it for all scenes is best. Over pairs of scenes a and b the area is therefore the mean of
    Φ(√(d_a² + d_b²)/2), which is Φ(d/√2) where all d are equal.

    Args:
        detectability: d′ of each scene (n,).
    """
    squared = np.asarray(detectability) ** 2
    root = np.sqrt(squared[:, None] + squared[None, :]) / 2
    return float(np.mean([[0.5 * math.erfc(-x / math.sqrt(2)) for x in row] for row in root]))


def task_limits(task: str, found: list[ClassLimit]) -> dict[str, float]:
    """Upper bounds on the metrics of a task, by name.

    Args:
        task: `anomaly` or `morphology`.
        found: Of every pair of classes.
    """
    by_pair = {frozenset((one.first, one.second)): one for one in found}
    classes = sorted({name for one in found for name in (one.first, one.second)})

    def against(name: str, rest: list[str]) -> float:
        return float(np.mean([by_pair[frozenset((name, other))].auroc for other in rest]))

    substructures = [name for name in classes if name != SMOOTH]
    if task == "anomaly":
        single = {f"auroc_{name}": against(SMOOTH, [name]) for name in substructures}
        return {"auroc": against(SMOOTH, substructures), **single}
    each = [against(name, [other for other in classes if other != name]) for name in classes]
    return {"auroc": float(np.mean(each))}
