"""From published records back to cells, and from cells to what a board says of them."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from lensbench.cells.resolved import Keys, Parts
from lensbench.errors import StoreError
from lensbench.leaderboard.citations import Credit
from lensbench.store import Store, key_of
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


def numerics_of(records: pl.DataFrame) -> Numerics:
    """How records were computed, as far as they say."""
    row = records.row(0, named=True)
    return Numerics(row["device"], row["threads"], row["processes"] or 1)


def provenance_of(
    parts: Parts, store: Store, cells: Mapping[str, Cell]
) -> dict[str, dict[str, Any]]:
    """What every key of these cells was made from: as the store says, or as it follows from here.

    Raises:
        StoreError: Where a cell was made by other code and the store no longer says how.
    """
    found: dict[str, dict[str, Any]] = {
        kind: {} for kind in ("predictions", "fits", "weights", "images", "skies")
    }
    for key, cell in cells.items():
        keys = parts.keys(cell)
        fit = _described(store, "fits", key, parts.describe_fit(cell, keys))
        found["fits"][key] = fit
        weights = fit["inputs"]["weights"]
        if weights:
            now = parts.describe_weights(cell, keys.pretraining)
            found["weights"][weights] = _described(store, "weights", weights, now)
        for kind, one, description in _pieces(parts, cell, keys):
            found[kind][one] = description
        for one in fit["inputs"]["images"]:
            if one not in found["images"]:
                found["images"][one] = _described(store, "images", one, {})
    plain: dict[str, dict[str, Any]] = canonical(found)
    return plain


def _pieces(parts: Parts, cell: Cell, keys: Keys) -> Iterable[tuple[str, str, Any]]:
    """Images, skies and predictions of a cell as they follow from here."""
    views = [(cell.train, "train"), (cell.train, "validation")]
    views += [(view, "test") for view in cell.tests]
    views += [(view, "pretraining") for view in cell.pretraining]
    views += [(cell.target, "train")] if cell.target else []
    for view, split in views:
        wanted = parts.image_set(*parts.group(cell, view, split))
        described = wanted.describe(parts.piece(view.condition), parts.code)
        yield "images", key_of(described), described
        if parts.has_sky(cell, split):
            sky = wanted.describe(parts.piece(view.condition, cell.task), parts.code)
            yield "skies", key_of(sky), sky
    for key, images in zip(keys.predictions, keys.tests, strict=True):
        yield (
            "predictions",
            key,
            {"kind": "predictions", "inputs": {"fits": keys.fit, "images": images}},
        )


def _described(store: Store, kind: str, key: str, now: Mapping[str, Any]) -> Any:
    if key_of(now) == key:
        return now
    stored = store.describe(kind, key)
    if stored is None:
        raise StoreError(
            f"the store does not say what {kind} {key} were made from",
            "publish with the versions that computed it, or run the study again",
        )
    return stored["from"]


_PACKAGES = (
    "lensbench", "torch", "numpy", "polars", "pyarrow", "h5py", "safetensors", "scikit-learn",
    "torchmetrics", "astropy", "timm", "transformers",
)  # fmt: skip


def environment_of(credited: Iterable[Credit]) -> dict[str, Any]:
    """Versions of what computes here: nothing that tells whose machine it is."""
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
