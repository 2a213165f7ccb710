"""The forms in which made images are written: HDF5, Parquet, Hugging Face `datasets`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lensbench.data.container import writing_container
from lensbench.data.making import (
    Export,
    Recipe,
    blocks_of,
    condition_attributes,
    scene_paths,
)
from lensbench.data.readers.columns import SHAPES
from lensbench.data.readers.guard import reading
from lensbench.errors import UsageError

_STEP = 64
"""Rows held in memory at once."""

Report = Callable[[int, int, str], None]


def export_of(path: Path, form: str) -> Export:
    """The way to write a path: by the form named, else by its suffix.

    Raises:
        UsageError: Where neither says.
    """
    suffixes = {".h5": "hdf5", ".hdf5": "hdf5", ".parquet": "parquet"}
    exports: Mapping[str, Export] = {
        "hdf5": write_hdf5, "parquet": write_parquet, "huggingface": write_huggingface,
    }  # fmt: skip
    chosen = form or suffixes.get(path.suffix.lower(), "")
    if chosen not in exports:
        raise UsageError(
            f"{str(path)!r} does not say in which form to write",
            "name FILE.h5 or FILE.parquet, or add --format huggingface for a folder",
        )
    return exports[chosen]


def write_hdf5(path: Path, recipe: Recipe, files: Sequence[Path], report: Report) -> None:
    """Writes an images file of lensbench."""
    with writing_container(path, recipe.attributes()) as container:
        for start, block in blocks_of(files):
            for name in scene_paths(block):
                container.append(f"/{name}", block[name][()])
            for condition in recipe.conditions:
                group = f"/images/{condition.name}"
                pixels = block[f"{group}/pixels"]
                for low in range(0, len(pixels), _STEP):
                    container.append(f"{group}/pixels", pixels[low : low + _STEP])
                container.append(f"{group}/scene", block[f"{group}/scene"][()] + start)
            report(start + len(block["scenes/id"]), recipe.count, "")
        for condition in recipe.conditions:
            container.describe(f"/images/{condition.name}", condition_attributes(condition))
        for name, target in recipe.dataset.targets.items():
            if f"/scenes/targets/{name}" in container:
                about = {"kind": target.kind, "unit": target.unit}
                classes = {"classes": list(target.classes)} if target.classes else {}
                container.mark(f"/scenes/targets/{name}", about | classes)


def write_parquet(path: Path, recipe: Recipe, files: Sequence[Path], report: Report) -> None:
    """Writes Parquet: a row a scene, a column of flat images a condition, shapes as metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    shapes = _shapes(recipe, files[0])
    metadata = {
        SHAPES: json.dumps({f"image:{name}": shape for name, shape in shapes.items()}),
        "lensbench": json.dumps(_facts(recipe), ensure_ascii=False),
    }
    try:
        for rows, done in _row_groups(recipe, files):
            columns = {
                name: pa.FixedSizeListArray.from_arrays(
                    pa.array(values.reshape(-1)), int(np.prod(values.shape[1:]))
                )
                if values.ndim > 1
                else pa.array(values)
                for name, values in rows.items()
            }
            table = pa.table(columns).replace_schema_metadata(metadata)
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table, row_group_size=_STEP)
            report(done, recipe.count, "")
    finally:
        if writer is not None:
            writer.close()


def write_huggingface(path: Path, recipe: Recipe, files: Sequence[Path], report: Report) -> None:
    """Writes a folder for `datasets.load_from_disk`."""
    import datasets
    from datasets.arrow_writer import ArrowWriter

    shapes = _shapes(recipe, files[0])
    features = _features(recipe, files, shapes)
    info = datasets.DatasetInfo(
        features=features, license=recipe.about.get("licence", ""),
        citation=recipe.about.get("citation", ""), version="1.0.0",
        description=json.dumps(_facts(recipe), ensure_ascii=False),
    )  # fmt: skip
    arrow = path.with_name(path.name + ".arrow")
    with ArrowWriter(path=str(arrow), features=features, writer_batch_size=_STEP) as writer:
        for rows, done in _row_groups(recipe, files):
            batch: dict[str, Any] = {}
            for name, values in rows.items():
                condition = name.removeprefix("image:")
                shaped = values.reshape(-1, *shapes[condition]) if condition in shapes else values
                batch[name] = list(shaped)
            writer.write_batch(batch)
            report(done, recipe.count, "")
        writer.finalize()
    quiet = not datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        table = datasets.Dataset.from_file(str(arrow), info=info)
        table.save_to_disk(str(path), max_shard_size="500MB")
    finally:
        if not quiet:
            datasets.enable_progress_bars()
    arrow.unlink()


def _facts(recipe: Recipe) -> dict[str, str]:
    """What a file says of itself, in texts; classes of the first class target as JSON."""
    facts = {"format": "lensbench-table"} | {k: str(v) for k, v in recipe.attributes().items()}
    for name, target in recipe.dataset.targets.items():
        if target.classes:
            facts["classes"] = json.dumps(target.classes)
            facts["label"] = name
            break
    for condition in recipe.conditions:
        facts[f"condition:{condition.name}"] = json.dumps(
            condition_attributes(condition), ensure_ascii=False
        )
    return facts


def _shapes(recipe: Recipe, file: Path) -> dict[str, tuple[int, ...]]:
    """Shape (C, H, W) of the images of each condition."""
    with reading(file, "block of scenes"), h5py.File(file, "r") as block:
        pixels = {c.name: block[f"images/{c.name}/pixels"] for c in recipe.conditions}
        return {name: tuple(stored.shape[1:]) for name, stored in pixels.items()}


def _row_groups(
    recipe: Recipe, files: Sequence[Path]
) -> Iterator[tuple[dict[str, np.ndarray], int]]:
    """Columns of a few scenes at a time, and the number of scenes so far."""
    for start, block in blocks_of(files):
        count = len(block["scenes/id"])
        for low in range(0, count, _STEP):
            part = slice(low, min(low + _STEP, count))
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
    return f"parameter:{name}" if path.startswith("scenes/parameters/") else name


def _features(recipe: Recipe, files: Sequence[Path], shapes: Mapping[str, tuple[int, ...]]) -> Any:
    import datasets

    rows, _ = next(_row_groups(recipe, files))
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
