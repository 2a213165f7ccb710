"""Bundles that claim what is not so: forged rows of every state, of the board's entrants too."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
from tests.forged_boards import reseal

from lensbench.store.keys import key_of
from lensbench.store.records import records_frame

Row = dict[str, Any]
Provenance = dict[str, dict[str, Any]]

UNSCORED = dict.fromkeys(("value", "low", "high", "n", "predictions", "images", "truth"))


def described(row: Row, provenance: Provenance, **changes: Any) -> Row:
    """The row as that of another fit, which is described and whose key is right."""
    fit = provenance["fits"][row["cell"]]
    names = {"seed_fit": "seed"}
    fit = fit | {names.get(name, name): value for name, value in changes.items()}
    cell = key_of(fit)
    provenance["fits"][cell] = fit
    row = row | changes | {"cell": cell}
    if "baseline" in changes:
        row["entrant"] = changes["baseline"]
    if row["predictions"]:
        made = {"kind": "predictions", "inputs": {"fits": cell, "images": row["images"]}}
        row["predictions"] = key_of(made)
        provenance["predictions"][row["predictions"]] = made
    return row


def _unscored(row: Row, state: str) -> Row:
    return row | UNSCORED | {"state": state, "error": "it broke"}


def _made_up(rows: list[Row], provenance: Provenance, chance: random.Random) -> None:
    row = _unscored(rows[0], chance.choice(["failed", "incompatible"]))
    rows.append(row | {"cell": f"{chance.getrandbits(80):020x}"})


def _made_up_done(rows: list[Row], provenance: Provenance, chance: random.Random) -> None:
    rows.append(rows[0] | {"cell": f"{chance.getrandbits(80):020x}"})


def _of_a_rival(rows: list[Row], provenance: Provenance, chance: random.Random) -> None:
    state = chance.choice(["failed", "incompatible", "undefined", "done"])
    row = described(rows[0], provenance, baseline="hog-svm", seed_fit=chance.randint(0, 9))
    scored = row if state == "done" else row | dict.fromkeys(("value", "low", "high", "n"))
    row = _unscored(row, state) if state in ("failed", "incompatible") else scored
    rows.append(row | {"state": state})


def _as_a_rival(rows: list[Row], provenance: Provenance, chance: random.Random) -> None:
    name = chance.choice(["hog-svm", "h\u043eg-svm", "hog-svm ", "hog\u200b-svm", "ring"])
    state = chance.choice(["done", "failed", "incompatible"])
    renamed = [described(row, provenance, baseline=name) for row in rows]
    rows[:] = renamed if state == "done" else [_unscored(row, state) for row in renamed]


def _of_what_is_not_asked(rows: list[Row], provenance: Provenance, chance: random.Random) -> None:
    change = chance.choice([{"task": "einstein"}, {"labels": 10}, {"seed_fit": 7}])
    state = chance.choice(["failed", "incompatible"])
    rows.append(_unscored(described(rows[0], provenance, **change), state))


def _another_state(rows: list[Row], provenance: Provenance, chance: random.Random) -> None:
    rows.append(_unscored(rows[0], chance.choice(["failed", "incompatible"])))


def _dropped(rows: list[Row], provenance: Provenance, chance: random.Random) -> None:
    del rows[chance.randrange(len(rows))]


def _turned(rows: list[Row], provenance: Provenance, chance: random.Random) -> None:
    row = chance.choice(rows)
    column = chance.choice(["higher_is_better", "primary"])
    row[column] = not row[column]


def _implausible(rows: list[Row], provenance: Provenance, chance: random.Random) -> None:
    columns = [("seconds_fit", -1e9), ("seconds_predict", 1e308), ("parameters", -5),
               ("flops", -1.0), ("memory_fit", 1e300), ("joules_fit", -1.0), ("n", 10**12),
               ("value", 1e6), ("value", -1e6), ("labels", -3), ("threads", 0)]  # fmt: skip
    column, value = chance.choice(columns)
    chance.choice(rows)[column] = value


FORGERIES: tuple[Callable[[list[Row], Provenance, random.Random], None], ...] = (
    _made_up, _made_up_done, _of_a_rival, _as_a_rival, _of_what_is_not_asked, _another_state,
    _dropped, _turned, _implausible,
)  # fmt: skip


def forge(folder: Path, forgery: Callable[..., None], chance: random.Random) -> None:
    """Changes the records and descriptions of a bundle, and makes its digests agree again."""
    rows = pl.read_parquet(folder / "records.parquet").to_dicts()
    provenance = json.loads((folder / "provenance.json").read_text())
    forgery(rows, provenance, chance)
    records_frame(rows).write_parquet(folder / "records.parquet")
    (folder / "provenance.json").write_text(json.dumps(provenance))
    reseal(folder)


def with_two_metrics(contents: Any) -> pl.DataFrame:
    """Records of contents, each cell with a second metric."""
    second = contents.records.with_columns(metric=pl.lit("accuracy"), primary=pl.lit(value=False))
    return pl.concat([contents.records, second])
