"""Tier *re-scored*: the scores follow from the published predictions and the scenes drawn again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import polars as pl
import torch

from lensbench.api.samples import Samples
from lensbench.cells.resolved import Resolver
from lensbench.cells.rows import done_rows
from lensbench.errors import LensbenchError, RunError
from lensbench.execution.processes import call_made, new_processes
from lensbench.leaderboard.board.contents import Board
from lensbench.leaderboard.board.layout import shown
from lensbench.leaderboard.board.manifest import Finding
from lensbench.leaderboard.board.texts import plain
from lensbench.store import Store, open_store
from lensbench.study.cell import Cell, View
from lensbench.verification.installation import Installation
from lensbench.verification.scenes import draw_tests

TOLERANCE = 1e-6
"""By which a number may differ, relative to the larger: other processors round otherwise."""

RULE = (
    f"every metric, interval and n follows from the predictions to a relative {TOLERANCE:g}, "
    "on test scenes drawn again"
)

EACH = 32
"""Cells at least for each process: beginning one takes as long as some thirty of them."""

_SAID = ("unit", "higher_is_better", "primary", "n")
_COUNTED = ("value", "low", "high", "chance", "data_range")


class Mismatch(Exception):  # noqa: N818 (a finding, no fault of the program)
    """What was published is not what follows."""


def rescore(
    board: Board,
    cells: Mapping[str, Cell],
    folder: str,
    processes: int,
    report: Callable[[str], None],
) -> dict[str, Finding]:
    """Scores cells again; findings and their order do not depend on the number of processes.

    Args:
        board: The board.
        cells: The cells to score, by key.
        folder: Of a store in which scenes are drawn; what it has already is trusted, so it should
            be new.
        processes: At work at most; with one, this one.
        report: Told what is being done.

    Raises:
        RunError: Where a process was killed.
    """
    findings: dict[str, Finding] = {}
    scored = zip(cells.items(), _all_scored(board, cells, folder, processes), strict=True)
    for name, alike in groupby(scored, key=lambda one: _named(one[0][1])):
        for (key, _), (passed, note) in alike:
            evidence = board.evidence[key]
            findings[key] = Finding(passed=passed, evidence=evidence, note=plain(note, 300))
        report(f"scored {name} again: {len(findings)} of {len(cells)} cells")
    return findings


def _named(cell: Cell) -> str:
    return f"{cell.entrant.label} on {cell.task}"


def _all_scored(
    board: Board, cells: Mapping[str, Cell], folder: str, processes: int
) -> Iterator[tuple[bool, str]]:
    """Whether each cell agrees, and how well, in their order."""
    processes = min(processes, len(cells) // EACH)
    if processes <= 1:
        scorer = _Scorer(board, folder)
        yield from (scorer(key, cell) for key, cell in cells.items())
        return
    bare = replace(board)  # without what this process has worked out of it
    pool = new_processes(processes, torch.get_num_threads(), _Scorer, bare, folder)
    try:
        yield from pool.map(call_made, cells, cells.values())
    except BrokenProcessPool as error:
        raise RunError("a process was killed", "try fewer --processes") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Scorer:
    """Scores cells of a board, drawing scenes into a store that others may fill as well."""

    def __init__(self, board: Board, folder: str) -> None:
        self.board = board
        self.here = Installation(board.provenance)
        self.store = open_store(folder)

    def __call__(self, key: str, cell: Cell) -> tuple[bool, str]:
        """Whether a cell agrees, and how well or why not."""
        try:
            return True, _rescored(self.board, key, cell, self.here.as_claimed(key), self.store)
        except Mismatch as mismatch:
            return False, str(mismatch)
        except LensbenchError as error:
            return False, error.message
        except Exception as error:  # metrics are plugins and may raise anything
            return False, f"{type(error).__name__}: {error}"


def _rescored(board: Board, key: str, cell: Cell, resolver: Resolver, store: Store) -> str:
    """Says how a cell agrees.

    Raises:
        Mismatch: Where it does not.
    """
    rows = board.records.filter((pl.col("cell") == key) & pl.col("predictions").is_not_null())
    note = _same_code(board, key, cell, resolver)
    samples = draw_tests(resolver, store, cell)
    resolved = resolver.resolve(cell)
    for test in resolved.tests:
        view = test.view
        its = rows.filter(
            (pl.col("test_dataset") == view.dataset) & (pl.col("test_condition") == view.condition)
        )
        here = board.predictions(its["predictions"][0])
        if here is None:
            raise Mismatch(f"predictions under {view.condition} are not in the board")
        ids, predictions = here
        check_scenes(ids, samples[view], view)
        again, by_scene = done_rows(resolved, test, samples[view], predictions, {})
        done = its.filter(pl.col("state") == "done")
        _compare(done, [row for row in again if row["state"] == "done"], view)
        _compare_by_scene(board, key, by_scene, view)
    return note


def check_scenes(ids: list[str], samples: Samples, view: View) -> None:
    """Refuses predictions of other scenes than the test scenes, in their order.

    Raises:
        Mismatch: Naming a scene.
    """
    if tuple(ids) == samples.ids:
        return
    strange = [scene for scene in ids if scene not in set(samples.ids)]
    lacking = [scene for scene in samples.ids if scene not in set(ids)]
    if strange:
        raise Mismatch(
            f"predictions under {view.condition} are of {shown(strange[0])}, "
            "which is no test scene of this draw"
        )
    if lacking:
        raise Mismatch(f"predictions under {view.condition} lack scene {shown(lacking[0])}")
    raise Mismatch(f"predictions under {view.condition} are in another order than the scenes")


def _same_code(board: Board, key: str, cell: Cell, resolver: Resolver) -> str:
    """Where the same code is here, the cell's key has to come out again."""
    resolved = resolver.resolve(cell)
    if resolved.describe_fit()["code"] != board.provenance["fits"][key]["code"]:
        return "made by other versions than are installed here"
    if resolved.fit != key:
        raise Mismatch("the cell's key does not follow from what its records say")
    return "made by the versions installed here"


