"""Observed images of a split: made once for each condition, kept in the store, read as samples."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from lensbench.api.condition import Condition
from lensbench.api.dataset import Dataset, ObservedDataset, Split
from lensbench.api.samples import Samples
from lensbench.api.task import SkyTarget
from lensbench.errors import DataError
from lensbench.sky.observation import coverage, expose, grid_of
from lensbench.sky.seeing import widths_of
from lensbench.sky.splits import SceneBatch, observe_split
from lensbench.store import Store, key_of
from lensbench.store.arrays import ArrayWriter, map_arrays, writing_arrays
from lensbench.study.describe import Description

_BATCH = 24
_IMAGES, _IDS, _SKY = "images", "scene", "sky"
_WIDTHS, _PSFS, _SCALES = "psf-fwhm", "psf-image", "pixel-scale"

Sky = tuple[SkyTarget, Condition]
"""What a task asks for of the sky, and the condition whose PSF it is seen with."""


@dataclass(frozen=True)
class SceneSet:
    """The first scenes of a split of a dataset.

    Attributes:
        name: Of the dataset, with its options.
        dataset: The plugin.
        split: Which of its splits.
        count: How many scenes, where it has so many.
        seed: Of the draw.
    """

    name: str
    dataset: Dataset = field(compare=False, repr=False)
    split: Split
    count: int
    seed: int

    @property
    def size(self) -> int:
        """How many scenes there really are."""
        available = self.dataset.size(self.split)
        return self.count if available is None else min(self.count, available)

    def seen(self, condition: Condition) -> Condition:
        """The condition with the pixel scale and PSF that the dataset knows of its own images."""
        return seen_by(self.dataset, condition)


def seen_by(dataset: Dataset, condition: Condition) -> Condition:
    """A condition as the images of a dataset are under it: some know more than its nominal one."""
    return dataset.condition(condition) if isinstance(dataset, ObservedDataset) else condition


@dataclass(frozen=True)
class Layer:
    """Images of a set of scenes under a condition, or the sky that a task asks for with them.

    Attributes:
        key: Of the artefact.
        condition: Under which the scenes are seen.
        sky: The target for which the sky is rendered, with its reference; `None` for images.
        description: What the artefact depends on, `key` being its key.
    """

    key: str
    condition: Condition = field(compare=False)
    sky: Sky | None = field(compare=False)
    description: Description = field(compare=False, repr=False)

    @property
    def kind(self) -> str:
        """Of the artefact."""
        return "skies" if self.sky else "images"


def ensure_images(
    store: Store,
    scenes: SceneSet,
    layers: Sequence[Layer],
    report: Callable[[int, int, str], None],
) -> None:
    """Makes those of these layers that the store lacks, in one pass over the scenes."""
    if all(store.find(layer.kind, layer.key) for layer in layers):
        return
    claim = key_of({"dataset": scenes.name, "split": scenes.split, "seed": scenes.seed})
    with contextlib.ExitStack() as stack:
        stack.enter_context(store.claim("images", claim))
        writers: dict[Layer, ArrayWriter] = {}
        for layer in dict.fromkeys(layers):
            if store.find(layer.kind, layer.key) is not None:
                continue
            path = stack.enter_context(
                store.writing(layer.kind, layer.key, ".h5", layer.description)
            )
            attributes = {"condition": layer.condition.name, "classes": _classes(scenes.dataset)}
            writers[layer] = stack.enter_context(writing_arrays(path, attributes, scenes.size))
        for batch in _batches(scenes, scenes.size if writers else 0):
            for layer, writer in writers.items():
                writer.append(_rows(batch, layer, scenes.dataset.field_of_view))
            report(batch.indices.stop, scenes.size, f"{len(writers)} views")


def read_samples(store: Store, scenes: SceneSet, images: Layer, sky: Layer | None) -> Samples:
    """The images of a condition as samples, with the sky behind them where one is asked for."""
    arrays = _arrays(store, images)
    if sky is not None:
        arrays[_SKY] = _arrays(store, sky)[_SKY]
    return _samples(scenes, images.condition, arrays)


def no_samples(scenes: SceneSet, images: Layer, sky: Layer | None) -> Samples:
    """Samples as these are, but none of them: their shape, condition and targets."""
    arrays: dict[str, np.ndarray] = {}
    for batch in _batches(scenes, 1):
        for layer in filter(None, (images, sky)):
            arrays |= _rows(batch, layer, scenes.dataset.field_of_view)
    return _samples(scenes, images.condition, arrays).take(torch.arange(0))


def _batches(scenes: SceneSet, count: int) -> Any:
    return observe_split(scenes.dataset, scenes.split, range(count), scenes.seed, _BATCH)


def _samples(scenes: SceneSet, nominal: Condition, arrays: dict[str, np.ndarray]) -> Samples:
    condition = scenes.seen(nominal)
    ids = tuple(scene.decode() for scene in arrays.pop(_IDS))
    images = torch.from_numpy(arrays.pop(_IMAGES))
    names = (_WIDTHS, _PSFS, _SCALES)
    widths, psfs, scales = (_tensor(arrays.pop(name, None)) for name in names)
    if not isinstance(scenes.dataset, ObservedDataset):
        widths = widths_of(condition, ids)
    return Samples(
        ids=ids,
        images=images,
        targets={name: torch.from_numpy(values) for name, values in arrays.items()},
        info=scenes.dataset.targets,
        condition=condition,
        data_range=scenes.dataset.data_range / condition.noise_level,
        psf_fwhm=widths,
        psf=psfs,
        pixel_scale=scales,
    )


def _tensor(array: np.ndarray | None) -> torch.Tensor | None:
    return None if array is None else torch.from_numpy(array)


def _arrays(store: Store, layer: Layer) -> dict[str, np.ndarray]:
    path = store.find(layer.kind, layer.key)
    if path is None:
        raise DataError(
            f"{layer.kind} {layer.key} are no longer in the store", "run the command again"
        )
    return map_arrays(path)


def _rows(batch: SceneBatch, layer: Layer, field_of_view: float) -> dict[str, np.ndarray]:
    """Rows of a layer for a batch of scenes."""
    if layer.sky is None:
        seen = batch.observed(layer.condition)
        rows = {_IDS: np.array(seen.ids, dtype="S64"), _IMAGES: seen.images.numpy()}
        rows |= {} if seen.psf_fwhm is None else {_WIDTHS: seen.psf_fwhm.astype(np.float64)}
        rows |= {} if seen.psf is None else {_PSFS: seen.psf.astype(np.float64)}
        if seen.pixel_scale is not None:
            rows[_SCALES] = seen.pixel_scale.astype(np.float64)
        return rows | plain_targets(seen.targets)
    if batch.scenes is None:
        seen = batch.observed(layer.condition)
        if seen.sky is None:
            raise DataError("the dataset has no sky behind its images", "see its targets")
        return {_IDS: np.array(seen.ids, dtype="S64"), _SKY: seen.sky.numpy()}
    target, reference = layer.sky
    grid, image = (grid_of(layer.condition, field_of_view, asked) for asked in (target, None))
    sharp = expose(batch.scenes, reference, grid) / layer.condition.noise_level
    sharp[~coverage(batch.scenes, grid, image)] = torch.nan
    return {_IDS: np.array(batch.scenes.ids, dtype="S64"), _SKY: sharp.numpy().astype("f4")}


def _classes(dataset: Dataset) -> str:
    """Names of the classes of each class target, as JSON."""
    targets = dataset.targets.items()
    return json.dumps({name: target.classes for name, target in targets if target.kind == "class"})


def plain_targets(targets: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Targets in the number types in which they are stored and scored."""
    kinds: Mapping[str, Any] = {"i": np.int64, "u": np.int64, "f": np.float32, "b": np.int64}
    return {name: values.astype(kinds[values.dtype.kind]) for name, values in targets.items()}
