"""Per-sample predictions by scene id: Parquet for numbers, HDF5 where there are images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from lensbench.store.arrays import map_arrays, write_arrays


def predictions_suffix(predictions: Mapping[str, np.ndarray]) -> str:
    """`.h5` where any prediction is an image, else `.parquet`."""
    return ".h5" if any(values.ndim > 2 for values in predictions.values()) else ".parquet"


def write_predictions(
    path: Path, ids: Sequence[str], predictions: Mapping[str, np.ndarray]
) -> None:
    """Writes predictions (N, ...) in the format that the path's suffix names."""
    if path.suffix == ".h5":
        write_arrays(path, {"scene": np.array(ids, dtype="S"), **predictions})
        return
    columns = {
        name: pl.Series(values, dtype=pl.Array(pl.Float32, values.shape[1]))
        if values.ndim == 2
        else pl.Series(values)
        for name, values in predictions.items()
    }
    pl.DataFrame({"scene": list(ids), **columns}).write_parquet(path)


def read_predictions(path: Path) -> tuple[list[str], dict[str, np.ndarray]]:
    """Scene ids and predictions (N, ...) of a file."""
    if path.suffix == ".h5":
        arrays = map_arrays(path)
        return [scene.decode() for scene in arrays.pop("scene")], arrays
    frame = pl.read_parquet(path)
    ids = frame["scene"].to_list()
    return ids, {name: np.array(frame[name]) for name in frame.columns if name != "scene"}
