"""Tier *re-run*: cells drawn by a stated seed are computed again from nothing, and agree."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
import torch

from lensbench.cells.computation import Computation, Workplace
from lensbench.cells.resolved import ResolvedCell
from lensbench.errors import LensbenchError, NoRoomError, RunError
from lensbench.files import StageReport
from lensbench.leaderboard.board.contents import Board
from lensbench.leaderboard.board.manifest import Finding
from lensbench.leaderboard.board.texts import plain
from lensbench.store import open_store
from lensbench.store.claims import temporary_folder
from lensbench.store.records import read_records
from lensbench.study.cell import Cell
from lensbench.study.describe import Numerics
from lensbench.verification.installation import Installation
from lensbench.verification.published import other_code

RULE = (
    "every score is the same, or differs by less than {tolerance:g} of its interval's half width "
    "where another machine rounds otherwise; where it is the same, so is how the fit ended"
)

_VIEW = ("test_dataset", "test_condition", "metric")
_WITH_ENDS = 4
"""Version of records from which on they say how a fit ended."""


def draw_cells(cells: Mapping[str, Cell], count: int, seed: int) -> dict[str, Cell]:
    """So many cells, drawn by a seed from all in the order of their keys."""
    chosen = random.Random(seed).sample(sorted(cells), min(count, len(cells)))
    return {key: cells[key] for key in chosen}


def rerun(
    board: Board,
    cells: Mapping[str, Cell],
    here: Installation,
    tolerance: float,
    report: StageReport,
) -> dict[str, Finding]:
    """Computes cells again in a store that is new and goes at the end.

    Args:
        board: The board.
        cells: The cells to run, by key.
        here: The plugins.
        tolerance: By which a score may differ, in half widths of its interval.
        report: Told of each cell.
    """
    findings = {}
    with temporary_folder() as folder:
        for number, (key, cell) in enumerate(cells.items(), 1):
            report(
                "running cells again", number - 1, len(cells), f"{cell.entrant.label}, {cell.task}"
            )
            try:
                resolver = here.for_work(key)
                resolved = resolver.resolve(cell)
                again = _computed(resolved, resolver.numerics, folder)
                passed, note = _agreement(board, key, again, tolerance)
                if other := other_code(board, key, resolved):
                    note += f"; it was made with {other}"
            except NoRoomError:
                raise  # no fault of the board
            except LensbenchError as error:
                passed, note = False, error.message
            except Exception as error:  # plugins may raise anything
                passed, note = False, f"{type(error).__name__}: {error}"
            findings[key] = Finding(
                passed=passed, evidence=board.evidence[key], note=plain(note, 300)
            )
    return findings


def _computed(resolved: ResolvedCell, numerics: Numerics, folder: Path) -> pl.DataFrame:
    store = open_store(folder)
    torch.set_num_threads(numerics.threads)
    Computation(resolved, Workplace(store, numerics, lambda *_: None)).records()
    path = store.find("records", resolved.records)
    if path is None:
        raise RunError("the records vanished from the temporary store")
    return read_records([Path(path)])


def _agreement(board: Board, key: str, again: pl.DataFrame, tolerance: float) -> tuple[bool, str]:
    """Whether a cell's scores agree, and how well.

    Scores without an interval, such as errors of calibration, may jump by the rounding of another
    processor. They decide only where no score has one: from the predictions they follow exactly,
    which is what `re-scored` checks.
    """
    said = board.records.filter((pl.col("cell") == key) & (pl.col("state") == "done"))
    done = again.filter(pl.col("state") == "done")  # some metrics are undefined, both times
    joined = said.join(done, on=_VIEW, how="full", coalesce=True, suffix="_again")
    if joined["value"].null_count() or joined["value_again"].null_count():
        return False, "it has other tests or metrics"
    far = (joined["value"] - joined["value_again"]).abs().to_numpy()
    half = ((joined["high"] - joined["low"]) / 2).fill_null(0.0).to_numpy()  # of one scene: none
    if not far.any() and (joined["n"] == joined["n_again"]).all():
        version, *ends = joined.select("version", "stopped_fit", "stopped_fit_again").row(0)
        if version >= _WITH_ENDS and ends[0] != ends[1]:
            return False, f"the fit is published as {ends[0]}, run again it ended as {ends[1]}"
        return True, "the same to the last digit"
    if half.any():
        far = np.where(half > 0, far, 0.0)
    worst = int(np.argmax(far - tolerance * half))
    row = joined.row(worst, named=True)
    told = (
        f"{row['metric']} under {row['test_condition']}: published {row['value']:.6g}, "
        f"run again {row['value_again']:.6g}"
    )
    return bool(far[worst] <= tolerance * half[worst] + 1e-6), told
