"""Budgets: how much data and training a cell gets. Cells of two budgets never share a table.

Keys of results have a budget's name, so its numbers stay as they are: others get another name.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache

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
        patience: Percentage of the steps of a fit in which the mean validation score must rise for
            the fit to go on; `train_steps` is then the most that it may take. 0 for fits of a fixed
            length.
    """

    name: str
    pretraining_scenes: int
    pretraining_steps: int
    train_scenes: int
    train_steps: int
    validation_scenes: int
    test_scenes: int
    resamples: int = 1000
    patience: int = 0


BUDGETS = {
    budget.name: budget
    for budget in (
        Budget("smoke", 64, 4, 64, 4, 16, 24, resamples=200),
        Budget("minute", 1024, 32, 512, 32, 64, 128),
        Budget("quick", 1024, 150, 512, 150, 64, 256),
        Budget("converged", 20_000, 5_000, 10_000, 40_000, 1_000, 1_000, patience=30),
        Budget("standard", 20_000, 5_000, 10_000, 10_000, 1_000, 1_000),
        Budget("full", 1_000_000, 200_000, 100_000, 30_000, 5_000, 10_000),
    )
}

_NUMBERS = tuple(field.name for field in fields(Budget) if field.name != "name")


@lru_cache(maxsize=64)
def find_budget(text: str) -> Budget:
    """The budget of this name, perhaps with some numbers changed: `standard:train_steps=500`.

    Its name is the one spelling of both: numbers in the order of the attributes, those that are
    the budget's own left out.

    Raises:
        UsageError: Where there is none, or a number is none that it has.
    """
    name, colon, rest = text.partition(":")
    try:
        budget = BUDGETS[name]
    except KeyError:
        raise UsageError(f"unknown budget {name!r}", nearest(name, BUDGETS)) from None
    given = dict(_number(part, text) for part in rest.split(",")) if colon else {}
    changed = [
        (key, given[key])
        for key in _NUMBERS
        if given.get(key, default := getattr(budget, key)) != default
    ]
    spelled = ",".join(f"{key}={value}" for key, value in changed)
    return replace(budget, name=f"{name}:{spelled}" if spelled else name, **dict(changed))


def _number(part: str, text: str) -> tuple[str, int]:
    key, _, value = part.partition("=")
    if key.strip() not in _NUMBERS:
        raise UsageError(f"budget {text!r} has no {key.strip()!r}", nearest(key.strip(), _NUMBERS))
    if not value.strip().isdecimal() or int(value) < 1:
        raise UsageError(
            f"{part!r} in budget {text!r} is no number of 1 or more", "e.g. train_steps=500"
        )
    return key.strip(), int(value)
