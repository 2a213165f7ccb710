"""Tier *re-scored*: the scores follow from the published predictions and the scenes drawn again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from itertools import repeat
from typing import Any, Literal

import numpy as np
import polars as pl
import torch

from lensbench.api.samples import Samples
from lensbench.cells.deferred import DrawnTargets, can_defer
from lensbench.cells.descriptions import SplitView
from lensbench.cells.images import SceneSet, read_samples
from lensbench.cells.resolved import ResolvedCell
from lensbench.cells.rows import scored_rows
from lensbench.errors import LensbenchError, NoRoomError, RunError
from lensbench.execution.processes import call_made, new_processes
from lensbench.files import StageReport
from lensbench.leaderboard.board.contents import Board
from lensbench.leaderboard.board.layout import shown
from lensbench.leaderboard.board.manifest import Finding
from lensbench.leaderboard.board.texts import plain
from lensbench.store import open_store
from lensbench.study.cell import Cell, View
from lensbench.verification.installation import Installation
from lensbench.verification.published import same_code
from lensbench.verification.scenes import ensure_scenes

TOLERANCE = 1e-6
"""By which a number may differ, relative to the larger: other processors round otherwise."""

RULE = (
    f"every metric, interval and n follows from the predictions to a relative {TOLERANCE:g}, "
    "on test scenes drawn again"
)

EACH = 32
"""Cells at least for each process: beginning one takes as long as some thirty of them."""

_KEPT = 24
"""Sets of test samples that a process keeps open: those of many conditions of a few draws."""

_SAID = ("unit", "higher_is_better", "primary", "n")
_COUNTED = ("value", "low", "high", "chance", "data_range")


class Mismatch(Exception):  # noqa: N818 (a finding, no fault of the program)
    """What was published is not what follows."""


def rescore(
    board: Board,
    cells: Mapping[str, Cell],
    folder: str,
    processes: int,
    report: StageReport,
) -> dict[str, Finding]:
    """Scores cells again; findings and their order do not depend on the number of processes.

    Images and skies that metrics are sure to look at are drawn first, each set of scenes once for
    all cells. Then cells are scored. Where metrics look at targets alone, the parameters of scenes
    are drawn, and nothing is rendered.

    Args:
        board: The board.
        cells: The cells to score, by key.
        folder: Of a store in which scenes are drawn; what it has already is trusted, so it should
            be new.
        processes: At work at most; with one, this one.
        report: Told of each set of scenes and of each cell.

    Raises:
        RunError: Where a process was killed.
    """
    findings: dict[str, Finding] = {}
    processes = min(processes, len(cells) // EACH)
    with _scorers(board, folder, processes) as scorers:
        jobs = scene_jobs(cells)
        for number, _ in enumerate(scorers(repeat("draw"), jobs), 1):
            report("drawing test scenes", number, len(jobs), "")
        scored = scorers(repeat("score"), cells.items())
        for number, ((key, cell), (passed, note)) in enumerate(
            zip(cells.items(), scored, strict=True), 1
        ):
            evidence = board.evidence[key]
            findings[key] = Finding(passed=passed, evidence=evidence, note=plain(note, 300))
            report("scoring cells again", number, len(cells), f"{cell.entrant.label}, {cell.task}")
    return findings


Job = tuple[tuple[str, Cell], ...]
"""Cells that between them have every layer of one set of test scenes."""


def scene_jobs(cells: Mapping[str, Cell]) -> list[Job]:
    """Cells to draw test scenes for: one of those that are tested alike, a job for each draw."""
    alike: dict[tuple[Any, ...], tuple[str, Cell]] = {}
    for key, cell in cells.items():
        alike.setdefault(
            (cell.seeds.draw, cell.task, cell.tests, cell.target, cell.budget), (key, cell)
        )
    jobs: dict[tuple[int, frozenset[str]], list[tuple[str, Cell]]] = {}
    for (draw, _, tests, *_), one in alike.items():
        jobs.setdefault((draw, frozenset(view.dataset for view in tests)), []).append(one)
    return [tuple(job) for job in jobs.values()]


@contextmanager
def _scorers(board: Board, folder: str, processes: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """What maps the work of a scorer over processes, or over this one where it is alone."""
    if processes <= 1:
        scorer = _Scorer(board, folder)
        yield lambda *works: map(scorer, *works)
        return
    bare = replace(board)  # without what this process has worked out of it
    pool = new_processes(processes, torch.get_num_threads(), _Scorer, bare, folder)
    try:
        yield lambda *works: pool.map(call_made, *works)
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
        self._samples: dict[tuple[str, str], Samples] = {}
        self._targets: dict[SceneSet, DrawnTargets] = {}
        done = board.records.filter(pl.col("predictions").is_not_null())
        self._rows = done.partition_by("cell", as_dict=True)

    def __call__(self, task: Literal["draw", "score"], work: Any) -> Any:
        """Does one piece of work."""
        return self.draw(work) if task == "draw" else self.score(*work)

    def draw(self, job: Job) -> None:
        """Draws the scenes of cells under all conditions of theirs, in one pass for each dataset.

        Images that perhaps no metric looks at are left out. What cannot be drawn is left to the
        scoring, which says so of each cell.
        """
        try:
            tests = [
                test for key, cell in job for test in self.here.as_claimed(key).resolve(cell).tests
            ]
            ensure_scenes(self.store, [test for test in tests if not can_defer(test)])
        except NoRoomError:
            raise
        except Exception:
            return

    def score(self, key: str, cell: Cell) -> tuple[bool, str]:
        """Whether a cell agrees, and how well or why not."""
        try:
            return True, self._rescored(key, cell)
        except Mismatch as mismatch:
            return False, str(mismatch)
        except NoRoomError:
            raise  # no fault of the board
        except LensbenchError as error:
            return False, error.message
        except Exception as error:  # metrics are plugins and may raise anything
            return False, f"{type(error).__name__}: {error}"

    def _rescored(self, key: str, cell: Cell) -> str:
        """Says how a cell agrees.

        Raises:
            Mismatch: Where it does not.
        """
        resolved = self.here.as_claimed(key).resolve(cell)
        note = _checked_key(self.board, key, resolved)
        rows = self._rows[(key,)].partition_by("test_dataset", "test_condition", as_dict=True)
        for test in resolved.tests:
            view = test.view
            records = rows[view.dataset, view.condition]
            here = self.board.predictions(records["predictions"][0])
            if here is None:
                raise Mismatch(f"predictions under {view.condition} are not in the board")
            ids, predictions = here
            samples = self._of(test, resolved.tests)
            check_scenes(ids, samples, view)
            again, by_scene = scored_rows(resolved, test, samples, predictions)
            done = records.filter(pl.col("state") == "done")
            _compare(done, [row for row in again if row["state"] == "done"], view)
            _compare_by_scene(self.board, key, by_scene, view)
        return note

    def _of(self, test: SplitView, tests: Sequence[SplitView]) -> Samples:
        """The samples of one of the tests of a cell; those that were asked for last are kept."""
        wanted = test.images.key, test.sky.key if test.sky else ""
        if wanted not in self._samples:
            while len(self._samples) >= _KEPT:
                del self._samples[next(iter(self._samples))]
            self._samples[wanted] = self._drawn(test, tests)
        return self._samples[wanted]

    def _drawn(self, test: SplitView, tests: Sequence[SplitView]) -> Samples:
        def seen() -> Samples:
            ensure_scenes(self.store, tests)
            return read_samples(self.store, test.scenes, test.images, test.sky)

        if not can_defer(test):
            return seen()
        if test.scenes not in self._targets:
            self._targets[test.scenes] = DrawnTargets.of(test.scenes)
        return self._targets[test.scenes].samples(test.images.condition, lambda: seen().images)


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


def _checked_key(board: Board, key: str, resolved: ResolvedCell) -> str:
    """Where the same code is here, the cell's key has to come out again."""
    if not same_code(board, key, resolved):
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
