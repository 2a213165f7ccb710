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
from lensbench.api.dataset import Dataset, ObservedDataset, Split
from lensbench.api.samples import Samples
from lensbench.api.task import SkyTarget
from lensbench.errors import DataError
from lensbench.sky.observation import check_scenes, coverage, expose, grid_of, observe
from lensbench.store import Store, key_of
from lensbench.store.arrays import ArrayWriter, map_arrays, writing_arrays
from lensbench.study.describe import Code, Description, describe_images

_CHUNK = 24
_IMAGES, _IDS, _SKY = "images", "scene", "sky"

Sky = tuple[SkyTarget, Condition]


@dataclass(frozen=True)
class ImageSet:
    """Which scenes: the first so many of a split of a dataset."""

    name: str
    dataset: Dataset
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

    def describe(self, piece: Piece, code: Code) -> Description:
        """What a piece of these depends on."""
        digest, seen = self.dataset.digest(), self.seen(piece.condition)
        return describe_images(
            self.name, digest, self.split, self.size, self.seed, seen, piece.sky, code
        )


def seen_by(dataset: Dataset, condition: Condition) -> Condition:
    """A condition as the images of a dataset are under it: some know more than its nominal one."""
    return dataset.condition(condition) if isinstance(dataset, ObservedDataset) else condition


@dataclass(frozen=True)
class Piece:
    """What is wanted of scenes: images of a condition, or the sky that a task wants with them."""

    condition: Condition
    sky: Sky | None = None

    @property
    def kind(self) -> str:
        """Of the artefact."""
        return "skies" if self.sky else "images"


def ensure_images(
    store: Store,
    wanted: ImageSet,
    pieces: Sequence[Piece],
    code: Code,
    report: Callable[[int, int, str], None],
) -> None:
    """Makes those of these pieces that the store lacks, in one pass over the scenes."""
    described = {piece: wanted.describe(piece, code) for piece in pieces}
    keys = {piece: key_of(description) for piece, description in described.items()}
    if all(store.find(piece.kind, key) for piece, key in keys.items()):
        return
    claim = key_of({"dataset": wanted.name, "split": wanted.split, "seed": wanted.seed})
    with contextlib.ExitStack() as stack:
        stack.enter_context(store.claim("images", claim))
        writers: dict[Piece, ArrayWriter] = {}
        for piece, key in keys.items():
            if store.find(piece.kind, key) is not None:
                continue
            path = stack.enter_context(store.writing(piece.kind, key, ".h5", described[piece]))
            attributes = {"condition": piece.condition.name, "classes": _classes(wanted.dataset)}
            writers[piece] = stack.enter_context(writing_arrays(path, attributes, wanted.size))
        for start in range(0, wanted.size if writers else 0, _CHUNK):
            indices = range(start, min(start + _CHUNK, wanted.size))
            for piece, rows in _rows(wanted, indices, list(writers)):
                writers[piece].append(rows)
            report(indices.stop, wanted.size, f"{len(writers)} views")


def read_samples(
    store: Store, wanted: ImageSet, condition: Condition, key: str, sky: str = ""
) -> Samples:
    """The images of a condition as samples, with the sky of a key where one is named."""
    arrays = _arrays(store, "images", key)
    if sky:
        arrays[_SKY] = _arrays(store, "skies", sky)[_SKY]
    return _samples(wanted, condition, arrays)


def no_samples(wanted: ImageSet, images: Piece, sky: Piece | None) -> Samples:
    """Samples as these are, but none of them: their shape, condition and targets."""
    arrays: dict[str, np.ndarray] = {}
    for _, rows in _rows(wanted, range(1), [images, sky] if sky else [images]):
        arrays |= rows
    return _samples(wanted, images.condition, arrays).take(torch.arange(0))


def _samples(wanted: ImageSet, nominal: Condition, arrays: dict[str, np.ndarray]) -> Samples:
    condition = wanted.seen(nominal)
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


def _arrays(store: Store, kind: str, key: str) -> dict[str, np.ndarray]:
    path = store.find(kind, key)
    if path is None:
        raise DataError(f"{kind} {key} are no longer in the store", "run the command again")
    return map_arrays(path)


def _rows(
    wanted: ImageSet, indices: Sequence[int], pieces: Sequence[Piece]
) -> Iterator[tuple[Piece, dict[str, np.ndarray]]]:
    """Rows of each piece: observed here, or as the dataset has them."""
    dataset = wanted.dataset
    if isinstance(dataset, ObservedDataset):
        for piece in pieces:
            seen = dataset.observed(wanted.split, indices, piece.condition.name)
            rows = {_IDS: np.array(seen.ids, dtype="S64")}
            if piece.sky is None:
                rows |= {_IMAGES: seen.images.numpy()} | _plain_targets(seen.targets)
            elif seen.sky is None:
                raise DataError(f"{wanted.name!r} has no sky behind its images", "see its targets")
            else:
                rows[_SKY] = seen.sky.numpy()
            yield piece, rows
        return
    scenes = dataset.scenes(wanted.split, indices, wanted.seed)
    check_scenes(scenes)
    field_of_view = dataset.field_of_view
    for piece in pieces:
        ids = {_IDS: np.array(scenes.ids, dtype="S64")}
        if piece.sky is None:
            images = observe(scenes, piece.condition, field_of_view, wanted.seed)
            yield piece, ids | {_IMAGES: images.numpy()} | _plain_targets(scenes.targets)
        else:
            target, reference = piece.sky
            grid = grid_of(piece.condition, field_of_view, target.upsample)
            sharp = expose(scenes, reference, grid) / piece.condition.noise_level
            sharp[~coverage(scenes, grid)] = torch.nan
            yield piece, ids | {_SKY: sharp.numpy().astype("f4")}


def _classes(dataset: Dataset) -> str:
    """Names of the classes of each class target, as JSON."""
    targets = dataset.targets.items()
    return json.dumps({name: its.classes for name, its in targets if its.kind == "class"})


def _plain_targets(targets: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    kinds: Mapping[str, Any] = {"i": np.int64, "u": np.int64, "f": np.float32, "b": np.int64}
    return {name: values.astype(kinds[values.dtype.kind]) for name, values in targets.items()}
