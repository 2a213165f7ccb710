"""Limits in a store: made once for a dataset and a condition, found again by tables."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import polars as pl

from lensbench.api.condition import Condition
from lensbench.api.dataset import Dataset
from lensbench.errors import UsageError, nearest
from lensbench.limits.bounds import Limit, SceneSample, limits, measured_targets
from lensbench.limits.classes import (
    ClassLimit,
    Scene,
    class_limits,
    drawn_scenes,
    known_signal_auroc,
    task_limits,
)
from lensbench.limits.places import PlaceLimit, place_limits
from lensbench.registry import Catalogue
from lensbench.store import Store, key_of
from lensbench.store.closure import Closure, closure_of
from lensbench.study.cell import View
from lensbench.study.describe import describe_condition

CLASS_TASKS = ("anomaly", "morphology")
"""Tasks whose classes have a limit."""

KIND = "limits"
"""Of the artefact."""


def ensure_limits(
    store: Store,
    catalogue: Catalogue,
    view: View,
    sample: SceneSample = SceneSample(),
    watch: Callable[[int], None] = lambda done: None,
) -> list[Limit]:
    """Limits of all targets that have one, which are computed where the store lacks them.

    Args:
        store: Where they are kept.
        catalogue: Where dataset and condition are found.
        view: A dataset that draws lenses, and a condition.
        sample: Its test scenes; the images are as wide as those of the dataset.
        watch: Called with the number of scenes that are done.

    Raises:
        UsageError: Where the dataset draws no lenses, or the condition has several bands.
    """
    drawn = drawing(catalogue, view.dataset)
    population = drawn.population
    sample = replace(sample, only=sample.lens_class(population), field_of_view=drawn.field_of_view)
    seen = _one_band(catalogue, view.condition)
    described = _described(catalogue.canonical("dataset", view.dataset), seen, sample)
    key = key_of(described)
    found = _read(store, key)
    if found is None:
        found = limits(population, seen, measured_targets(population), sample, watch)
        with store.writing(KIND, key, ".parquet", described) as path:
            pl.DataFrame([asdict(limit) for limit in found]).write_parquet(path)
    return found


def known_limits(
    store: Store, catalogue: Catalogue, dataset: str, conditions: Sequence[str], seed: int = 0
) -> dict[str, list[Limit]]:
    """Limits by condition, as far as the store has them over the usual scenes."""
    population = catalogue.build("dataset", dataset).population
    if population is None:
        return {}
    sample = SceneSample(seed=seed)
    sample = replace(sample, only=sample.lens_class(population))
    dataset, found = catalogue.canonical("dataset", dataset), {}
    for condition in conditions:
        seen = catalogue.build("condition", condition)
        kept = _read(store, key_of(_described(dataset, seen, sample)))
        if kept is not None:
            found[condition] = kept
    return found


def ensure_class_limits(
    store: Store,
    catalogue: Catalogue,
    task: str,
    view: View,
    sample: SceneSample = SceneSample(),
    watch: Callable[[int], None] = lambda done: None,
) -> list[PlaceLimit]:
    """Limits of every pair of substructure classes, computed where the store lacks them.

    Args:
        store: Where they are kept.
        catalogue: Where dataset and condition are found.
        task: One of `CLASS_TASKS`. All have the same limits of pairs.
        view: A dataset that draws lenses with substructure, and a condition.
        sample: Its test scenes, each taken as one of every class.
        watch: Called with the number of scenes that are done, of twice as many: each is used for
            the bound of a known signal and again for places.

    Raises:
        UsageError: Where the task has no such limit, the dataset draws no lenses with and without
            substructure, or the condition has several bands.
    """
    if task not in CLASS_TASKS:
        raise UsageError(
            f"task {task!r} has no limit: a limit of classes is known where images differ in "
            "substructure alone",
            nearest(task, ("regression", *CLASS_TASKS)),
        )
    drawn = drawing(catalogue, view.dataset)
    seen = _one_band(catalogue, view.condition)

    @functools.cache
    def scenes() -> list[Scene]:
        return drawn_scenes(drawn.population, seen, sample.count, sample.seed, drawn.field_of_view)

    described = _class_description(catalogue.canonical("dataset", view.dataset), seen, sample)
    rows = _read_rows(store, described)
    if rows is None:
        known = class_limits(scenes(), watch)
        _write_rows(store, known, described)
    else:
        known = [ClassLimit(**row) for row in rows]
    described = _place_description(described)
    rows = _read_rows(store, described)
    if rows is not None:
        return [PlaceLimit(**row) for row in rows]
    found = place_limits(scenes(), known, lambda done: watch(sample.count + done))
    _write_rows(store, found, described)
    return found


def known_class_limits(
    store: Store,
    catalogue: Catalogue,
    task: str,
    dataset: str,
    conditions: Sequence[str],
    seed: int = 0,
) -> dict[tuple[str, str], float]:
    """Upper bounds by metric and condition, as far as the store has them over the usual scenes."""
    dataset, found = catalogue.canonical("dataset", dataset), {}
    for condition in conditions:
        seen = catalogue.build("condition", condition)
        described = _class_description(dataset, seen, SceneSample(seed=seed))
        kind: type[ClassLimit] = PlaceLimit
        rows = _read_rows(store, _place_description(described))
        if rows is None:
            kind, rows = ClassLimit, _read_rows(store, described)
        kept = [kind(**row) for row in rows or ()]
        for metric, bound in (task_limits(task, kept) if kept else {}).items():
            found[metric, condition] = bound
    return found


def known_signal_error(detectability: Sequence[float]) -> float:
    """Standard error of `known_signal_auroc`, as the scenes are a sample: by the jackknife."""
    d, n = np.array(detectability), len(detectability)
    left_out = [known_signal_auroc(np.delete(d, i)) for i in range(n)]
    return float(np.std(left_out) * math.sqrt(n - 1))


def drawing(catalogue: Catalogue, name: str) -> Dataset:
    """The dataset of this name.

    Raises:
        UsageError: Where it draws no scenes.
    """
    dataset: Dataset = catalogue.build("dataset", name)
    if dataset.population is None:
        raise UsageError(f"dataset {name!r} draws no scenes, so it has no limits", "try lenses")
    return dataset


def _one_band(catalogue: Catalogue, name: str) -> Condition:
    """The condition of this name.

    Raises:
        UsageError: Where it has several bands.
    """
    condition: Condition = catalogue.build("condition", name)
    if condition.bands:
        raise UsageError(
            f"limits are computed for one band, and {name!r} has {len(condition.bands)}",
            f"name one of them, e.g. {condition.reference.name}",
        )
    return condition


def _described(dataset: str, condition: Condition, sample: SceneSample) -> dict[str, Any]:
    return {
        "kind": KIND,
        "dataset": dataset,
        "condition": describe_condition(condition),
        "seed": sample.seed,
        "count": sample.count,
        "only": sample.only,
        "code": _code().code,
    }


def _class_description(dataset: str, condition: Condition, sample: SceneSample) -> dict[str, Any]:
    return {
        "kind": "class-limits",
        "dataset": dataset,
        "condition": describe_condition(condition),
        "seed": sample.seed,
        "count": sample.count,
        "code": _class_code().code,
    }


def _place_description(described: Mapping[str, Any]) -> dict[str, Any]:
    return {**described, "kind": "place-limits", "code": _place_code().code}


def _read_rows(store: Store, described: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    path = store.find(KIND, key_of(described))
    if path is None:
        return None
    rows = pl.read_parquet(path).to_dicts()
    return [{**row, "detectability": tuple(row["detectability"])} for row in rows]


def _write_rows(store: Store, found: Sequence[ClassLimit], described: Mapping[str, Any]) -> None:
    with store.writing(KIND, key_of(described), ".parquet", described) as path:
        pl.DataFrame([asdict(limit) for limit in found]).write_parquet(path)


@functools.cache
def _place_code() -> Closure:
    """The code that limits of an unknown place depend on."""
    return closure_of(["lensbench.limits.places", "lensbench.sky.populations"])


@functools.cache
def _class_code() -> Closure:
    """The code that limits of classes depend on."""
    return closure_of(["lensbench.limits.classes", "lensbench.sky.populations"])


@functools.cache
def _code() -> Closure:
    """The code that limits depend on."""
    return closure_of(["lensbench.limits.bounds", "lensbench.sky.populations"])


def _read(store: Store, key: str) -> list[Limit] | None:
    path = store.find(KIND, key)
    return None if path is None else [Limit(**one) for one in pl.read_parquet(path).to_dicts()]
