"""Limits of information for tables, as far as a store has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from lensbench.errors import LensbenchError

if TYPE_CHECKING:
    import polars as pl

    from lensbench.leaderboard.standings import Limits, Row
    from lensbench.registry import Catalogue
    from lensbench.store import Store


def limit_finder(
    store: Store, catalogue: Catalogue, records: pl.DataFrame
) -> Callable[[Row], Limits]:
    """A function from the first row of a table to the limits of its metrics by test condition.

    Args:
        store: Where `lensbench limits` has kept them.
        catalogue: Finds the task, the dataset and the conditions.
        records: Of the tables. The limits are those of their first draw of scenes.
    """
    if not store.stored("limits"):
        return lambda _: {}  # and torch is not imported to look for them
    conditions = records["test_condition"].unique(maintain_order=True).to_list()
    draw = int(records.select("seed_draw").min().item())

    def find(first: Row) -> Limits:
        try:
            return _limits(store, catalogue, first, conditions, draw)
        except LensbenchError:  # a plugin or file of somebody else's board is not here
            return {}

    return find


def _limits(
    store: Store, catalogue: Catalogue, first: Row, conditions: list[str], draw: int
) -> Limits:
    from lensbench.leaderboard.standings import Limit
    from lensbench.limits.stored import CLASS_TASKS, known_class_limits, known_limits

    dataset, name = first["test_dataset"], first["task"].split(":")[0]
    if name in CLASS_TASKS:
        bounds = known_class_limits(store, catalogue, name, dataset, conditions, draw)
        return {place: Limit(math.nan, bound) for place, bound in bounds.items()}
    metrics = catalogue.build("task", first["task"]).metrics
    errors = {(one.target, one.error): one.name for one in metrics if one.error}
    found = known_limits(store, catalogue, dataset, conditions, draw) if errors else {}
    return {
        (errors[limit.target, error], condition): value
        for condition, limits in found.items()
        for limit in limits
        for error, value in (
            ("rms", Limit(limit.reference, limit.bound)),
            ("68", Limit(limit.reference_68, math.nan)),
        )
        if (limit.target, error) in errors
    }
