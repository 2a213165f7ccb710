"""From names to a recipe: the dataset and conditions that a call asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from lensbench.api.condition import Condition
from lensbench.api.dataset import Dataset, ObservedDataset, Split
from lensbench.data.making import Recipe
from lensbench.errors import UsageError, nearest
from lensbench.registry import Catalogue, parse_reference
from lensbench.store.closure import closure_of

_MAKING = ("lensbench.sky.splits", "lensbench.registry.options")
"""Modules in which the making of images begins, beside the dataset."""


def recipe_of(
    catalogue: Catalogue,
    dataset: str,
    conditions: Sequence[str],
    *,
    count: int,
    split: str,
    seed: int,
) -> Recipe:
    """The recipe of named plugins.

    Args:
        catalogue: Where they are registered.
        dataset: Its name, with options.
        conditions: Their names; where there are none, the dataset's own, or `euclid-vis`.
        count: Number of scenes.
        split: Of which they are.
        seed: Of the draw.

    Raises:
        UsageError: Where a name is unknown, occurs twice, or there are too few scenes.
    """
    splits: tuple[Split, ...] = get_args(Split)
    chosen = next((known for known in splits if known == split), None)
    if chosen is None:
        raise UsageError(f"unknown split {split!r}", nearest(split, splits))
    twice = {name for name in conditions if list(conditions).count(name) > 1}
    if twice:
        raise UsageError(f"condition {sorted(twice)[0]!r} occurs twice", "keep one")
    registered = catalogue.find("dataset", parse_reference(dataset).name)
    entry = registered.entry
    conditions = conditions or entry.conditions or ("euclid-vis",)
    foreign = [name for name in conditions if entry.conditions and name not in entry.conditions]
    if foreign:
        raise UsageError(
            f"images of {dataset!r} are not under {foreign[0]!r}",
            f"they were observed under {', '.join(entry.conditions)}",
        )
    about = {
        "licence": entry.licence,
        "citation": entry.citation,
        "package": registered.package,
        "package_version": registered.version,
    }
    modules = (*_MAKING, entry.target.partition(":")[0])
    built = catalogue.build("dataset", dataset)
    return Recipe(
        name=catalogue.canonical("dataset", dataset),
        dataset=built,
        split=chosen,
        seed=seed,
        count=count,
        conditions=tuple(
            _as_seen(built, catalogue.build("condition", name)) for name in conditions
        ),
        about=about,
        code=closure_of(modules).code["source"],
    )


def _as_seen(dataset: Dataset, condition: Condition) -> Condition:
    """A condition with the pixel scale and the width of the PSF that images have under it."""
    if not isinstance(dataset, ObservedDataset):
        return condition
    seen = dataset.condition(condition)
    return replace(seen, psf=condition.psf, psf_image=condition.psf_image)
