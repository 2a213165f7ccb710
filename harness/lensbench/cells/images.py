"""Observed images of a split: made once for each condition, kept in the store, read as samples."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lensbench.api.condition import Condition
from lensbench.api.dataset import Dataset, ObservedDataset, Scenes, Split
from lensbench.api.samples import Samples
from lensbench.api.task import SkyTarget
from lensbench.errors import DataError
from lensbench.sky.observation import add_noise, coverage, expose, grid_of
from lensbench.store import Store, key_of
from lensbench.store.arrays import ArrayWriter, map_arrays, writing_arrays
from lensbench.study.describe import Code, Description, describe_images

_CHUNK = 24
_IMAGES, _IDS, _SKY = "images", "scene", "sky"

Sky = tuple[SkyTarget, Condition]


@dataclass(frozen=True)
class ImageSet:
    """Which images: a split of a dataset, how many of it, and how the sky is wanted."""

    name: str
    dataset: Dataset
    split: Split
    count: int
    seed: int
    sky: Sky | None

    @property
    def size(self) -> int:
        """How many scenes there really are."""
        available = self.dataset.size(self.split)
        return self.count if available is None else min(self.count, available)

    @property
    def claim(self) -> str:
        """One name for the drawing of these scenes, whatever the conditions."""
        return key_of(
            {"dataset": self.name, "split": self.split, "count": self.count, "seed": self.seed,
             "sky": list(self.sky) if self.sky else None}
        )  # fmt: skip

    def describe(self, condition: Condition, code: Code) -> Description:
        """What the images of a condition depend on."""
        digest = self.dataset.digest()
        return describe_images(
            self.name, digest, self.split, self.size, self.seed, condition, self.sky, code
        )


def ensure_images(
    store: Store,
    wanted: ImageSet,
    conditions: Sequence[Condition],
    code: Code,
    report: Callable[[int, int, str], None],
) -> None:
    """Makes the images of these conditions that the store lacks, in one pass over the scenes."""
    described = {c.name: wanted.describe(c, code) for c in conditions}
    keys = {name: key_of(description) for name, description in described.items()}
    if all(store.find("images", key) for key in keys.values()):
        return
    with contextlib.ExitStack() as stack:
        stack.enter_context(store.claim("images", wanted.claim))
        missing = [c for c in conditions if store.find("images", keys[c.name]) is None]
        writers: dict[str, ArrayWriter] = {}
        for condition in missing:
            name = condition.name
            path = stack.enter_context(store.writing("images", keys[name], ".h5", described[name]))
            attributes = {"condition": name, "classes": _classes(wanted.dataset)}
            writers[name] = stack.enter_context(writing_arrays(path, attributes, rows=wanted.size))
        for start in range(0, wanted.size, _CHUNK):
            indices = range(start, min(start + _CHUNK, wanted.size))
            for name, rows in _rows(wanted, indices, missing):
                writers[name].append(rows)
            report(indices.stop, wanted.size, f"{len(missing)} conditions")


def read_samples(store: Store, wanted: ImageSet, condition: Condition, key: str) -> Samples:
    """The images of a condition as samples."""
    path = store.find("images", key)
    if path is None:
        raise DataError(f"images {key} are no longer in the store", "run the command again")
    arrays = map_arrays(path)
    ids = tuple(scene.decode() for scene in arrays.pop(_IDS))
    images = torch.from_numpy(arrays.pop(_IMAGES))
    return Samples(
        ids=ids,
        images=images,
        targets={name: torch.from_numpy(values) for name, values in arrays.items()},
        info=wanted.dataset.targets,
        condition=condition,
        data_range=wanted.dataset.data_range / condition.noise_level,
    )


def _rows(
    wanted: ImageSet, indices: Sequence[int], conditions: Sequence[Condition]
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Rows of each condition: observed here, or as the dataset has them."""
    dataset = wanted.dataset
    if isinstance(dataset, ObservedDataset):
        for condition in conditions:
            seen = dataset.observed(wanted.split, indices, condition.name)
            rows = {_IDS: np.array(seen.ids, dtype="S64"), _IMAGES: seen.images.numpy()}
            yield condition.name, rows | _plain_targets(seen.targets)
        return
    scenes = dataset.scenes(wanted.split, indices, wanted.seed)
    _check(scenes)
    for condition in conditions:
        yield condition.name, _observe(wanted, scenes, condition)


def _observe(wanted: ImageSet, scenes: Scenes, condition: Condition) -> dict[str, np.ndarray]:
    """Rows of one condition: ids, images and targets."""
    field_of_view = wanted.dataset.field_of_view
    exposed = expose(scenes, condition, grid_of(condition, field_of_view))
    rows: dict[str, np.ndarray] = {
        _IDS: np.array(scenes.ids, dtype="S64"),
        _IMAGES: add_noise(exposed, condition, scenes.ids, wanted.seed).numpy().astype("f4"),
    }
    rows.update(_plain_targets(scenes.targets))
    if wanted.sky is not None:
        target, reference = wanted.sky
        grid = grid_of(condition, field_of_view, target.upsample)
        sharp = expose(scenes, reference, grid) / condition.noise_level
        sharp[~coverage(scenes, grid)] = torch.nan
        rows[_SKY] = sharp.numpy().astype("f4")
    return rows


def _classes(dataset: Dataset) -> str:
    """Names of the classes of each class target, as JSON."""
    targets = dataset.targets.items()
    return json.dumps({name: its.classes for name, its in targets if its.kind == "class"})


def _plain_targets(targets: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    kinds: Mapping[str, Any] = {"i": np.int64, "u": np.int64, "f": np.float32, "b": np.int64}
    return {name: values.astype(kinds[values.dtype.kind]) for name, values in targets.items()}


def _check(scenes: Scenes) -> None:
    """Refuses scenes whose sky is nowhere known or everywhere the same."""
    for name, sky in zip(scenes.ids, scenes.sky, strict=True):
        known = sky[torch.isfinite(sky)]
        if len(known) == 0:
            raise DataError(f"scene {name} has no finite pixel", "leave it out of the dataset")
        if bool((known == known[0]).all()):
            raise DataError(f"scene {name} is constant", "leave it out of the dataset")
