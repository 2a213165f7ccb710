"""From a stored run to its pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from lensbench.errors import StoreError, UsageError
from lensbench.leaderboard.answer_pictures import (
    Answers,
    class_picture,
    score_picture,
    sky_picture,
    spread,
    value_picture,
)
from lensbench.leaderboard.source import find_run
from lensbench.store import Store
from lensbench.store.arrays import map_arrays, read_attributes
from lensbench.store.predictions import read_predictions
from lensbench.store.records import read_records


def draw_run(store: Store, run: str, out: Path, scenes: int) -> Iterator[Path]:
    """Draws one PNG a test condition and yields their paths.

    Args:
        store: Where the run is.
        run: Its key, or the beginning of it; the last one where empty.
        out: Folder for the pictures; made where it is absent.
        scenes: How many test scenes to draw of a sky.

    Raises:
        UsageError: Where there is no such run.
        StoreError: Where its images or predictions are gone.
    """
    path = store.find("runs", find_run(store, run))
    if path is None:
        raise StoreError(f"run {run} is damaged", "run its command again")
    records = read_records([path]).filter((pl.col("state") == "done") & pl.col("primary"))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{str(out)!r} cannot be written: {error}", "name another --out") from None
    for name, frame in records.group_by("test_condition", maintain_order=True):
        yield _draw(store, frame, str(name[0]), out, scenes, path.stem)


def _draw(
    store: Store, frame: pl.DataFrame, condition: str, out: Path, scenes: int, run: str
) -> Path:
    first = frame.row(0, named=True)
    images_path = store.find("images", first["images"])
    if images_path is None:
        raise StoreError(f"images {first['images']} are gone", "run the command again")
    images = map_arrays(images_path)
    if first["truth"]:
        truth_path = store.find("skies", first["truth"])
        if truth_path is None:
            raise StoreError(f"skies {first['truth']} are gone", "run the command again")
        images |= map_arrays(truth_path)
    ranked = frame.sort("value", descending=bool(first["higher_is_better"]))
    answers = []
    for row in ranked.iter_rows(named=True):
        path = store.find("predictions", row["predictions"])
        if path is None:
            raise StoreError(f"predictions {row['predictions']} are gone", "run the command again")
        answers.append(Answers(row["entrant"], read_predictions(path)[1]))
    target = out / f"{run}-{re.sub(r'[^A-Za-z0-9@.-]+', '_', condition)}.png"
    title = f"{first['task']} on {first['test_dataset']}, {condition}"
    given = answers[0].predictions
    if "sky" in given:
        truth = images["sky"]
        error = np.nanmean((answers[0].predictions["sky"] - truth) ** 2, axis=(1, 2, 3))
        rows = spread(-error / np.nanmax(truth, axis=(1, 2, 3)) ** 2, scenes)
        sky_picture(target, title, images, answers, rows)
    elif "mean" in given:
        measured = _real_target(images, first["metric"])
        unit = f" [{first['unit']}]" if first["unit"] else ""
        value_picture(target, title, measured + unit, images[measured], answers)
    elif "score" in given:
        truth, classes = class_truth(images_path, images, None)
        score_picture(target, title, classes, truth, answers)
    elif "probability" in given:
        count = given["probability"].shape[1]
        truth, classes = class_truth(images_path, images, count)
        class_picture(target, title, classes, truth, answers)
    else:
        raise UsageError(
            f"there is no picture for predictions {', '.join(given)}",
            "lensbench.Predictions says what names are understood",
        )
    return target


def _real_target(images: dict[str, np.ndarray], metric: str) -> str:
    """The real target that a metric's name ends with: `theta_E` of `rmse_theta_E`."""
    found = [name for name in images if metric.endswith(f"_{name}")]
    if not found:
        raise UsageError(f"metric {metric!r} names no target of these images", "e.g. rmse_theta_E")
    return max(found, key=len)


def class_truth(
    path: Path, images: dict[str, np.ndarray], count: int | None
) -> tuple[np.ndarray, list[str]]:
    """The class target that has as many classes, or the first, and the names of its classes.

    Args:
        path: The file of the images.
        images: Its arrays.
        count: Of classes; `None` takes the first target that has any.

    Raises:
        UsageError: Where there is none.
    """
    named: dict[str, list[str]] = json.loads(read_attributes(path)["classes"])
    for name, classes in named.items():
        if count is None or len(classes) == count:
            return images[name], classes
    raise UsageError(f"these images have no target of {count} classes", "run the command again")
