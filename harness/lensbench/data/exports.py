"""The forms in which made images are written: HDF5, Parquet, and by `huggingface` a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lensbench.data.container import writing_container
from lensbench.data.huggingface import write_huggingface
from lensbench.data.making import (
    Export,
    Recipe,
    blocks_of,
    condition_attributes,
    scene_paths,
)
from lensbench.data.readers.columns import SHAPES
from lensbench.data.tables import STEP, facts_of, row_groups, shapes_of
from lensbench.errors import UsageError
from lensbench.files import CountReport


def export_of(path: Path, form: str) -> Export:
    """The way to write a path: by the form named, else by its suffix.

    Raises:
        UsageError: Where neither says.
    """
    suffixes = {".h5": "hdf5", ".hdf5": "hdf5", ".parquet": "parquet"}
    exports: Mapping[str, Export] = {
        "hdf5": write_hdf5,
        "parquet": write_parquet,
        "huggingface": write_huggingface,
    }
    chosen = form or suffixes.get(path.suffix.lower(), "")
    if chosen not in exports:
        raise UsageError(
            f"{str(path)!r} does not say in which form to write",
            "name FILE.h5 or FILE.parquet, or add --format huggingface for a folder",
        )
    return exports[chosen]


def write_hdf5(path: Path, recipe: Recipe, files: Sequence[Path], report: CountReport) -> None:
    """Writes an images file of lensbench."""
    with writing_container(path, recipe.attributes()) as container:
        for start, block in blocks_of(files):
            for name in scene_paths(block):
                container.append(f"/{name}", block[name][()])
            for condition in recipe.conditions:
                group = f"/images/{condition.name}"
                pixels = block[f"{group}/pixels"]
                for low in range(0, len(pixels), STEP):
                    container.append(f"{group}/pixels", pixels[low : low + STEP])
                container.append(f"{group}/scene", block[f"{group}/scene"][()] + start)
            report(start + len(block["scenes/id"]), recipe.count, "")
        for condition in recipe.conditions:
            container.describe(f"/images/{condition.name}", condition_attributes(condition))
        for name, target in recipe.dataset.targets.items():
            if f"/scenes/targets/{name}" in container:
                about = {"kind": target.kind, "unit": target.unit}
                classes = {"classes": list(target.classes)} if target.classes else {}
                container.mark(f"/scenes/targets/{name}", about | classes)


def write_parquet(path: Path, recipe: Recipe, files: Sequence[Path], report: CountReport) -> None:
    """Writes Parquet: a row a scene, a column of flat images a condition, shapes as metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    shapes = shapes_of(recipe, files[0])
    metadata = {
        SHAPES: json.dumps({f"image:{name}": shape for name, shape in shapes.items()}),
        "lensbench": json.dumps(facts_of(recipe), ensure_ascii=False),
    }
    try:
        for rows, done in row_groups(recipe, files):
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
            writer.write_table(table, row_group_size=STEP)
            report(done, recipe.count, "")
    finally:
        if writer is not None:
            writer.close()
