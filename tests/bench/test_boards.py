"""Time that the page of a published board takes, and its scores computed again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lensbench.cli.leaderboard.evidence import drawing, evidence_of
from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.page import build
from lensbench.verification.published import cells_of
from lensbench.verification.rescoring import rescore

BOARD = Path(__file__).parents[2] / "leaderboards" / "pedagogical"
SHARE = 10
"""Every so many-th cell is scored: the bench multiplies."""


def build_page() -> str:
    evidence = evidence_of(str(BOARD), None)
    with drawing(evidence) as complete:
        return build(complete, evidence.credited)


@pytest.mark.benchmark(timer=time.process_time)
def test_the_page_of_a_board_with_its_gallery(benchmark):
    """Scenes are drawn again for a gallery of every table and condition: ten seconds at most."""
    text = benchmark.pedantic(build_page, rounds=2, warmup_rounds=1)
    assert len(text.encode()) < 10_000_000
    if benchmark.stats:
        assert benchmark.stats.stats.min < 10


@pytest.mark.benchmark(timer=time.process_time)
def test_scores_of_a_board_follow_again(benchmark, tmp_path):
    """All cells on two cores in two minutes: 240 seconds of a processor."""
    board = open_board(BOARD)
    cells = dict(list(cells_of(board.records).items())[::SHARE])
    folders = iter(range(9))

    def score() -> bool:
        found = rescore(board, cells, str(tmp_path / str(next(folders))), 1, lambda *_: None)
        return all(finding.passed for finding in found.values())

    assert benchmark.pedantic(score, rounds=2, warmup_rounds=1)
    if benchmark.stats:
        whole = benchmark.stats.stats.min * len(board.evidence) / len(cells)
        benchmark.extra_info["seconds of all cells"] = whole
        assert whole < 240
