"""From a stored run to its pictures."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from lensbench.leaderboard.contenders import NAME, with_notes
from lensbench.leaderboard.source import find_run
from lensbench.leaderboard.standings import GROUPS
from lensbench.store import Store
from lensbench.store.arrays import map_arrays, read_attributes
from lensbench.store.predictions import read_predictions
from lensbench.store.records import read_records

_LONGEST = 160
"""Characters of a file's name that come from what it shows."""


ClassOf = Callable[[str], tuple[str, str]]
"""Of a task, as records have it: its class target, and the class that is normal; or empty texts."""


def draw_run(store: Store, run: str, out: Path, scenes: int, class_of: ClassOf) -> Iterator[Path]:
    """Draws one PNG for each table and test condition of a run, and yields their paths.

    A file is named after the test condition, and after all else in which the tables differ.

    Args:
        store: Where the run is.
        run: Its key, or the beginning of it; the last one where empty.
        out: Folder for the pictures; made where it is absent.
        scenes: How many test scenes to draw of a sky.
        class_of: Says what the classes of a task are.

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
    several = [name for name in GROUPS if records[name].n_unique() > 1]
    tables = with_notes(records).group_by(*GROUPS, "test_condition", maintain_order=True)
    for _, frame in tables:
        first = frame.row(0, named=True)
        words = [_text(first[name]) for name in (*several, "test_condition")]
        name = "-".join(re.sub(r"[^A-Za-z0-9@.-]+", "_", word) for word in words)
        target = out / f"{path.stem}-{_shortened(name)}.png"
        trained = [name for name in ("dataset", "train_condition", "labels") if name in several]
        facts = "".join(f"\n{name.replace('_', ' ')}: {_text(first[name])}" for name in trained)
        title = f"{first['task']} on {first['test_dataset']}, {first['test_condition']}{facts}"
        _draw(store, _of_one_seed(frame), (target, title), scenes, class_of)
        yield target


def _text(fact: object) -> str:
    """A fact in words: of the number of labels none means all."""
    return "all" if fact is None else str(fact)


def _shortened(name: str) -> str:
    """A name that file systems take; one that is too long ends in a hash of the whole."""
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _of_one_seed(frame: pl.DataFrame) -> pl.DataFrame:
    """One row for each entrant, all on the same test images; the best first."""
    first = frame.row(0, named=True)
    same = pl.col("images") == first["images"], pl.col("truth").eq_missing(first["truth"])
    rows = frame.filter(*same).with_columns(NAME).unique("name", keep="first", maintain_order=True)
    return rows.sort("value", descending=bool(first["higher_is_better"]))


def _draw(
    store: Store,
    ranked: pl.DataFrame,
    named: tuple[Path, str],
    scenes: int,
    class_of: ClassOf,
) -> None:
    """Draws what entrants predict for the same images, to a file and with a title."""
    first = ranked.row(0, named=True)
    images_path = _found(store, "images", first["images"])
    images = map_arrays(images_path)
    if first["truth"]:
        images |= map_arrays(_found(store, "skies", first["truth"]))
    answers = [
        Answers(name, read_predictions(_found(store, "predictions", key))[1])
        for name, key in ranked.select("name", "predictions").rows()
    ]
    given = answers[0].predictions
    if "sky" in given:
        truth = images["sky"]
        error = np.nanmean((given["sky"] - truth) ** 2, axis=(1, 2, 3))
        rows = spread(-error / np.nanmax(truth, axis=(1, 2, 3)) ** 2, scenes)
        sky_picture(*named, images, answers, rows)
    elif "mean" in given:
        measured = real_target(images, first["metric"])
        unit = f" [{first['unit']}]" if first["unit"] else ""
        value_picture(*named, measured + unit, images[measured], answers)
    elif "score" in given:
        target, normal = class_of(first["task"])
        truth, classes = class_truth(classes_beside(images_path), images, None, target)
        score_picture(*named, *_first_class(truth, classes, normal), answers)
    elif "probability" in given:
        count = given["probability"].shape[1]
        known = classes_beside(images_path)
        truth, classes = class_truth(known, images, count, class_of(first["task"])[0])
        class_picture(*named, classes, truth, answers)
    else:
        raise UsageError(
            f"there is no picture for predictions {', '.join(given)}",
            "lensbench.Predictions says what names are understood",
        )


def _found(store: Store, kind: str, key: str) -> Path:
    path = store.find(kind, key)
    if path is None:
        raise StoreError(f"{kind} {key} are no longer in the store", "run the command again")
    return path


def real_target(images: Iterable[str], metric: str) -> str:
    """The real target of images that a metric's name ends with: `theta_E` of `error_68_theta_E`.

    Raises:
        UsageError: Where it names none of them.
    """
    found = [name for name in images if metric.endswith(f"_{name}")]
    if not found:
        raise UsageError(f"metric {metric!r} names no target of these images", "e.g. rmse_theta_E")
    return max(found, key=len)


def classes_beside(path: Path) -> dict[str, list[str]]:
    """Names of the classes of each class target, as the file of images has them."""
    named: dict[str, list[str]] = json.loads(read_attributes(path).get("classes", "{}"))
    return named


def class_truth(
    named: Mapping[str, Sequence[str]],
    targets: Mapping[str, np.ndarray],
    count: int | None,
    target: str = "",
) -> tuple[np.ndarray, list[str]]:
    """The classes of images, and the names of the classes.

    Args:
        named: Names of the classes of each class target.
        targets: Of the images, by name.
        count: Of classes; `None` takes a target that has any.
        target: Name of the class target; the first with as many classes where empty.

    Raises:
        UsageError: Where there is none.
    """
    for name, classes in named.items():
        if target in ("", name) and count in (None, len(classes)):
            return targets[name], list(classes)
    what = f"target {target!r}" if target else f"target of {count} classes"
    raise UsageError(f"these images have no {what}", "run the command again")


def _first_class(truth: np.ndarray, classes: list[str], first: str) -> tuple[list[str], np.ndarray]:
    """Classes with one of them first, where it is named, and the truth in this order."""
    order = sorted(range(len(classes)), key=lambda place: classes[place] != first)
    if first not in classes:
        return classes, truth
    return [classes[place] for place in order], np.argsort(order)[truth]
