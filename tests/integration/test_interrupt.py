"""Ctrl-C stops a run cleanly."""

import os
import signal
import subprocess
import sys


def test_an_interrupted_run_says_how_to_go_on_and_leaves_no_rubbish(tmp_path):
    """Exit 130, one line, no temporary file; what was finished is there for the next call."""
    command = [
        sys.executable, "-c", "from lensbench.cli import main; main()", "run",
        "--encoder", "mae-vit", "--task", "superres",
        "--dataset", "lenses:population=pedagogical", "--workers", "2", "--store", str(tmp_path),
    ]  # fmt: skip
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "jobs" in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=1200)
    assert process.returncode == 130
    assert out == ""
    assert "run the same command to go on" in err
    assert "Traceback" not in err
    assert not list((tmp_path / "writing").iterdir())
    assert not list((tmp_path / "claims").iterdir())
