"""A command that is told to end leaves nothing in the temporary folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.killing import PATIENCE

BOARD = Path(__file__).resolve().parents[2] / "leaderboards" / "look-alikes"


@pytest.mark.slow
def test_a_terminated_verify_leaves_no_scenes(tmp_path):
    """SIGTERM, as a scheduler sends it: one line, and the scenes are gone."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    words = ["leaderboard", "verify", str(BOARD), "--no-write"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from lensbench.cli import main; main()", *words],
        env=os.environ | {"TMPDIR": str(temporary)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if list(temporary.glob("lensbench-*/*/*")):
            break
        time.sleep(0.01)
    assert list(temporary.glob("lensbench-*/*/*")), "no scenes were drawn"
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and "stopped" in said and "Traceback" not in said
    assert [path for path in temporary.rglob("*") if not path.name.startswith("lensbench-")] == []
