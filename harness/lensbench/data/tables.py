"""Scenes as the rows of a table: what its columns are called, hold and say of themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lensbench.data.making import Recipe, blocks_of, condition_attributes, scene_paths
from lensbench.data.readers.columns import OF_SCENES
from lensbench.data.readers.guard import reading

STEP = 64
"""Rows of a group in a file, and in memory at once."""


def facts_of(recipe: Recipe) -> dict[str, str]:
    """What a file says of itself, in texts; classes of the first class target as JSON."""
    facts = {"format": "lensbench-table"} | {k: str(v) for k, v in recipe.attributes().items()}
    for name, target in recipe.dataset.targets.items():
        if target.classes:
            facts["classes"] = json.dumps(target.classes)
            facts["label"] = name
            break
    for name, target in recipe.dataset.targets.items():
        if target.unit and target.kind == "real":
            facts[f"unit:{name}"] = target.unit
    for condition in recipe.conditions:
        facts[f"condition:{condition.name}"] = json.dumps(
            condition_attributes(condition), ensure_ascii=False
        )
    return facts


def shapes_of(recipe: Recipe, file: Path) -> dict[str, tuple[int, ...]]:
    """Shape (C, H, W) of the images of each condition."""
    with reading(file, "block of scenes"), h5py.File(file, "r") as block:
        pixels = {c.name: block[f"images/{c.name}/pixels"] for c in recipe.conditions}
        return {name: tuple(stored.shape[1:]) for name, stored in pixels.items()}


def row_groups(
    recipe: Recipe, files: Sequence[Path]
) -> Iterator[tuple[dict[str, np.ndarray], int]]:
    """Columns of a few scenes at a time, and the number of scenes so far."""
    for start, block in blocks_of(files):
        count = len(block["scenes/id"])
        for low in range(0, count, STEP):
            part = slice(low, min(low + STEP, count))
            rows: dict[str, np.ndarray] = {}
            for path in scene_paths(block):
                rows[_column(path)] = _column_values(block, path, part)
            for condition in recipe.conditions:
                pixels = block[f"images/{condition.name}/pixels"][part]
                rows[f"image:{condition.name}"] = pixels.reshape(len(pixels), -1)
            yield rows, start + part.stop


def _column_values(block: h5py.File, path: str, part: slice) -> np.ndarray:
    values = np.asarray(block[path][part])
    if values.dtype.kind == "S":
        return np.array([text.decode() for text in values], dtype=object)
    return values.reshape(len(values), -1) if values.ndim > 2 else values


def _column(path: str) -> str:
    """Name of a column: targets by their name; parameters, which may share it, with a prefix."""
    name = path.rpartition("/")[2]
    if path == "scenes/id":
        return "scene"
    return f"{OF_SCENES}{name}" if path.startswith("scenes/parameters/") else name


def features_of(
    recipe: Recipe, files: Sequence[Path], shapes: Mapping[str, tuple[int, ...]]
) -> Any:
    """Types of the columns, as `datasets.Features`."""
    import datasets

    rows, _ = next(row_groups(recipe, files))
    features: dict[str, Any] = {}
    for name, values in rows.items():
        target = recipe.dataset.targets.get(name)
        condition = name.removeprefix("image:")
        if name != condition and condition in shapes:
            features[name] = datasets.Array3D(shape=shapes[condition], dtype="float32")
        elif values.dtype.kind == "O":
            features[name] = datasets.Value("string")
        elif target is not None and target.classes:
            features[name] = datasets.ClassLabel(names=list(target.classes))
        elif values.ndim == 2:
            features[name] = datasets.List(datasets.Value(str(values.dtype)), values.shape[1])
        else:
            features[name] = datasets.Value(str(values.dtype))
    return datasets.Features(features)
