"""The page that a person meets first in a board's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from lensbench.leaderboard.board.manifest import Manifest
from lensbench.leaderboard.board.texts import escaped, plain


def readme_text(
    records: pl.DataFrame,
    study: Mapping[str, Any],
    citations: Sequence[Mapping[str, str]],
    manifest: Manifest,
    reading: str = "",
) -> str:
    """What the board is, how to check it and whom to cite; with the card that data hubs read.

    Args:
        records: All of them.
        study: Its study, as plain values.
        citations: Whom to cite.
        manifest: Licence, what lies elsewhere and whether the board was withdrawn.
        reading: What somebody reads from it, in Markdown.
    """
    name = str(study["name"])
    done = records.filter(pl.col("state") == "done")
    cited = dict.fromkeys(
        f"- `{credit['name']}` ({credit['kind']}): {escaped(credit['citation'])}"
        for credit in citations
        if credit.get("citation")
    )
    summary = escaped(plain(str(study.get("summary", ""))))
    licence = manifest.licence
    return "\n".join(
        [
            "---",
            f"license: {licence.lower()}",
            "tags:",
            "- lensbench",
            "- gravitational-lensing",
            "---",
            "",
            f"# {name}",
            "",
            *_withdrawn(manifest),
            *([summary, ""] if summary else []),
            f"A leaderboard of lensbench: {done['entrant'].n_unique()} entrants, "
            f"{done['cell'].n_unique()} fits, {done['task'].n_unique()} tasks, "
            f"budget `{records['budget'][0]}`, {len(records)} records.",
            "",
            "`records.parquet` has the scores. They were computed from the archive of each task: "
            "predictions, scores by scene and fits. `manifest.json` has the SHA-256 of every file "
            "and what was verified.",
            "",
            *_elsewhere(manifest),
            "```",
            "lensbench leaderboard verify .",
            "```",
            "",
            *([reading.strip(), ""] if reading else []),
            f"Licence: {licence}. Please cite:",
            "",
            *cited,
            "",
        ]
    )


def _withdrawn(manifest: Manifest) -> list[str]:
    """A paragraph on why the board no longer counts; none where it does."""
    if manifest.withdrawn is None:
        return []
    reason, successor = manifest.withdrawn.reason, manifest.withdrawn.successor
    text = f"**Withdrawn:** {escaped(reason)}."
    return [text + (f" Its successor is {escaped(successor)}." if successor else ""), ""]


def _elsewhere(manifest: Manifest) -> list[str]:
    """A paragraph on predictions that are not in the board; none where all are."""
    files = manifest.elsewhere.values()
    if not files:
        return []
    size = sum(file.size for file in files) / 1e9
    where = "".join(f"\n- {mirror}" for mirror in manifest.mirrors)
    return [
        f"{len(files)} files of predictions, {size:.2g} GB, are kept elsewhere; the board has "
        "their SHA-256. Their rows can be run again, and be scored again once the files are in "
        "`predictions/`." + (" They are at:" + where if where else ""),
        "",
    ]
