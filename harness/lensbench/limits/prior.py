"""What is known of lenses before any image: how a population draws them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lensbench.sky.population import ScenePopulation
from lensbench.sky.seeds import generator_of

SMOOTH = "no_sub"
"""The class of lenses without substructure."""

_SUBSTRUCTURE = ("f_sub", "subhalo", "vortex", "axion", "halo", "alpha")
"""Beginnings of the names of parameters that only substructure has."""

_PRIOR_SCENES, _LEAST = 256, 1e-6
"""Scenes that the width of a population is found from, and the least variance of a combination of
its parameters over that of one."""


@dataclass(frozen=True)
class PopulationPrior:
    """What is known of smooth lenses before any image: how a population draws them.

    Attributes:
        names: Of the parameters, those of substructure and those with one value only left out.
        whitening: Turns differences of parameters into independent ones of unit scatter (P, P).
    """

    names: tuple[str, ...]
    whitening: Tensor

    @classmethod
    def of(cls, population: ScenePopulation, seed: int) -> PopulationPrior:
        """The covariance of a population's training scenes: a normal distribution of its width."""
        label = len(population.classes) - 1
        drawn = [
            population.draw(label, generator_of("scene", seed, "train", index))
            for index in range(_PRIOR_SCENES)
        ]
        columns = {
            name: np.array([one[name] for one in drawn], dtype=float)
            for name, value in drawn[0].items()
            if np.ndim(value) == 0 and not name.startswith(_SUBSTRUCTURE)
        }
        names = tuple(name for name, column in columns.items() if np.ptp(column) > 0)
        if not names:
            return cls((), torch.zeros(0, 0, dtype=torch.float64))
        values = np.stack([columns[name] for name in names], 1)
        scatter = values.std(0)
        size, basis = np.linalg.eigh(
            np.cov(((values - values.mean(0)) / scatter).T, ddof=0).reshape(len(names), -1)
        )
        whitening = (basis / np.sqrt(size.clip(min=_LEAST))).T / scatter
        return cls(names, torch.from_numpy(whitening))
