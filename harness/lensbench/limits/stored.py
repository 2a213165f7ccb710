"""Limits in a store: made once for a dataset and a condition, found again by tables."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from lensbench.api.condition import Condition
from lensbench.errors import UsageError
from lensbench.limits.bounds import Limit, limits, measured_targets
from lensbench.registry import Catalogue
from lensbench.sky.population import CLASSES, Population
from lensbench.store import Store, key_of
from lensbench.store.closure import Closure, closure_of
from lensbench.study.describe import describe_condition

SCENES = 24
"""Test scenes that a limit is taken over, where nothing else is said."""

ONLY = CLASSES[0]
"""Class of these scenes: without substructure, which would have to be known."""

KIND = "limits"
"""Of the artefact."""


def ensure_limits(
    store: Store,
    catalogue: Catalogue,
    dataset: str,
    condition: str,
    seed: int = 0,
    scenes: int = SCENES,
    only: str = ONLY,
    watch: Callable[[int], None] = lambda done: None,
) -> list[Limit]:
    """Limits of all targets that have one, which are computed where the store lacks them.

    Args:
        store: Where they are kept.
        catalogue: Where dataset and condition are found.
        dataset: `name:options` of a dataset of lenses as `Population` draws them.
        condition: `name:options`.
        seed: Of the draw.
        scenes: How many of its test scenes.
        only: A class of substructure to which to confine them, or `all`.
        watch: Told how many scenes are done.

    Raises:
        UsageError: Where the dataset has no such population.
    """
    drawn = population_of(catalogue, dataset)
    if drawn is None:
        raise UsageError(
            f"dataset {dataset!r} has no limits: they are known of SIE lenses with a Sérsic source",
            "try lenses:population=pedagogical",
        )
    seen = catalogue.build("condition", condition)
    described = _described(dataset, seen, seed, scenes, only)
    key = key_of(described)
    found = _read(store, key)
    if found is None:
        view = catalogue.build("dataset", dataset).field_of_view
        found = limits(drawn, seen, measured_targets(), scenes, seed, view, only, watch)
        with store.writing(KIND, key, ".parquet", described) as path:
            pl.DataFrame([asdict(limit) for limit in found]).write_parquet(path)
    return found


def known_limits(
    store: Store, catalogue: Catalogue, dataset: str, conditions: Sequence[str], seed: int = 0
) -> dict[str, list[Limit]]:
    """Limits by condition, as far as the store has them over the usual scenes."""
    if population_of(catalogue, dataset) is None:
        return {}
    found = {}
    for condition in conditions:
        seen = catalogue.build("condition", condition)
        kept = _read(store, key_of(_described(dataset, seen, seed, SCENES, ONLY)))
        if kept is not None:
            found[condition] = kept
    return found


def population_of(catalogue: Catalogue, dataset: str) -> Population | None:
    """The population that a dataset draws from, where limits are known of it."""
    drawn = catalogue.build("dataset", dataset).population
    return drawn if isinstance(drawn, Population) else None


def _described(
    dataset: str, condition: Condition, seed: int, scenes: int, only: str
) -> dict[str, Any]:
    return {
        "kind": KIND,
        "dataset": dataset,
        "condition": describe_condition(condition),
        "seed": seed,
        "count": scenes,
        "only": only,
        "code": _code().code,
    }


@functools.cache
def _code() -> Closure:
    """The code that limits depend on."""
    return closure_of(["lensbench.limits.bounds", "lensbench.sky.populations"])


def _read(store: Store, key: str) -> list[Limit] | None:
    path = store.find(KIND, key)
    return None if path is None else [Limit(**one) for one in pl.read_parquet(path).to_dicts()]
