"""What records claim, held against one another and against what their keys were made from.

A key is the hash of a description. A board carries the descriptions, so that anyone can hash them
again and see that a cell was fitted with the budget, labels and scenes that its records name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from lensbench.api.budget import find_budget
from lensbench.errors import DataError
from lensbench.leaderboard.board.layout import RECORDS, shown
from lensbench.leaderboard.board.texts import check_each, check_key, check_name, check_text
from lensbench.store.keys import key_of
from lensbench.store.records import COLUMNS, VERSION

Provenance = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Descriptions by kind of artefact and key."""

KINDS = ("predictions", "fits", "weights", "images", "skies")
STATES = ("done", "undefined", "failed", "incompatible")

_KEYS = ("cell", "predictions", "images", "truth")
_TEXTS = ("error", "unit", "device_name", "curve_fit")
_FILLED = (
    "cell", "entrant", "task", "dataset", "test_dataset", "train_condition", "test_condition",
    "budget", "metric", "state", "seed_draw", "seed_fit", "seed_pretraining",
    "primary", "device", "threads",
)  # fmt: skip
_SAME = {"task", "labels", "budget", "encoder", "transfer", "baseline"}
"""Columns that the description of a fit has under the same name."""


def check_records(records: pl.DataFrame) -> None:
    """Refuses records that contradict themselves.

    Raises:
        DataError: Naming the column or the cell.
    """
    if dict(records.schema) != dict(COLUMNS):
        wrong = set(records.schema.items()) ^ set(COLUMNS.items())
        raise DataError(f"{RECORDS} has other columns or types: {shown(min(wrong)[0])}")
    if records.is_empty():
        raise DataError(f"{RECORDS} is empty")
    if records["version"].n_unique() != 1 or records["version"][0] not in (VERSION - 1, VERSION):
        raise DataError(f"{RECORDS} has another version of columns than {VERSION}")
    for name, kind in COLUMNS.items():
        if kind == pl.String:
            check = check_key if name in _KEYS else check_text if name in _TEXTS else check_name
            check_each(f"{RECORDS}: {name}", records[name].unique(), check)
        elif kind == pl.Float64 and not records[name].drop_nulls().is_finite().all():
            raise DataError(f"{RECORDS}: {name} holds a number that is not finite")
    for name in _FILLED:
        if records[name].null_count() or records[name].cast(pl.String).eq("").any():
            raise DataError(f"{RECORDS}: {name} is empty in a row")
    _check_rows(records)


def _check_rows(records: pl.DataFrame) -> None:
    unknown = set(records["state"]) - set(STATES)
    if unknown:
        raise DataError(f"{RECORDS}: state is {shown(min(unknown))}, expected one of {STATES}")
    if records["budget"].n_unique() != 1:
        raise DataError(f"{RECORDS} has cells of several budgets, a board has one")
    twice = records.filter(
        records.select("cell", "test_dataset", "test_condition", "metric", "state").is_duplicated()
        & (pl.col("state") != "incompatible")
    )
    if not twice.is_empty():
        raise DataError(f"{RECORDS} has a row of cell {twice['cell'][0]} twice")
    done = records.filter(pl.col("state") == "done")
    for name in ("value", "n", "predictions", "images"):
        if done[name].null_count():
            raise DataError(f"{RECORDS}: {name} is empty where a cell is done")
    if (done["low"].is_null() != done["high"].is_null()).any():
        raise DataError(f"{RECORDS} has an interval with one bound")
    if not ((done["low"] <= done["high"]) & (done["n"] > 0)).all():
        raise DataError(f"{RECORDS} has an interval that ends before it begins, or n below 1")
    lost = records.filter(pl.col("state") != "done")
    answered = lost.filter(pl.col("state") != "undefined")
    if lost["value"].count() or answered["predictions"].count():
        raise DataError(f"{RECORDS} has a value where a cell is not done")
    parts = ("entrant", "encoder", "pretraining", "transfer", "baseline")
    for label, encoder, pretraining, transfer, baseline in records.select(parts).unique().rows():
        if label != (baseline or f"{encoder} + {pretraining} + {transfer}"):
            raise DataError(f"{RECORDS}: entrant {shown(label)} is not what its parts say")


