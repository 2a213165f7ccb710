"""From published records back to cells, and from cells to what a board says of them."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from lensbench.cells.resolved import ResolvedCell, Resolver
from lensbench.errors import StoreError
from lensbench.leaderboard.board.contents import Board
from lensbench.leaderboard.board.documents import Credit
from lensbench.store import Store
from lensbench.store.care import inputs_of
from lensbench.store.keys import canonical
from lensbench.store.records import views_of
from lensbench.study.cell import Cell, Entrant, Seeds, View
from lensbench.study.describe import Numerics


def cells_of(records: pl.DataFrame) -> dict[str, Cell]:
    """The cells that records are of, in any state, by key of the fit."""
    cells = records.group_by("cell", maintain_order=True)
    return {str(key): _cell(frame) for (key,), frame in cells}


def _cell(frame: pl.DataFrame) -> Cell:
    row = frame.row(0, named=True)
    train = View(row["dataset"], row["train_condition"])
    tests = {View(*pair) for pair in frame.select("test_dataset", "test_condition").rows()}
    return Cell(
        entrant=Entrant(
            row["encoder"] or "",
            row["pretraining"] or "",
            row["transfer"] or "",
            row["baseline"] or "",
        ),
        task=row["task"],
        train=train,
        tests=(*(view for view in tests if view == train), *sorted(tests - {train})),
        pretraining=tuple(View(*view) for view in views_of(row["pretraining_views"])),
        target=next((View(*view) for view in views_of(row["target_view"])), None),
        labels=row["labels"],
        seeds=Seeds(row["seed_draw"], row["seed_pretraining"], row["seed_fit"]),
        budget=row["budget"],
    )


def same_code(board: Board, key: str, cell: ResolvedCell) -> bool:
    """Whether a cell was made with the code that is here."""
    same: bool = cell.describe_fit()["code"] == board.provenance["fits"][key]["code"]
    return same


def other_code(board: Board, key: str, cell: ResolvedCell) -> str:
    """What a cell was made with, where that is other code than is here; empty where it is not."""
    if same_code(board, key, cell):
        return ""
    said, here = board.provenance["fits"][key]["code"], cell.describe_fit()["code"]
    row = board.records.filter(pl.col("cell") == key).row(0, named=True)
    if said["torch"] != here["torch"]:
        return f"torch {said['torch']}, and {here['torch']} is here"
    commit = f" at {row['git']}" if row["git"] else ""
    return f"other code than is here: lensbench {row['lensbench']}{commit}"


def numerics_of(records: pl.DataFrame) -> Numerics:
    """How records were computed, as far as they say."""
    row = records.row(0, named=True)
    return Numerics(row["device"], row["threads"], row["processes"] or 1)


def provenance_of(
    resolver: Resolver, store: Store, records: pl.DataFrame
) -> dict[str, dict[str, Any]]:
    """What all that records depend on was made from, by kind and key.

    As it follows from the code and the plugins that are here, or else as the store says.

    Raises:
        StoreError: Where a cell was made by other code and the store no longer says how.
    """
    cells = cells_of(records)
    here = {
        (kind, key): description
        for cell in cells.values()
        for kind, key, description in _descriptions(resolver.resolve(cell))
    }
    found: dict[str, dict[str, Any]] = {
        kind: {} for kind in ("predictions", "fits", "weights", "images", "skies")
    }
    waiting = [("fits", key) for key in cells]
    for kind, column in (("predictions", "predictions"), ("skies", "truth")):
        waiting += [(kind, key) for key in records[column].drop_nulls().unique()]
    while waiting:
        kind, key = waiting.pop()
        if key not in found[kind]:
            found[kind][key] = here.get((kind, key)) or _stored(store, kind, key)
            waiting += inputs_of({"from": found[kind][key]})
    plain: dict[str, dict[str, Any]] = canonical(found)
    return plain


def _descriptions(cell: ResolvedCell) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Kind, key and description of all that a cell is made of, as they follow from here."""
    for seen in cell:
        for layer in seen.layers:
            yield layer.kind, layer.key, layer.description
    if cell.weights:
        yield "weights", cell.weights, cell.describe_weights()
    yield "fits", cell.fit, cell.describe_fit()
    for key, test in zip(cell.predictions, cell.tests, strict=True):
        yield "predictions", key, cell.describe_predictions(test)


def _stored(store: Store, kind: str, key: str) -> Mapping[str, Any]:
    described = store.describe(kind, key)
    if described is None:
        raise StoreError(
            f"the store does not say what {kind} {key} were made from",
            "publish with the versions that computed it, or run the study again",
        )
    stored: Mapping[str, Any] = described["from"]
    return stored


_PACKAGES = (
    "lensbench",
    "torch",
    "numpy",
    "polars",
    "pyarrow",
    "h5py",
    "safetensors",
    "scikit-learn",
    "torchmetrics",
    "astropy",
    "timm",
    "transformers",
)


def environment_of(credited: Iterable[Credit]) -> dict[str, Any]:
    """Versions of what computes here: nothing that reveals whose machine it is."""
    packages = {}
    for name in sorted({*_PACKAGES, *(one.package for one in credited)}):
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": packages,
    }
