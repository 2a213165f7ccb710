"""Which scenes a step may take: a window that moves over an endless row of chunks.

Everything here follows from the number of the step alone, so a training that goes on anywhere
sees what it would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lensbench.api.condition import Condition
from lensbench.api.dataset import Target
from lensbench.api.samples import Samples
from lensbench.pretraining.recipe import Recipe
from lensbench.store.arrays import map_arrays

IMAGES, TARGET, IDS, SCALES = "image:", "target:", "scene", "pixel-scale"
"""Prefixes and names of the arrays of a chunk."""

_FIRST_CHUNKS = 4
"""How many chunks there are before the first step, where the window is larger."""


@dataclass(frozen=True)
class Windows:
    """Chunks that can be taken from at each step.

    A chunk joins whenever the scenes of one have been taken `uses` times, and the oldest leaves
    once there are `window` of them. At first there are fewer, so that training begins soon.
    """

    chunk: int
    window: int
    uses: float
    batch_size: int

    @classmethod
    def of(cls, recipe: Recipe) -> Windows:
        """Those of a recipe."""
        return cls(recipe.chunk, recipe.window, recipe.uses, recipe.batch_size)

    @property
    def first(self) -> int:
        """Chunks before the first step: a few, and enough for a batch."""
        return max(min(self.window, _FIRST_CHUNKS), math.ceil(self.batch_size / self.chunk))

    def at(self, step: int) -> range:
        """Numbers of the chunks at a step, from 0."""
        joined = math.floor(step * self.batch_size / (self.chunk * self.uses))
        newest = self.first - 1 + joined
        return range(max(0, newest + 1 - max(self.window, self.first)), newest + 1)


@dataclass(frozen=True)
class SharedFacts:
    """What is the same for all chunks: conditions and the meaning of targets."""

    conditions: Mapping[str, Condition]
    info: Mapping[str, Target]
    data_range: float


class Buffer:
    """Scenes of the window, in files that are mapped into memory.

    Args:
        windows: Which chunks when.
        known: What they have in common.
        fetch: Gives the file of a chunk, however long it takes to make.
        discard: Told of a chunk that will not be taken from again.
        ahead: Told of the window's chunks whenever these change.
    """

    def __init__(
        self,
        windows: Windows,
        known: SharedFacts,
        fetch: Callable[[int], Path],
        discard: Callable[[int], None] = lambda _: None,
        ahead: Callable[[range], None] = lambda _: None,
    ) -> None:
        self._windows, self._known = windows, known
        self._fetch, self._discard, self._ahead = fetch, discard, ahead
        self._open: dict[int, dict[str, np.ndarray]] = {}

    def batch(self, step: int, paired: bool, generator: torch.Generator) -> Samples:
        """Scenes of the window under one condition, or under two where they are paired.

        Args:
            step: From 0.
            paired: Whether `Samples.pair` is wanted.
            generator: Of all chance in the choice.
        """
        numbers = self._windows.at(step)
        chunks = self._chunks(numbers)
        names = list(self._known.conditions)
        first = _draw(len(names), generator)
        chosen = torch.randperm(len(numbers) * self._windows.chunk, generator=generator)
        chosen = chosen[: self._windows.batch_size]
        one = self._samples(chunks, chosen, names[first])
        if not paired:
            return one
        second = (first + 1 + _draw(len(names) - 1, generator)) % len(names)
        return replace(one, pair=self._samples(chunks, chosen, names[second]))

    def _chunks(self, numbers: range) -> list[dict[str, np.ndarray]]:
        if self._open.keys() != set(numbers):
            self._ahead(numbers)
            for gone in set(self._open) - set(numbers):
                del self._open[gone]
                self._discard(gone)
            for number in set(numbers) - set(self._open):
                self._open[number] = map_arrays(self._fetch(number))
        return [self._open[number] for number in numbers]

    def _samples(self, chunks: list[dict[str, np.ndarray]], chosen: Tensor, name: str) -> Samples:
        size = self._windows.chunk
        places = [(int(i) // size, int(i) % size) for i in chosen]

        def rows(array: str) -> np.ndarray:
            return np.stack([chunks[chunk][array][row] for chunk, row in places])

        condition = self._known.conditions[name]
        own = SCALES in next(iter(chunks))
        return Samples(
            ids=tuple(scene.decode() for scene in rows(IDS).tolist()),
            images=torch.from_numpy(rows(IMAGES + name)),
            targets={
                target: torch.from_numpy(rows(TARGET + target)) for target in self._known.info
            },
            info=self._known.info,
            condition=condition,
            data_range=self._known.data_range / condition.noise_level,
            pixel_scale=torch.from_numpy(rows(SCALES)) if own else None,
        )


def _draw(count: int, generator: torch.Generator) -> int:
    return 0 if count == 1 else int(torch.randint(count, (1,), generator=generator))
