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
SCORED = ("done", "undefined")
"""States of a record of a metric of its own: it has a value, or says why it has none."""

STATES = (*SCORED, "failed", "incompatible")

_KEYS = ("cell", "predictions", "images", "truth")
_TEXTS = ("error", "unit", "device_name", "curve_fit")
_FILLED = (
    "cell",
    "entrant",
    "task",
    "dataset",
    "test_dataset",
    "train_condition",
    "test_condition",
    "budget",
    "metric",
    "state",
    "seed_draw",
    "seed_fit",
    "seed_pretraining",
    "primary",
    "device",
    "threads",
)
_SECONDS, _BYTES, _COUNT = (0.0, 3e8), (0.0, 1e15), (1, 10**9)
BOUNDS = {
    **dict.fromkeys(
        (
            "seconds_pretraining",
            "warmup_pretraining",
            "seconds_fit",
            "warmup_fit",
            "seconds_predict",
        ),
        _SECONDS,
    ),
    **dict.fromkeys(("memory_pretraining", "memory_fit", "memory_predict"), _BYTES),
    **dict.fromkeys(("joules_pretraining", "joules_fit", "joules_predict"), (0.0, 1e15)),
    "parameters": (0, 10**13),
    "flops": (0.0, 1e20),
    "data_range": (0.0, 1e30),
    "n": _COUNT,
    "labels": _COUNT,
    "threads": (1, 10**5),
    "processes": (1, 10**5),
}
"""The least and the largest plausible value of a column: times up to ten years [s]."""

_ROUNDING = 1e-9
VIEW = ("test_dataset", "test_condition")
"""Of a record: what it was tested on."""

_CLAIMED = (
    "cell",
    "task",
    "labels",
    "budget",
    "encoder",
    "pretraining",
    "transfer",
    "baseline",
    "dataset",
    "train_condition",
    *VIEW,
    "seed_draw",
    "seed_pretraining",
    "seed_fit",
    "device",
    "threads",
    "processes",
    "code",
    "torch",
    "predictions",
    "images",
    "truth",
)
"""Columns that are held against the descriptions."""

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
    texts = [name for name, kind in COLUMNS.items() if kind == pl.String]
    for values in records.select(pl.col(texts).unique().implode()):
        name = values.name
        check = check_key if name in _KEYS else check_text if name in _TEXTS else check_name
        check_each(f"{RECORDS}: {name}", values[0], check)
    numbers = [name for name, kind in COLUMNS.items() if kind == pl.Float64]
    finite = records.select(pl.col(numbers).drop_nulls().is_finite().all())
    filled = records.select((pl.col(_FILLED).cast(pl.String).fill_null("") != "").all())
    for name in (name for name, whole in finite.row(0, named=True).items() if not whole):
        raise DataError(f"{RECORDS}: {name} holds a number that is not finite")
    for name in (name for name, whole in filled.row(0, named=True).items() if not whole):
        raise DataError(f"{RECORDS}: {name} is empty in a row")
    _check_rows(records)


def _check_rows(records: pl.DataFrame) -> None:
    unknown = set(records["state"]) - set(STATES)
    if unknown:
        raise DataError(f"{RECORDS}: state is {shown(min(unknown))}, expected one of {STATES}")
    if records["budget"].n_unique() != 1:
        raise DataError(f"{RECORDS} has cells of several budgets, a board has one")
    outside = {
        name: (pl.col(name) < low) | (pl.col(name) > high) for name, (low, high) in BOUNDS.items()
    }
    found = records.select(**{name: wrong.any() for name, wrong in outside.items()})
    for name in (name for name, wrong in found.row(0, named=True).items() if wrong):
        low, high = BOUNDS[name]
        value = records.filter(outside[name])[name][0]
        raise DataError(f"{RECORDS}: {name} is {value:g}, expected between {low:g} and {high:g}")
    _check_states(records)
    _check_values(records.filter(pl.col("state") == "done"))
    parts = ("entrant", "encoder", "pretraining", "transfer", "baseline")
    for label, encoder, pretraining, transfer, baseline in records.select(parts).unique().rows():
        if label != (baseline or f"{encoder} + {pretraining} + {transfer}"):
            raise DataError(f"{RECORDS}: entrant {shown(label)} is not what its parts say")