def _compare(rows: pl.DataFrame, again: list[dict[str, Any]], view: View) -> None:
    said = {row["metric"]: row for row in rows.iter_rows(named=True)}
    follows = {row["metric"]: row for row in again}
    if set(said) != set(follows):
        odd = min(set(said) ^ set(follows))
        raise Mismatch(f"metric {shown(odd)} under {view.condition} is published or follows alone")
    for metric, row in follows.items():
        for name in _SAID:
            if said[metric][name] != row[name]:
                raise Mismatch(_told(metric, view, name, said[metric][name], row[name]))
        for name in _COUNTED:
            if not _close(said[metric][name], row[name]):
                raise Mismatch(_told(metric, view, name, said[metric][name], row[name]))


def _compare_by_scene(board: Board, key: str, again: list[dict[str, Any]], view: View) -> None:
    """Holds scores by scene, where they were published, against what follows."""
    for row in again:
        what = (key, view.dataset, view.condition, row["metric"])
        if what not in board.scores:
            continue
        if not agrees_by_scene(board.scores[what], row["scenes"], row["values"]):
            raise Mismatch(
                f"{row['metric']} by scene under {view.condition} does not follow from the "
                "predictions"
            )


def agrees_by_scene(
    published: tuple[str, np.ndarray], scenes: str, again: np.ndarray, near: float = 1e-6
) -> bool:
    """Whether scores are of the same scenes and the same, but for what is `near`."""
    said, values = published
    same = said == scenes and values.shape == again.shape
    return same and np.allclose(values, again, rtol=1e-4, atol=near, equal_nan=True)


def _told(metric: str, view: View, name: str, said: Any, follows: Any) -> str:
    return (
        f"{name} of {metric} under {view.condition} is published as {said}, "
        f"the predictions give {follows}"
    )


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.isclose(one, other, rtol=TOLERANCE, atol=1e-9))
