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
_VIEW = ("test_dataset", "test_condition")
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
    *_VIEW,
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
    scored = pl.col("state").is_in(["done", "undefined"])
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


def check_complete(records: pl.DataFrame) -> None:
    """Refuses records that lack a row which others of their kind have, or disagree on a metric.

    Cells that were trained on the same scenes for one task are tested under the same conditions. An
    entrant has the same metrics in each cell of a task. A metric of a task has one unit and one
    direction, and one metric of a task is the primary one.

    Raises:
        DataError: Naming the cell or the metric.
    """
    for column in ("unit", "higher_is_better", "primary"):
        values = records.group_by("task", "metric").agg(pl.col(column).n_unique().alias("count"))
        several = values.filter(pl.col("count") > 1)
        if not several.is_empty():
            raise DataError(
                f"{RECORDS}: {column} of {several['metric'][0]} of {several['task'][0]} differs "
                "between rows"
            )
    primary = records.filter("primary").group_by("task").agg(pl.col("metric").n_unique())
    if primary.height != records["task"].n_unique() or (primary["metric"] > 1).any():
        raise DataError(f"{RECORDS}: a task has no primary metric or several")
    _check_alike(
        records.select("task", "dataset", "train_condition", "cell", *_VIEW).unique(),
        ("task", "dataset", "train_condition"),
        _VIEW,
        "a row under",
    )
    scored = records.filter(pl.col("state").is_in(["done", "undefined"]))
    _check_alike(
        scored.select(
            "task",
            "entrant",
            "test_dataset",
            "metric",
            pl.concat_str("cell", "test_condition", separator=" ").alias("cell"),
        ),
        ("task", "entrant", "test_dataset"),
        ("metric",),
        "a row of",
    )
    _check_draws(records)
    if scored["cell"].n_unique() and (
        scored.filter("primary").select("cell", *_VIEW).unique().height
        != scored.select("cell", *_VIEW).unique().height
    ):
        raise DataError(f"{RECORDS} lacks the primary metric of a cell")


def check_metrics(records: pl.DataFrame, predicted: Mapping[str, str]) -> None:
    """Refuses cells that lack a metric which others have whose predictions are of the same kinds.

    Args:
        records: All of a board.
        predicted: Names of the arrays of predictions by their key, as far as these are here.

    Raises:
        DataError: Naming the cell and the metric.
    """
    names = pl.DataFrame(
        {"predictions": list(predicted), "names": list(predicted.values())},
        schema={"predictions": pl.String, "names": pl.String},
    )
    rows = records.join(names, on="predictions")
    _check_alike(
        rows.select(
            "task",
            "test_dataset",
            "names",
            "metric",
            pl.concat_str("cell", "test_condition", separator=" ").alias("cell"),
        ),
        ("task", "test_dataset", "names"),
        ("metric",),
        "a row of",
    )


def check_usual_metrics(records: pl.DataFrame, others: pl.DataFrame) -> None:
    """Refuses cells that lack a metric which every entrant of others has for their task.

    Raises:
        DataError: Naming the task and the metric.
    """
    group = ("task", "test_dataset")
    entrants = others.group_by(group).agg(pl.col("entrant").n_unique().alias("entrants"))
    usual = (
        others.group_by(*group, "metric")
        .agg(pl.col("entrant").n_unique().alias("having"))
        .join(entrants, on=group)
        .filter(pl.col("having") == pl.col("entrants"))
    )
    asked = records.select(group).unique().join(usual, on=group)
    lacking = asked.join(records, on=[*group, "metric"], how="anti")
    if not lacking.is_empty():
        row = lacking.row(0, named=True)
        raise DataError(
            f"the bundle lacks {row['metric']} of {row['task']}, which every entrant of the board "
            "has",
            "submit it with its predictions",
        )


def _check_draws(records: pl.DataFrame) -> None:
    """Refuses an entrant without a draw of test scenes that others of its table have.

    A study asks for all of its draws of each entrant, and a fit that failed has a row. So a draw
    that is not there was left out, perhaps because it went badly.
    """
    table = ("task", "dataset", "train_condition", "labels")
    who = ("entrant", "pretraining_views", "target_view")
    draws = pl.col("seed_draw").unique().sort()
    all_ = records.group_by(*table).agg(draws.alias("all"))
    have = records.group_by(*table, *who).agg(draws).sort(*who)
    for row in have.join(all_, on=list(table), nulls_equal=True).iter_rows(named=True):
        lacking = sorted(set(row["all"]) - set(row["seed_draw"]))
        if lacking:
            raise DataError(
                f"{RECORDS}: {shown(row['entrant'])} lacks draw {lacking[0]} of {row['task']}, "
                "which other entrants have",
                "publish every draw of every entrant; a fit that failed has a row of its own",
            )


def _check_alike(
    rows: pl.DataFrame, group: tuple[str, ...], what: tuple[str, ...], lacking: str
) -> None:
    """Refuses groups in which a cell lacks something that another cell of the group has."""
    have = rows.group_by(*group, "cell").agg(pl.struct(what).n_unique().alias("have"))
    all_ = rows.group_by(*group).agg(pl.struct(what).unique().alias("all"))
    joined = have.join(all_, on=list(group), nulls_equal=True)
    short = joined.filter(pl.col("have") < pl.col("all").list.len())
    if short.is_empty():
        return
    row = short.sort("cell").row(0, named=True)
    cell = str(row["cell"]).partition(" ")[0]
    mine = rows.filter(pl.col("cell") == row["cell"]).select(what).unique().rows()
    name = next(one for one in row["all"] if tuple(one.values()) not in mine)
    raise DataError(f"{RECORDS}: cell {cell} lacks {lacking} {shown(' '.join(name.values()))}")


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