def check_provenance(records: pl.DataFrame, provenance: Any) -> None:
    """Refuses descriptions that do not hash to their keys, and records that say otherwise.

    Raises:
        DataError: Naming the cell and the field.
    """
    if not isinstance(provenance, dict) or set(provenance) != set(KINDS):
        raise DataError(f"provenance.json has other parts than {', '.join(KINDS)}")
    for kind, described in provenance.items():
        if not isinstance(described, dict):
            raise DataError(f"provenance.json: {kind} is no table")
        for key, description in described.items():
            if not isinstance(description, dict) or key_of(description) != key:
                raise DataError(f"provenance.json: {kind} {shown(key)} is not what it hashes to")
            if description.get("kind") != kind:
                raise DataError(f"provenance.json: {kind} {key} is of another kind")
    for row in records.filter(pl.col("state") == "done").iter_rows(named=True):
        try:
            faults = list(_faults(row, provenance))
        except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
            raise DataError(
                f"provenance.json does not describe cell {row['cell']}: {shown(str(error))}"
            ) from None
        if faults:
            name, here, there = faults[0]
            raise DataError(
                f"cell {row['cell']}: the records say {name} {shown(here)}, "
                f"its key was made from {shown(there)}"
            )


def _faults(row: Mapping[str, Any], provenance: Provenance) -> Iterator[tuple[str, Any, Any]]:
    """Name, value in the records and value behind the key, of all that differs."""
    answers = provenance["predictions"][row["predictions"]]["inputs"]
    fit = provenance["fits"][row["cell"]]
    images = provenance["images"]
    trained = images[fit["inputs"]["images"][0]]
    pairs = [(name, row[name], fit[name]) for name in sorted(_SAME)]
    pairs += [
        ("cell", row["cell"], answers["fits"]),
        ("images", row["images"], answers["images"]),
        ("seed_fit", row["seed_fit"], fit["seed"]),
        ("device", row["device"], fit["numerics"]["device"]),
        ("threads", row["threads"], fit["numerics"]["threads"]),
        ("processes", row["processes"], fit["numerics"]["processes"]),
        ("code", row["code"], fit["code"]["harness"]),
        ("torch", row["torch"], fit["code"]["torch"]),
    ]
    budget = find_budget(row["budget"])
    seen = (
        ("train", row["dataset"], row["train_condition"], budget.train_scenes, trained),
        ("test", row["test_dataset"], row["test_condition"], budget.test_scenes,
         images[row["images"]]),
    )  # fmt: skip
    for split, dataset, condition, most, described in seen:
        pairs += [
            (f"{split} split", split, described["split"]),
            (f"{split} dataset", dataset, described["dataset"]),
            (f"{split} condition", _bare(condition), _bare(described["condition"]["name"])),
            (f"{split} seed_draw", row["seed_draw"], described["seed"]),
            (f"{split} scenes", min(most, described["count"]), described["count"]),
        ]
    if row["encoder"]:
        weights = provenance["weights"][fit["inputs"]["weights"]]
        pairs += [
            ("encoder", row["encoder"], weights["encoder"]),
            ("pretraining", row["pretraining"], weights["pretraining"]),
            ("seed_pretraining", row["seed_pretraining"], weights["seed"]),
            ("budget", row["budget"], weights.get("budget", row["budget"])),
        ]
    if row["truth"]:
        sky = provenance["skies"][row["truth"]]
        pairs += [("truth split", "test", sky["split"]),
                  ("truth seed_draw", row["seed_draw"], sky["seed"])]  # fmt: skip
    return ((name, here, there) for name, here, there in pairs if here != there)


def _bare(condition: str) -> str:
    return condition.partition(":")[0]
