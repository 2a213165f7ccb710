"""What the findings of a verification rest on, and the tier that each cell has earned by them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from lensbench.leaderboard.board.claims import Provenance
from lensbench.leaderboard.board.manifest import Manifest, Tier
from lensbench.store.records import RESULTS, columns_of


def evidence_of(
    records: pl.DataFrame, provenance: Provenance, manifest: Manifest
) -> dict[str, str]:
    """Digest of what each done cell rests on: its records, predictions and weights."""
    known = columns_of(records["version"][0])
    done = records.filter(pl.col("state") == "done").select(n for n in RESULTS if n in known)
    held = {
        name: file.sha256 for members in manifest.members.values() for name, file in members.items()
    }
    digests = {}
    for (cell,), frame in done.group_by("cell", maintain_order=True):
        fit = provenance["fits"][str(cell)]["inputs"]
        names = (f"fits/{cell}.safetensors", f"weights/{fit['weights']}.safetensors")
        named = [held.get(name, "") for name in names]
        rows = frame.sort("test_dataset", "test_condition", "metric").rows()
        text = json.dumps([rows, manifest.predictions.get(str(cell), ""), named])
        digests[str(cell)] = hashlib.sha256(text.encode()).hexdigest()
    return digests


def digest_of_cell(predictions: Mapping[str, str]) -> str:
    """Digest of all of a cell's predictions.

    Args:
        predictions: The digest of each, by key.
    """
    return hashlib.sha256(json.dumps(sorted(predictions.items())).encode()).hexdigest()


def tiers_of(records: pl.DataFrame, provenance: Provenance, manifest: Manifest) -> dict[str, Tier]:
    """The tier that each done cell has earned."""
    elsewhere = cells_resting_on(records, manifest.elsewhere)
    return manifest.tiers(evidence_of(records, provenance, manifest), elsewhere)


def cells_resting_on(records: pl.DataFrame, names: Iterable[str]) -> frozenset[str]:
    """Cells that have some of these files of predictions."""
    keys = [Path(name).stem for name in names]
    return frozenset(records.filter(pl.col("predictions").is_in(keys))["cell"])
