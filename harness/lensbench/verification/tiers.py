"""Verifies a board tier by tier: reported, re-scored, re-run and fresh."""

from __future__ import annotations

import datetime
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

import lensbench
from lensbench.errors import LensbenchError
from lensbench.files import StageReport
from lensbench.leaderboard.board.contents import Board
from lensbench.leaderboard.board.manifest import Check, Finding, Tier, write_manifest
from lensbench.store import open_store
from lensbench.store.claims import temporary_folder
from lensbench.study.cell import Cell
from lensbench.verification import fresh, rerunning, rescoring
from lensbench.verification.completeness import absent_cells, shared_predictions
from lensbench.verification.installation import Installation
from lensbench.verification.published import cells_of


@dataclass(frozen=True)
class VerificationRequest:
    """What to verify.

    Attributes:
        rescore: Whether scores are computed again from the predictions.
        sample: Number of cells that are scored again, drawn by the seed; all where `None`.
        rerun: Number of cells that are run again.
        seed: Random seed by which these cells are drawn.
        tolerance: Largest difference of a repeated score, in half widths of its interval.
        fresh: Whether published weights are tested on fresh scenes.
        level: Probability of any false alarm there.
        processes: Number of processes that score.
    """

    rescore: bool = True
    sample: int | None = None
    rerun: int = 0
    seed: int = 0
    tolerance: float = 0.5
    fresh: bool = False
    level: float = 0.01
    processes: int = 1


@dataclass(frozen=True)
class VerificationResult:
    """The findings of a verification.

    Attributes:
        checks: One for each tier, in order.
        untried: Why cells could not be tested on fresh scenes, by key.
        absent: Cells of the study that the board lacks.
        uncounted: Why these could not be looked for; empty where they could.
        shared: Entrants with the same predictions, and on how many tests.
    """

    checks: tuple[Check, ...]
    untried: Mapping[str, str]
    absent: tuple[Cell, ...] = ()
    uncounted: str = ""
    shared: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every cell that was checked passed, and none is absent."""
        return not self.absent and all(
            finding.passed for check in self.checks for finding in check.cells.values()
        )


def verify(board: Board, wanted: VerificationRequest, report: StageReport) -> VerificationResult:
    """Checks one tier after another; a cell that failed one is left out of the next.

    Args:
        board: A board that was opened, and so is *reported*.
        wanted: What to verify.
        report: Called with each cell.
    """
    here = Installation(board.provenance)
    cells = cells_of(board.records.filter(pl.col("state") == "done"))
    reported = {key: Finding(passed=True, evidence=board.evidence[key]) for key in cells}
    rule = "every file is what the manifest says, and no claim contradicts another"
    checks = [_check("reported", reported, rule)]
    untried: Mapping[str, str] = {}
    absent: tuple[Cell, ...] = ()
    uncounted = ""
    if wanted.rescore:
        try:
            absent = absent_cells(board)
        except LensbenchError as error:
            uncounted = error.message
        with temporary_folder() as folder:
            here_too = {
                key: cell for key, cell in cells.items() if key not in board.without_predictions
            }
            if wanted.sample is not None:
                drawn = rerunning.draw_cells(here_too, wanted.sample, wanted.seed)
                here_too = {key: cell for key, cell in here_too.items() if key in drawn}
            found = rescoring.rescore(board, here_too, str(folder), wanted.processes, report)
            seed = None if wanted.sample is None else wanted.seed
            checks.append(_check("re-scored", found, rescoring.RULE, seed))
            cells = _left(cells, found)
    if wanted.rerun and cells:
        chosen = rerunning.draw_cells(cells, wanted.rerun, wanted.seed)
        found = rerunning.rerun(board, chosen, here, wanted.tolerance, report)
        rule = rerunning.RULE.format(tolerance=wanted.tolerance)
        checks.append(_check("re-run", found, rule, wanted.seed))
        cells = _left(cells, found)
    if wanted.fresh and cells:
        seed = unknowable_seed()
        with temporary_folder() as folder:
            draw = fresh.FreshDraw(board, open_store(folder), seed)
            result = fresh.check_fresh(draw, cells, here, wanted.level, report)
        rule = fresh.RULE.format(level=wanted.level)
        checks.append(_check("fresh", result.findings, rule, seed))
        untried = result.untried
    shared = shared_predictions(board) if wanted.rescore else {}
    return VerificationResult(tuple(checks), untried, absent, uncounted, shared)


def write_checks(board: Board, checks: tuple[Check, ...]) -> None:
    """Writes checks into a board's manifest, behind those that are there.

    Of the cheaper tiers the latest finding of each cell is kept; of fresh scenes every one.
    """
    kept = []
    for old in board.manifest.checks:
        again = {key for new in checks if new.tier == old.tier != "fresh" for key in new.cells}
        left = {key: finding for key, finding in old.cells.items() if key not in again}
        if left:
            kept.append(old.model_copy(update={"cells": left}))
    new = (*kept, *(check for check in checks if check.cells))
    write_manifest(board.folder, board.manifest.model_copy(update={"checks": new}))


def caught(total: int, sample: int, chance: float = 0.95) -> int:
    """The fewest wrong cells of a board of which a sample has one with this probability.

    Args:
        total: Cells of the board.
        sample: Cells that are drawn without replacement.
        chance: Probability that at least one wrong cell is drawn.
    """
    for wrong in range(1, total):
        missed = math.comb(total - wrong, sample) / math.comb(total, sample)
        if missed <= 1 - chance:
            return wrong
    return total


def unknowable_seed() -> int:
    """A seed that nobody could have known before."""
    return int.from_bytes(os.urandom(7), "big")


def _left(cells: Mapping[str, Cell], found: Mapping[str, Finding]) -> dict[str, Cell]:
    return {key: cell for key, cell in cells.items() if key not in found or found[key].passed}


def _check(
    tier: Tier, findings: Mapping[str, Finding], rule: str, seed: int | None = None
) -> Check:
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Check(
        tier=tier,
        date=now,
        lensbench=lensbench.__version__,
        seed=seed,
        rule=rule,
        cells=dict(findings),
    )
