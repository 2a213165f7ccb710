"""Making: scenes of a dataset, observed under conditions, streamed to a file that can be resumed.

Blocks of scenes are written one by one to a folder beside the file, `NAME.part`, each whole or not
at all. When all are there the file is put together from them and appears under its name. A make
that was killed finds the blocks that are done and makes the others: the file is the same.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lensbench.api.condition import Condition
from lensbench.api.dataset import Dataset, Scenes, Split
from lensbench.data.container import Container, damaged, writing_container
from lensbench.data.whole import replace_by
from lensbench.errors import DataError, UsageError
from lensbench.files import StageReport
from lensbench.sky.multiband import letters
from lensbench.sky.splits import SceneBatch, observe_split
from lensbench.store.keys import key_of

BLOCK = 96
"""Scenes of a block: what a kill can cost."""

_CHUNK = 24
"""Scenes drawn and observed together."""


@dataclass(frozen=True)
class Recipe:
    """All that the content of a made file depends on.

    Attributes:
        name: The dataset with its options in canonical form, e.g. `lenses:lens_light=True`.
        about: What is known of the dataset: licence, citation, package.
        code: Digest of the code that draws and observes.
    """

    name: str
    dataset: Dataset
    split: Split
    seed: int
    count: int
    conditions: tuple[Condition, ...]
    about: dict[str, str]
    code: str

    def __post_init__(self) -> None:
        if not self.conditions:
            raise UsageError("no condition is named", "e.g. --conditions euclid-vis,hst-acs")
        if self.count < 1:
            raise UsageError(f"--n {self.count} is less than one", "ask for at least one scene")
        available = self.dataset.size(self.split)
        if available is not None and available < self.count:
            raise UsageError(
                f"dataset {self.name!r} has {available} scenes in its {self.split} split, "
                f"{self.count} are asked for",
                f"--n {available} takes all" if available else "name another --split",
            )

    @property
    def key(self) -> str:
        """Hash of the recipe: two files of one key are the same."""
        return key_of(
            {
                "dataset": self.name,
                "version": self.dataset.version,
                "digest": self.dataset.digest(),
                "split": self.split,
                "seed": self.seed,
                "count": self.count,
                "conditions": list(self.conditions),
                "code": self.code,
            }
        )

    def attributes(self) -> dict[str, Any]:
        """What stands in the file, enough to make it again."""
        dataset = self.dataset
        return {
            "recipe": self.key,
            "dataset": self.name,
            "dataset_version": dataset.version,
            "dataset_digest": dataset.digest(),
            "split": self.split,
            "seed": self.seed,
            "count": self.count,
            "field_of_view": dataset.field_of_view,
            "data_range": dataset.data_range,
            "data_range_unit": "µJy/arcsec²",
            "conditions": ",".join(c.name for c in self.conditions),
            "code": self.code,
            "command": self.command,
            **self.about,
        }

    @property
    def command(self) -> str:
        """The command that makes the same scenes again."""
        names = ",".join(condition.name for condition in self.conditions)
        return (
            f"lensbench data make --dataset {self.name} --conditions {names} "
            f"--n {self.count} --split {self.split} --seed {self.seed}"
        )


@dataclass(frozen=True)
class MakeResult:
    """What a make did.

    Attributes:
        scenes: In the file. `resumed`: of these, found from a make that was stopped.
    """

    path: str
    recipe: str
    scenes: int
    resumed: int
    conditions: tuple[str, ...]


Export = Callable[[Path, Recipe, Sequence[Path], Callable[[int, int, str], None]], None]
"""Puts a file together from its blocks: path, recipe, blocks in order, report."""


def make(
    recipe: Recipe, path: Path, export: Export, overwrite: bool, report: StageReport
) -> MakeResult:
    """Makes a file of a recipe, or goes on where a make of the same recipe was stopped.

    Raises:
        UsageError: Where `path` exists and may not be overwritten.
        DataError: Where scenes cannot be observed, or the blocks there are of another recipe.
    """
    if path.exists() and not overwrite:
        raise UsageError(f"{str(path)!r} exists", "name another --out, or add --overwrite")
    part = path.with_name(path.name + ".part")
    _claim(part, recipe, overwrite)
    blocks = math.ceil(recipe.count / BLOCK)
    files = [part / f"{block:06d}.h5" for block in range(blocks)]
    for file in files:
        if file.exists() and not _is_whole(file):
            file.unlink()
    found = sum(min(BLOCK, recipe.count - b * BLOCK) for b in range(blocks) if files[b].exists())
    conditions = ", ".join(condition.name for condition in recipe.conditions)
    done = found
    for block, file in enumerate(files):
        if file.exists():
            continue
        for scenes in _make_block(recipe, block, file):
            done += scenes
            report(f"observing {recipe.name}", done, recipe.count, conditions)
    assembling = part / "assembling"
    shutil.rmtree(assembling, ignore_errors=True)
    assembling.mkdir()
    temporary = assembling / path.name
    export(temporary, recipe, files, lambda *state: report(f"writing {path}", *state))
    replace_by(temporary, path)
    shutil.rmtree(part, ignore_errors=True)
    names = tuple(condition.name for condition in recipe.conditions)
    return MakeResult(str(path), recipe.key, recipe.count, found, names)


def _claim(part: Path, recipe: Recipe, overwrite: bool) -> None:
    """Makes the folder of blocks, or makes sure that what it holds is of this recipe."""
    marker = part / "recipe.json"
    if marker.exists():
        try:
            theirs = json.loads(marker.read_text()).get("recipe")
        except (ValueError, AttributeError):
            theirs = None
        if theirs == recipe.key:
            for stray in part.glob("*.writing"):
                stray.unlink()
            return
        if not overwrite:
            raise DataError(
                f"{str(part)!r} holds the beginning of another make",
                "repeat its command, or delete the folder, or add --overwrite",
            )
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        temporary = part / "recipe.writing"
        temporary.write_text(json.dumps({"recipe": recipe.key, "command": recipe.command}))
        temporary.replace(marker)
    except OSError as error:
        raise UsageError(f"{str(part)!r} cannot be written: {error}", "name another") from error


def _is_whole(file: Path) -> bool:
    """Whether a block that was found holds what was written; one that does not is made again."""
    try:
        return not damaged(file, lambda *_: None)
    except (OSError, RuntimeError, KeyError):
        return False


def _make_block(recipe: Recipe, block: int, file: Path) -> Iterator[int]:
    """Writes one block of scenes, whole or not at all; yields how many were added."""
    temporary = file.with_suffix(".writing")
    last = min(recipe.count, (block + 1) * BLOCK)
    with writing_container(temporary, {"recipe": recipe.key, "block": block}) as container:
        batches = observe_split(
            recipe.dataset, recipe.split, range(block * BLOCK, last), recipe.seed, _CHUNK
        )
        for batch in batches:
            first = batch.indices.start - block * BLOCK
            if batch.scenes is None:
                _append_observed(container, recipe, batch, first)
            else:
                _append(container, recipe, batch, batch.scenes, first)
            yield len(batch.indices)
    with temporary.open("rb") as written:
        os.fsync(written.fileno())
    temporary.replace(file)


def _append(
    container: Container, recipe: Recipe, batch: SceneBatch, scenes: Scenes, first: int
) -> None:
    """Adds scenes and their images under all conditions."""
    container.append("/scenes/id", np.array(scenes.ids, dtype="S64"))
    container.append("/scenes/psf_fwhm", np.asarray(scenes.psf_fwhm, dtype=np.float64))
    for kind, columns in (("targets", scenes.targets), ("parameters", scenes.parameters)):
        for name, values in columns.items():
            container.append(f"/scenes/{kind}/{name}", np.asarray(values))
    rows = np.arange(first, first + len(scenes.ids))
    for condition in recipe.conditions:
        noisy = batch.observed(condition).images
        container.append(f"/images/{condition.name}/pixels", noisy.numpy().astype("<f4"))
        container.append(f"/images/{condition.name}/scene", rows)


def _append_observed(container: Container, recipe: Recipe, batch: SceneBatch, first: int) -> None:
    """Adds images that were observed already.

    Raises:
        DataError: Where the dataset shows other scenes under other conditions.
    """
    ids: tuple[str, ...] = ()
    for condition in recipe.conditions:
        seen = batch.observed(condition)
        if ids and seen.ids != ids:
            raise DataError(
                f"{recipe.name!r} has other scenes under {condition.name!r}",
                "make a file of each condition",
            )
        if not ids:
            ids = seen.ids
            container.append("/scenes/id", np.array(ids, dtype="S64"))
            for name, values in seen.targets.items():
                container.append(f"/scenes/targets/{name}", np.asarray(values))
        rows = np.arange(first, first + len(ids))
        pixels = seen.images.numpy().astype("<f4")
        container.append(f"/images/{condition.name}/pixels", pixels)
        container.append(f"/images/{condition.name}/scene", rows)


def condition_attributes(condition: Condition) -> dict[str, Any]:
    """A condition as attributes of its images: every field, and what follows from them.

    Of several bands the fields are those of the reference band, and `bands` names the channels.
    """
    plain: dict[str, Any] = {}
    for name, value in dataclasses.asdict(condition).items():
        known = isinstance(value, str | int | float | bool) or value is None
        plain[name] = value if known else json.dumps(value, default=str)
    return plain | {
        "bands": ",".join(letters(condition)),
        "unit": "σ of an empty pixel",
        "noise_level": condition.noise_level,
        "noise_level_unit": "µJy/arcsec²",
    }


def blocks_of(files: Sequence[Path]) -> Iterator[tuple[int, h5py.File]]:
    """Opens blocks in order, with the number of scenes before each.

    Raises:
        DataError: Where one is damaged; delete it and repeat the command.
    """
    start = 0
    for file in files:
        try:
            with h5py.File(file, "r") as block:
                yield start, block
                start += len(block["scenes/id"])
        except (OSError, KeyError) as error:
            raise DataError(
                f"{str(file)!r} is damaged", "delete it and repeat the command"
            ) from error


def scene_paths(block: h5py.File) -> list[str]:
    """Paths of everything about the scenes, targets first."""
    paths = [f"scenes/{name}" for name in ("id", "psf_fwhm") if name in block["scenes"]]
    for kind in ("targets", "parameters"):
        paths += [f"scenes/{kind}/{name}" for name in block["scenes"].get(kind, {})]
    return paths
