"""Where chunks come from: scenes drawn and observed, or images that were made before."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from lensbench.api.condition import Condition
from lensbench.api.dataset import Dataset, Split, Target
from lensbench.data.layouts import open_source
from lensbench.data.picture import Source
from lensbench.errors import DataError, IncompatibleError, UsageError
from lensbench.pretraining.recipe import Recipe
from lensbench.pretraining.stream import IDS, IMAGES, SCALES, TARGET, SharedFacts
from lensbench.registry import Catalogue, load_catalogue, parse_reference
from lensbench.sky.splits import observe_split

_AT_ONCE = 16
"""Scenes whose skies are in memory together."""

Arrays = dict[str, np.ndarray]


class ChunkSource(Protocol):
    """Makes chunks: the same one for a number, whenever and wherever it is asked."""

    channels: int
    known: SharedFacts

    def chunk(self, number: int) -> Arrays:
        """Arrays of a chunk, each with a row a scene."""
        ...


def source_of(recipe: Recipe) -> ChunkSource:
    """The source that a recipe says."""
    catalogue = load_catalogue()
    if recipe.shards:
        return StoredChunks(recipe, catalogue)
    if conditions_of_images(catalogue, recipe.dataset):
        return ChunksOfImages(recipe, catalogue)
    return DrawnChunks(recipe, catalogue)


def conditions_of_images(catalogue: Catalogue, dataset: str) -> tuple[str, ...]:
    """The conditions that a dataset's images were observed under; none where it draws scenes."""
    return catalogue.find("dataset", parse_reference(dataset).name).entry.conditions


class ChunksOfImages:
    """Images of a dataset of files, as they are: its split `pretraining`, again from the first.

    Raises:
        UsageError: Where a condition is not that of the images.
        DataError: Where the split is empty.
    """

    def __init__(self, recipe: Recipe, catalogue: Catalogue) -> None:
        self._size = recipe.chunk
        own = conditions_of_images(catalogue, recipe.dataset)
        if strange := [name for name in recipe.conditions if name not in own]:
            raise UsageError(
                f"{recipe.dataset!r} holds images that were observed already, not under "
                f"{strange[0]!r}",
                f"leave out --conditions, or name {' or '.join(own)}",
            )
        dataset = catalogue.build("dataset", recipe.dataset)
        self._dataset = dataset
        if not dataset.size("pretraining"):
            raise DataError(f"{recipe.dataset!r} has no images to pretrain on", "add some")
        self.channels = dataset.channels
        nominal = conditions_of(recipe, catalogue)
        self.known = SharedFacts(
            {name: dataset.condition(condition) for name, condition in nominal.items()},
            shared_targets([dataset]),
            dataset.data_range,
        )

    def chunk(self, number: int) -> Arrays:
        """Reads one chunk."""
        count, first = self._dataset.size("pretraining"), number * self._size
        chosen = [(first + i) % count for i in range(self._size)]
        arrays: Arrays = {}
        for name in self.known.conditions:
            seen = self._dataset.observed("pretraining", chosen, name)
            arrays |= {IDS: np.array(seen.ids, dtype="S64"), IMAGES + name: seen.images.numpy()}
            if seen.pixel_scale is not None:
                arrays[SCALES] = seen.pixel_scale.astype(np.float64)
            arrays |= {TARGET + target: seen.targets[target] for target in self.known.info}
        return arrays


class DrawnChunks:
    """Scenes of populations in turn, a chunk of each, observed under every condition.

    Chunk n is the n-th piece of the split `pretraining` of its population, so no two populations
    use the same indices, and with them the same chance.

    Raises:
        IncompatibleError: Where the populations have not the same bands and field.
    """

    def __init__(self, recipe: Recipe, catalogue: Catalogue) -> None:
        self._size, self._seed = recipe.chunk, recipe.seed
        self.datasets = datasets_of(recipe, catalogue)
        conditions = conditions_of(recipe, catalogue)
        self.channels = channels_of(self.datasets.values(), conditions)
        self.known = SharedFacts(
            conditions,
            shared_targets(list(self.datasets.values())),
            max(dataset.data_range for dataset in self.datasets.values()),
        )

    def chunk(self, number: int) -> Arrays:
        """Draws and observes one chunk."""
        dataset = list(self.datasets.values())[number % len(self.datasets)]
        start = number * self._size
        return observed_scenes(
            dataset, "pretraining", range(start, start + self._size), self._seed, self.known
        )


class StoredChunks:
    """Images of files, a chunk of each in turn, in their order and again from the first.

    The files are those of `lensbench data make`: scenes of the split `pretraining` under
    conditions of their own, in units of the noise.

    Raises:
        DataError: Where a file holds other images, or too few.
    """

    def __init__(self, recipe: Recipe, catalogue: Catalogue) -> None:
        self._size = recipe.chunk
        self._files: list[list[tuple[Source, dict[str, int]]]] = []
        for path in recipe.shards:
            scenes = _scenes_of(open_source(Path(path)), recipe.conditions)
            if len(scenes) < recipe.chunk:
                raise DataError(
                    f"{path!r} holds {len(scenes)} scenes, expected at least {recipe.chunk}",
                    "make more, or lower --chunk",
                )
            self._files.append(scenes)
        source, places = self._files[0][0]
        self.channels = source.read(next(iter(places.values()))).pixels.shape[0]
        self.known = SharedFacts(conditions_of(recipe, catalogue), {}, 1.0)

    def chunk(self, number: int) -> Arrays:
        """Reads one chunk."""
        turn, which = divmod(number, len(self._files))
        scenes, first = self._files[which], turn * self._size
        chosen = [scenes[(first + i) % len(scenes)] for i in range(self._size)]
        names = [source.items[next(iter(places.values()))].scene for source, places in chosen]
        arrays = {IDS: np.array([name.encode()[-64:] for name in names], dtype="S64")}
        for condition in self.known.conditions:
            images = [source.read(places[condition]).pixels for source, places in chosen]
            shapes = {image.shape for image in images}
            if len(shapes) > 1:
                raise DataError(f"shards hold images of {len(shapes)} sizes under {condition}", "")
            arrays[IMAGES + condition] = np.stack(images).astype(np.float32)
        return arrays


