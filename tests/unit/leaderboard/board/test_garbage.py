"""Mutated files of every kind, read as `verify` reads them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lensbench.leaderboard.board.writing import write_board

EACH = 1500
"""Cases of each of nine kinds."""


@pytest.mark.slow
def test_garbage(make_contents, tmp_path):
    """13,500 mutated files end in values or in one line: no traceback, no crash, no hang."""
    board = write_board(make_contents("spectrum-logreg"), tmp_path / "board")
    images = write_board(make_contents("bicubic", images=True), tmp_path / "images")
    (source,) = (images.folder / "predictions").iterdir()
    (board.folder / "predictions").mkdir()
    source.rename(board.folder / "predictions" / source.name)
    (tmp_path / "out").mkdir()
    worker = Path(__file__).with_name("fuzz_worker.py")
    ended = subprocess.run(
        [sys.executable, "-W", "error", worker, board.folder, tmp_path / "out", str(EACH), "0"],
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    refused = json.loads(ended.stdout)
    assert len(refused) == 9
    for name, count in refused.items():
        assert count > EACH / 10, name
