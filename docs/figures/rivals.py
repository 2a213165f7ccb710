# ruff: noqa: T201 (it prints a table)
"""Prints how far one entrant of runs is ahead of each of the others, difference by difference.

    python docs/figures/rivals.py RUN[,RUN…] ENTRANT [STORE]

Differences are paired by scene and counted over draws, as `lensbench leaderboard compare` has
them, here in one correction (Holm) for all runs, rivals, tasks and conditions together.
"""

from __future__ import annotations

import sys

import numpy as np
from tabulate import tabulate

from lensbench.errors import UsageError
from lensbench.leaderboard.comparisons import Change, compare_entrants
from lensbench.leaderboard.contenders import NAME, with_notes
from lensbench.leaderboard.source import Source, open_source
from lensbench.stats.multiplicity import holm
from lensbench.store import open_store


def main(runs: str, entrant: str, store: str = ".lensbench") -> None:
    """The table."""
    sources = [open_source(run, lambda: open_store(store)) for run in runs.split(",")]
    named = [
        (source, with_notes(source.records.collect()).select(NAME)["name"].unique().sort())
        for source in sources
    ]
    if not all(entrant in names for _, names in named):
        raise UsageError(f"not every run has an entrant {entrant!r}", "as tables name it")
    found = [
        (name, change.where, change.difference)
        for source, names in named
        for name in names
        if name != entrant
        for change in _changes(source, name, entrant)
        if change.difference is not None
    ]
    found.sort(
        key=lambda item: (
            item[1]["task"],
            str(item[1]["labels"] or "all"),
            item[1]["test_condition"] != item[1]["train_condition"],
            item[1]["test_condition"],
            item[0],
        )
    )
    corrected = holm(np.array([difference.p for _, _, difference in found]))
    rows = [
        [
            where["task"], where["labels"] or "all", name, where["test_condition"],
            f"{interval.value:+.4f}", f"[{interval.low:+.4f}, {interval.high:+.4f}]", f"{p:.2g}",
        ]
        for (name, where, interval), p in zip(found, corrected, strict=True)
    ]  # fmt: skip
    print(f"{entrant} less each of the others\n")
    print(tabulate(
        rows,
        ["task", "labels", "rival", "condition", "difference", "95 % interval", "p (Holm)"],
        disable_numparse=True,
    ))  # fmt: skip


def _changes(source: Source, rival: str, entrant: str) -> list[Change]:
    """All changes from a rival to the entrant; none where they were never asked the same."""
    try:
        return compare_entrants(source, rival, entrant)
    except UsageError:
        return []


if __name__ == "__main__":
    main(*sys.argv[1:])
