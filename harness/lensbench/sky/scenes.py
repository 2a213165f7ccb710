"""Draws scenes from a population and renders their skies."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lensbench.api.condition import Condition
from lensbench.api.dataset import Scenes
from lensbench.sky.assembly import assemble
from lensbench.sky.components import SceneModel
from lensbench.sky.population import CLASSES, ScenePopulation
from lensbench.sky.rendering import render_model, render_models
from lensbench.sky.seeds import generator_of
from lensbench.sky.spectra import filters_of
from lensbench.sky.targets import real_targets

Parameters = dict[str, Tensor]


class DeferredScenes(Scenes):
    """Scenes whose skies are rendered when they are first looked at: targets are known before."""

    _render: Callable[[], Tensor]

    @classmethod
    def rendered_by(cls, render: Callable[[], Tensor], **known: Any) -> DeferredScenes:
        """Scenes of these fields, and a function that gives their skies."""
        scenes = cls(sky=torch.empty(0), **known)
        del scenes.__dict__["sky"]
        scenes.__dict__["_render"] = render
        return scenes

    @functools.cached_property
    def sky(self) -> Tensor:
        """The skies (B, C, size, size)."""
        return self._render()


def draw_scenes(
    population: ScenePopulation,
    split: str,
    indices: Sequence[int],
    seed: int,
    size: int = 288,
    pixel_scale: float = 0.025,
) -> Scenes:
    """Scenes of a population, classes in turn or by its `cycle`.

    A scene depends on its split, its index and the seed alone, to the last bit: not on the other
    indices, nor on how many are drawn at once, nor on the number of threads.

    Args:
        population: Distributions of the parameters.
        split: Name of the split; scenes of two splits are never the same.
        indices: Which scenes.
        seed: Draw seed.
        size: Pixels on a side of the sky.
        pixel_scale: Side of a sky pixel [arcsec].

    Returns:
        Skies (B, C, size, size) with the population's class target, its `scene_targets`, and all
        parameters. Skies are rendered when they are first looked at.
    """
    cycle = population.cycle
    labels = np.array([cycle[index % len(cycle)] for index in indices], dtype=np.int64)
    drawn = [
        population.draw(int(label), generator_of("scene", seed, split, index))
        for label, index in zip(labels, indices, strict=True)
    ]
    parameters = {name: np.stack([one[name] for one in drawn]) for name in drawn[0]}

    def build(row: int) -> SceneModel:
        return population.model(as_numbers(drawn[row]), int(labels[row]))

    def coloured(row: int) -> SceneModel:
        random = generator_of("colours", seed, split, indices[row])
        one = {**drawn[row], **population.colours(drawn[row], random)}
        return population.model(as_numbers(one), int(labels[row]))

    def through(condition: Condition) -> Tensor:
        return render_models(coloured, len(labels), size, pixel_scale, filters_of(condition))

    targets = {population.target: labels, **real_targets(population, parameters, labels)}
    return DeferredScenes.rendered_by(
        lambda: render_models(build, len(labels), size, pixel_scale),
        ids=tuple(f"{seed}-{split}-{index}" for index in indices),
        pixel_scale=pixel_scale,
        psf_fwhm=np.zeros(len(labels)),
        targets=targets,
        parameters=parameters,
        through=through if population.coloured else None,
    )


def as_numbers(drawn: Mapping[str, float | np.ndarray]) -> dict[str, float | Tensor]:
    """One scene's parameters as the parts of a scene take them: plain numbers, and tensors (K,)."""
    return {
        name: float(value)
        if isinstance(value, float) or not np.ndim(value)
        else torch.from_numpy(np.asarray(value, dtype=np.float32))
        for name, value in drawn.items()
    }


def render(
    parameters: Parameters, labels: Tensor, size: int, pixel_scale: float, lens_light: bool
) -> Tensor:
    """Skies (B, size, size) [µJy/arcsec²] of the parameters of a `Population`.

    In the parameters' dtype, on their device, and differentiable in them.

    Args:
        parameters: By name, each (B,) or (B, K).
        labels: Substructure classes (B,).
        size: Pixels on a side of the sky.
        pixel_scale: Side of a sky pixel [arcsec].
        lens_light: Whether the lens galaxies shine.
    """
    skies = []
    for row, label in enumerate(labels.tolist()):
        one = {name: values[row] for name, values in parameters.items()}
        model = assemble(one, CLASSES[label], lens_light)
        skies.append(render_model(model, size, pixel_scale, parameters["theta_E"])[0])
    return torch.stack(skies)