def observed_scenes(
    dataset: Dataset, split: Split, indices: range, seed: int, known: SharedFacts
) -> Arrays:
    """Scenes of a dataset under all conditions, with the targets that are known.

    A target that the dataset lacks is undefined: class −1, or NaN.
    """
    parts: list[Arrays] = []
    for batch in observe_split(dataset, split, indices, seed, _AT_ONCE):
        images = {name: batch.observed(seen) for name, seen in known.conditions.items()}
        first = next(iter(images.values()))
        part: Arrays = {IDS: np.array(first.ids, dtype="S64")}
        part |= {IMAGES + name: seen.images.numpy() for name, seen in images.items()}
        for name, target in known.info.items():
            kind, undefined = (np.int64, -1) if target.kind == "class" else (np.float32, np.nan)
            values = first.targets.get(name, np.full(len(first.ids), undefined))
            part[TARGET + name] = values.astype(kind)
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def datasets_of(recipe: Recipe, catalogue: Catalogue) -> dict[str, Dataset]:
    """The dataset with each population.

    Raises:
        IncompatibleError: Where they have not the same bands and field.
        UsageError: Where no population is named.
    """
    if not recipe.populations:
        raise UsageError("no population to draw from", "name one with --populations")
    found = {}
    for population in recipe.populations:
        comma = "," if ":" in recipe.dataset else ":"
        named = f"{recipe.dataset}{comma}population={population}"
        found[population] = catalogue.build("dataset", named)
    first, dataset = next(iter(found.items()))
    for name, other in found.items():
        for what in ("channels", "field_of_view"):
            if getattr(other, what) != getattr(dataset, what):
                raise IncompatibleError(
                    f"population {name!r} has {what}={getattr(other, what):g}, "
                    f"{first!r} has {getattr(dataset, what):g}",
                    "pretrain on those of one kind",
                )
    return found


def conditions_of(recipe: Recipe, catalogue: Catalogue) -> dict[str, Condition]:
    """The conditions by the names that the recipe has for them."""
    return {name: catalogue.build("condition", name) for name in recipe.conditions}


def channels_of(datasets: Collection[Dataset], conditions: Mapping[str, Condition]) -> int:
    """Channels of the images of all datasets under all conditions.

    Raises:
        IncompatibleError: Where they are not the same.
    """
    held = {
        name: {dataset.channels_under(condition) for dataset in datasets}
        for name, condition in conditions.items()
    }
    (first, channels), *others = held.items()
    for name, found in others:
        if found != channels:
            raise IncompatibleError(
                f"{name!r} has {max(found)} bands, and {first!r} has {max(channels)}",
                "pretrain under conditions of the same number of bands",
            )
    return max(channels)


def shared_targets(datasets: Sequence[Dataset]) -> Mapping[str, Target]:
    """Class and real targets that any dataset has, but for those whose meaning differs."""
    found: dict[str, Target] = {}
    for dataset in datasets:
        found = {**dataset.targets, **found}
    return {
        name: target
        for name, target in found.items()
        if target.kind != "image"
        and all(dataset.targets.get(name, target) == target for dataset in datasets)
    }


def shared_conditions(paths: Sequence[Path]) -> tuple[str, ...]:
    """Conditions under which all of these files have images, in the order of the first.

    Raises:
        DataError: Where there is none.
    """
    held = [dict.fromkeys(item.condition for item in open_source(path).items) for path in paths]
    shared = tuple(name for name in held[0] if all(name in names for names in held))
    if not shared:
        raise DataError("the shards have no condition in common", "lensbench data inspect FILE")
    return shared


def digest_of_shards(paths: Sequence[Path]) -> str:
    """SHA-256 of the content of files.

    Raises:
        UsageError: Where one cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise UsageError(f"{str(path)!r} cannot be read: {error.strerror}", "") from None
    return digest.hexdigest()


def _scenes_of(source: Source, conditions: Sequence[str]) -> list[tuple[Source, dict[str, int]]]:
    """Scenes of a source with the index of each condition's image.

    Raises:
        DataError: Where they are of another split, in another unit or lack a condition.
    """
    splits = {item.split for item in source.items} | {source.facts.get("split", "")}
    if strange := sorted(splits - {"", "pretraining"}):
        raise DataError(
            f"{source.path!r} holds scenes of the split {strange[0]!r}",
            "make shards with --split pretraining",
        )
    if not source.read(0).unit.startswith("σ"):
        raise DataError(
            f"{source.path!r} does not say that its images are in units of the noise",
            "make shards with `lensbench data make --split pretraining`",
        )
    scenes: dict[str, dict[str, int]] = {}
    for index, item in enumerate(source.items):
        scenes.setdefault(item.scene, {})[item.condition] = index
    for condition in conditions:
        if not all(condition in places for places in scenes.values()):
            held = sorted({item.condition for item in source.items})
            raise DataError(
                f"{source.path!r} lacks the condition {condition!r}", f"it has {', '.join(held)}"
            )
    return [(source, {name: places[name] for name in conditions}) for places in scenes.values()]
