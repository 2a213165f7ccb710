"""The table of objects: every test image with its truth and what each entrant predicts of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from lensbench.cells.descriptions import SplitView
from lensbench.cells.images import read_samples
from lensbench.cells.resolved import ResolvedCell, Resolver
from lensbench.data.whole import whole
from lensbench.inference.columns import named_columns, truth_columns
from lensbench.store import Store
from lensbench.store.predictions import read_predictions
from lensbench.study.cell import Cell

NAME = "predictions"
_MARK = re.compile(r"-[0-9a-f]{12}$")


def write_results(
    folder: Path, resolver: Resolver, store: Store, cells: Iterable[Cell]
) -> tuple[Path, Path]:
    """Writes `predictions.csv` and `predictions.parquet` of the cells that are done.

    Columns are `entrant`, `test_dataset`, `test_condition`, `image`, what is true and what was
    predicted; of a predicted image its scores, image by image.
    """
    frames = [
        frame
        for resolved in map(resolver.resolve, cells)
        for test, key in zip(resolved.tests, resolved.predictions, strict=True)
        if (frame := _frame(store, resolved, test, key)) is not None
    ]
    table = pl.concat(frames, how="diagonal") if frames else pl.DataFrame()
    paths = folder / f"{NAME}.csv", folder / f"{NAME}.parquet"
    with whole(paths[0], overwrite=True) as temporary:
        table.write_csv(temporary)
    with whole(paths[1], overwrite=True) as temporary:
        table.write_parquet(temporary)
    return paths


def _frame(store: Store, resolved: ResolvedCell, test: SplitView, key: str) -> pl.DataFrame | None:
    """Rows of one cell under one test; `None` where there are no predictions."""
    path = store.find("predictions", key)
    if path is None:
        return None
    ids, predictions = read_predictions(path)
    samples = read_samples(store, test.scenes, test.images, test.sky)
    task = resolved.task
    targets = {name: values.numpy() for name, values in samples.targets.items()}
    columns = {
        **truth_columns(samples.info, task.targets, targets),
        **named_columns(samples.info, task.targets, predictions),
    }
    if task.sky is not None:
        columns |= {
            metric.name: np.asarray(metric.compute(predictions, samples))
            for metric in task.metrics[:2]
            if metric.per_sample
        }
    fixed = {
        "entrant": [resolved.cell.entrant.label] * len(ids),
        "test_dataset": [test.view.dataset] * len(ids),
        "test_condition": [test.view.condition] * len(ids),
        "image": _names(ids),
    }
    plain = {name: values for name, values in columns.items() if values.ndim == 1}
    return pl.DataFrame({**fixed, **plain})


def _names(ids: Sequence[str]) -> list[str]:
    """Names of images by their ids, without the mark that makes these unique, where all differ."""
    names = [_MARK.sub("", one) for one in ids]
    return names if len(set(names)) == len(names) else list(ids)


def write_summary(outputs: Sequence[Path], folder: Path) -> list[str]:
    """Writes `predictions.csv` of all shards' outputs, and says in lines what was found."""
    frames = [pl.read_parquet(path) for path in outputs]
    if not frames:
        return []
    table = pl.concat(frames, how="diagonal")
    plain = [n for n, kind in table.schema.items() if not kind.is_nested()]
    path = folder / f"{NAME}.csv"
    with whole(path, overwrite=True) as temporary:
        table.select(plain).write_csv(temporary)
    lines = []
    for name in plain:
        values = table[name].drop_nulls()
        if name == "flags":
            counts = values.filter(values != "").value_counts(sort=True).rows()
            lines += [f"{count} images with the flag {said!r}" for said, count in counts]
        elif name.startswith("predicted_") and len(values):
            counts = values.value_counts(sort=True).rows()
            said = ", ".join(f"{label} ({count})" for label, count in counts)
            lines.append(f"{name.removeprefix('predicted_')}: {said}")
        elif values.dtype.is_float() and not name.startswith("probability_") and len(values):
            low, middle, high = (float(values.quantile(q) or 0.0) for q in (0.16, 0.5, 0.84))
            lines.append(f"{name}: median {middle:.4g}, 68 % within {low:.4g} to {high:.4g}")
    return [*lines, f"{path}: the table of all images"]