def _check_states(records: pl.DataFrame) -> None:
    """A cell is in one state, and what has no predictions has no value."""
    twice = records.filter(
        records.select("cell", "test_dataset", "test_condition", "metric").is_duplicated()
        & (pl.col("state") != "incompatible")
    )
    if not twice.is_empty():
        raise DataError(f"{RECORDS} has a row of cell {twice['cell'][0]} twice")
    scored = pl.col("state").is_in(SCORED)
    kind = pl.when(scored).then(pl.lit("scored")).otherwise(pl.col("state"))
    states = records.group_by("cell").agg(kind.unique().sort().alias("states"))
    mixed = states.filter(pl.col("states").list.len() > 1)
    if not mixed.is_empty():
        raise DataError(f"{RECORDS} has cell {mixed['cell'][0]} in several states")
    empty = records.filter(pl.col("state") != "done").select("value", "low", "high", "n")
    unmade = records.filter(~scored).select("predictions", "images", "truth")
    if any(column.count() for column in (*empty, *unmade)):
        raise DataError(f"{RECORDS} has a value where a cell is not done")


def _check_values(done: pl.DataFrame) -> None:
    for name in ("value", "n", "predictions", "images"):
        if done[name].null_count():
            raise DataError(f"{RECORDS}: {name} is empty where a cell is done")
    if (done["low"].is_null() != done["high"].is_null()).any():
        raise DataError(f"{RECORDS} has an interval with one bound")
    if not ((done["low"] <= done["high"]) & (done["n"] > 0)).all():
        raise DataError(f"{RECORDS} has an interval that ends before it begins, or n below 1")
    width = pl.col("high") - pl.col("low")
    far = done.filter(
        (pl.col("value") < pl.col("low") - width - _ROUNDING)
        | (pl.col("value") > pl.col("high") + width + _ROUNDING)
    )
    if not far.is_empty():
        row = far.row(0, named=True)
        raise DataError(
            f"{RECORDS}: {row['metric']} of cell {row['cell']} is {row['value']:g}, "
            f"far outside of its interval from {row['low']:g} to {row['high']:g}"
        )


def check_provenance(records: pl.DataFrame, provenance: Any) -> None:
    """Refuses descriptions that do not hash to their keys, and rows of any state that differ.

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
    strange = set(provenance["fits"]) - set(records["cell"])
    if strange:
        raise DataError(f"provenance.json describes fit {min(strange)}, which no record names")
    for row in records.select(_CLAIMED).unique(maintain_order=True).iter_rows(named=True):
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
    fit = provenance["fits"][row["cell"]]
    pairs = [(name, row[name], fit[name]) for name in sorted(_SAME)]
    pairs += [
        ("seed_fit", row["seed_fit"], fit["seed"]),
        ("device", row["device"], fit["numerics"]["device"]),
        ("threads", row["threads"], fit["numerics"]["threads"]),
        ("processes", row["processes"], fit["numerics"]["processes"]),
        ("code", row["code"], fit["code"].get("source", fit["code"].get("harness"))),
        ("torch", row["torch"], fit["code"]["torch"]),
    ]
    trained = provenance["images"][fit["inputs"]["images"][0]]
    pairs += _described_images("train", row["dataset"], row["train_condition"], row, trained)
    if row["predictions"]:
        made = provenance["predictions"][row["predictions"]]["inputs"]
        tested = provenance["images"][row["images"]]
        pairs += [("cell", row["cell"], made["fits"]), ("images", row["images"], made["images"])]
        pairs += _described_images("test", row["test_dataset"], row["test_condition"], row, tested)
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
        pairs += [
            ("truth split", "test", sky["split"]),
            ("truth seed_draw", row["seed_draw"], sky["seed"]),
        ]
    return ((name, here, there) for name, here, there in pairs if here != there)


def _described_images(
    split: str, dataset: str, condition: str, row: Mapping[str, Any], described: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    """What a row says of the images of a split, beside what these were made from."""
    budget = find_budget(row["budget"])
    most = budget.train_scenes if split == "train" else budget.test_scenes
    return [
        (f"{split} split", split, described["split"]),
        (f"{split} dataset", dataset, described["dataset"]),
        (f"{split} condition", _bare(condition), _bare(described["condition"]["name"])),
        (f"{split} seed_draw", row["seed_draw"], described["seed"]),
        (f"{split} scenes", min(most, described["count"]), described["count"]),
    ]


def _bare(condition: str) -> str:
    return condition.partition(":")[0]
