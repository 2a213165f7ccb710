"""Scenes of which targets are wanted first and images perhaps never."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lensbench.api.condition import Condition
from lensbench.api.dataset import ObservedDataset
from lensbench.api.samples import Samples
from lensbench.cells.descriptions import SplitView
from lensbench.cells.images import SceneSet, plain_targets
from lensbench.sky.seeing import widths_of
from lensbench.sky.splits import SceneBatch, observe_split


def can_defer(test: SplitView) -> bool:
    """Whether the targets of a test are known before an image of it is made."""
    return test.sky is None and not isinstance(test.scenes.dataset, ObservedDataset)


@dataclass(frozen=True)
class DrawnTargets:
    """What is known of a set of scenes that are drawn, without their skies.

    Attributes:
        scenes: The set.
        ids: Of each scene.
        targets: By name, each (N,), as they are stored beside images.
    """

    scenes: SceneSet
    ids: tuple[str, ...]
    targets: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, scenes: SceneSet) -> DrawnTargets:
        """Draws the parameters of scenes."""
        drawn = scenes.dataset.scenes(scenes.split, range(scenes.size), scenes.seed)
        return cls(scenes, drawn.ids, plain_targets(drawn.targets))

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """Names of the classes of each class target."""
        targets = self.scenes.dataset.targets.items()
        return {name: target.classes for name, target in targets if target.kind == "class"}

    def samples(self, condition: Condition, images: Callable[[], torch.Tensor]) -> Samples:
        """Samples under a condition whose images are made when something first looks at them."""
        scenes = self.scenes
        seen = scenes.seen(condition)
        return DeferredSamples.seen_by(
            images,
            ids=self.ids,
            targets={name: torch.from_numpy(values) for name, values in self.targets.items()},
            info=scenes.dataset.targets,
            condition=seen,
            data_range=scenes.dataset.data_range / seen.noise_level,
            psf_fwhm=widths_of(seen, self.ids),
        )


class SceneImages:
    """Images of single scenes of a set, each scene rendered once for all conditions."""

    def __init__(self, scenes: SceneSet) -> None:
        self._scenes = scenes
        self._batches: dict[int, SceneBatch] = {}

    def under(self, condition: Condition, index: int) -> np.ndarray:
        """The image (C, H, W) of one scene under a condition, as it is with all others."""
        if index not in self._batches:
            one, scenes = range(index, index + 1), self._scenes
            batches: Iterator[SceneBatch] = observe_split(
                scenes.dataset, scenes.split, one, scenes.seed, 1
            )
            self._batches[index] = next(batches)
        image: np.ndarray = self._batches[index].observed(condition).images[0].numpy()
        return image


class DeferredSamples(Samples):
    """Samples whose images are made when something first looks at them."""

    _see: Callable[[], torch.Tensor]

    @classmethod
    def seen_by(cls, see: Callable[[], torch.Tensor], **known: Any) -> DeferredSamples:
        """Samples of these fields, and a function that gives their images."""
        samples = cls(images=torch.empty(0), **known)
        del samples.__dict__["images"]
        samples.__dict__["_see"] = see
        return samples

    @functools.cached_property
    def images(self) -> torch.Tensor:
        """The images (N, C, H, W)."""
        return self._see()

    def take(self, indices: torch.Tensor) -> Samples:
        """The samples at these indices, in that order; their images wait as well."""
        widths = self.psf_fwhm
        return DeferredSamples.seen_by(
            lambda: self.images[indices],
            ids=tuple(self.ids[i] for i in indices.tolist()),
            targets={name: values[indices] for name, values in self.targets.items()},
            info=self.info,
            condition=self.condition,
            data_range=self.data_range,
            psf_fwhm=None if widths is None else widths[indices.cpu()],
        )
