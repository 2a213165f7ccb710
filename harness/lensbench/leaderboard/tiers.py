"""The tiers that rows of a board have earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from lensbench.leaderboard.board import evidence
from lensbench.leaderboard.board.layout import MANIFEST, PROVENANCE
from lensbench.leaderboard.board.manifest import TIERS, read_manifest
from lensbench.leaderboard.board.reading import read_json, reading
from lensbench.leaderboard.seeds import BY


def tiers_of(folder: Path, records: pl.DataFrame) -> dict[str, str]:
    """The tier of each done cell as a board's manifest has it; none where there is no manifest.

    A tier is of these very records: of others than were checked it is not. Other files are not
    looked at, which is what `open_board` does.

    Args:
        folder: Of the board.
        records: All of its records.

    Raises:
        DataError: Where the manifest or the descriptions cannot be read.
    """
    if not (folder / MANIFEST).is_file():
        return {}
    provenance = read_json(folder / PROVENANCE, PROVENANCE)
    with reading(PROVENANCE, "descriptions"):
        return dict(evidence.tiers_of(records, provenance, read_manifest(folder)))


def with_tiers(
    rows: pl.DataFrame, records: pl.DataFrame, tiers: Mapping[str, str], by: Sequence[str] = BY
) -> pl.DataFrame:
    """Rows with a column `tier`: the lowest that any cell behind a row has earned, or empty text.

    Args:
        rows: From `over_seeds`, or the records themselves.
        records: What they are made from, a row a seed.
        tiers: By cell.
        by: Columns in which records of one row agree.
    """
    ranks = {cell: TIERS.index(tier) for cell, tier in tiers.items()}
    rank = pl.col("cell").replace_strict(ranks, default=None, return_dtype=pl.Int64)
    lowest = rank.min().replace_strict(dict(enumerate(TIERS)), default="", return_dtype=pl.String)
    known = records.group_by(by).agg(lowest.alias("tier"))
    return rows.join(known, on=list(by), how="left", nulls_equal=True, maintain_order="left")
