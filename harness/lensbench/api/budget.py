"""Budgets: how much data and training a cell gets. Cells of two budgets never share a table."""

from __future__ import annotations

from dataclasses import dataclass

from lensbench.errors import UsageError, nearest


@dataclass(frozen=True)
class Budget:
    """Sizes of the splits and lengths of training.

    Attributes:
        pretraining_scenes: Scenes that pretraining sees.
        pretraining_steps: Optimiser steps of pretraining.
        train_scenes: Labelled scenes for a fit.
        train_steps: Optimiser steps of a fit.
        validation_scenes: Scenes for choices.
        test_scenes: Scenes that scores are taken on.
        resamples: Bootstrap resamples behind an interval.
    """

    name: str
    pretraining_scenes: int
    pretraining_steps: int
    train_scenes: int
    train_steps: int
    validation_scenes: int
    test_scenes: int
    resamples: int = 1000


BUDGETS = {
    budget.name: budget
    for budget in (
        Budget("smoke", 64, 4, 64, 4, 16, 24, resamples=200),
        Budget("quick", 1024, 150, 512, 150, 64, 256),
        Budget("standard", 20_000, 5_000, 10_000, 10_000, 1_000, 1_000),
        Budget("full", 1_000_000, 200_000, 100_000, 30_000, 5_000, 10_000),
    )
}


def find_budget(name: str) -> Budget:
    """The budget of this name.

    Raises:
        UsageError: Where there is none.
    """
    try:
        return BUDGETS[name]
    except KeyError:
        raise UsageError(f"unknown budget {name!r}", nearest(name, BUDGETS)) from None
