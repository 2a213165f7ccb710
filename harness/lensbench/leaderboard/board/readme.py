"""The page that a person meets first in a board's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from lensbench.leaderboard.board.manifest import File
from lensbench.leaderboard.board.texts import escaped, plain


def readme_text(
    records: pl.DataFrame,
    study: Mapping[str, Any],
    citations: Sequence[Mapping[str, str]],
    licence: str,
    reading: str = "",
    elsewhere: Sequence[File] = (),
) -> str:
    """What the board is, how to check it and whom to cite; with the card that data hubs read."""
    name = str(study["name"])
    done = records.filter(pl.col("state") == "done")
    cited = dict.fromkeys(
        f"- `{credit['name']}` ({credit['kind']}): {escaped(credit['citation'])}"
        for credit in citations
        if credit.get("citation")
    )
    summary = escaped(plain(str(study.get("summary", ""))))
    lacking = (
        f"{len(elsewhere)} files of predictions, {sum(file.size for file in elsewhere) / 1e9:.2g} "
        "GB, are not here but their SHA-256: their rows can be run again, and be scored again once "
        "the files are in `predictions/`."
    )
    return "\n".join(
        [
            "---", f"license: {licence.lower()}", "tags:", "- lensbench",
            "- gravitational-lensing", "---", "",
            f"# {name}", "", *([summary, ""] if summary else []),
            f"A leaderboard of lensbench: {done['entrant'].n_unique()} entrants, "
            f"{done['cell'].n_unique()} fits, {done['task'].n_unique()} tasks, "
            f"budget `{records['budget'][0]}`, {len(records)} records.", "",
            "`records.parquet` has the scores, `predictions/` what they follow from, "
            "`manifest.json` the SHA-256 of every file and what was verified.", "",
            *([lacking, ""] if elsewhere else []),
            "```", "lensbench leaderboard verify .", "```", "",
            *([reading.strip(), ""] if reading else []),
            f"Licence: {licence}. Please cite:", "", *cited, "",
        ]
    )  # fmt: skip
