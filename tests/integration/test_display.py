"""How a sweep looks while it goes: on a terminal, and where there is none."""

import io
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

from lensbench.cli.display import Display
from lensbench.execution.executors import Message
from lensbench.study.job import CellRequest, Job, Outcome, WeightsRequest

COMMAND = (sys.executable, "-c", "from lensbench.cli import main; main()", "sweep")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Two cells, one with a training, one that fails."""
    path = tmp_path_factory.mktemp("study") / "shown.toml"
    path.write_text(
        'name = "shown"\nbudget = "smoke"\n[axes]\ntask = ["morphology"]\n'
        'encoder = ["mae-vit:depth=1,width=16"]\npretraining = ["none"]\n'
        'baseline = ["spectrum-logreg"]\n[tests]\ncondition = []\n'
    )
    return path


def on_terminal(*words: str) -> tuple[int, str]:
    """Exit code of a command and all that its terminal was sent."""
    ours, theirs = pty.openpty()
    env = os.environ | {"TERM": "xterm-256color", "COLUMNS": "160", "LINES": "40"}
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=theirs, env=env) as process:
        os.close(theirs)
        sent = b""
        while True:
            ready, _, _ = select.select([ours], [], [], 0.2)
            try:
                piece = os.read(ours, 65536) if ready else b""
            except OSError:
                break  # the other end was closed
            sent += piece
            if not ready and process.poll() is not None:
                break
        code = process.wait()
    os.close(ours)
    return code, sent.decode(errors="replace")


def test_a_terminal_shows_a_live_table(study, tmp_path):
    """Counts, rate, time to go, what each worker is at and its loss, drawn again and again."""
    code, sent = on_terminal(*COMMAND, str(study), "--store", str(tmp_path), "--workers", "1")
    assert code == 0, sent
    assert "\x1b[" in sent
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", sent)
    assert re.search(r"\d/\d jobs: \d+ done, 0 failed, \d+ running, \d+ waiting", plain)
    assert re.search(r"[\d.]+/s, about .+ to go", plain)
    assert "scenes of lenses" in plain
    assert plain.count("jobs:") > 3


class Terminal(io.StringIO):
    """Keeps what it is sent."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_the_live_table_has_a_line_a_worker(monkeypatch):
    """What it is at, how far, and its loss, until its job has ended."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(sys, "stderr", Terminal())
    one, other, last = (Job(key, f"cell {key}", (), None, key) for key in "abc")
    with Display() as display:
        display.planned([one, other, last], {})
        display.begun(one)
        display.begun(other)
        display.told(Message("a", "fitting mae-vit", 3, 4, "loss 0.25"))
        display.ended(other, Outcome("b", "done"))
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", sys.stderr.getvalue())
    shown = plain[plain.rindex("jobs:") - 4 :]
    assert "1/3 jobs: 1 done, 0 failed, 1 running, 1 waiting" in shown
    assert re.search(r"fitting mae-vit .* 3/4 +loss 0.25", shown)
    assert "cell b" not in shown


@pytest.mark.parametrize(
    ("costs", "told"), [({}, "over 25 min to go; a1"), ({"w": 5000.0}, "about 67 min to go; a1")]
)
def test_what_is_left_is_told_as_far_as_it_is_known(capsys, costs, told):
    """By work and not by the number of jobs, for as many workers as were at work."""
    jobs = [Job(key, key, (), CellRequest(None), key[0]) for key in ("a1", "a2", "a3", "b1")]
    jobs.append(Job("w", "w", (), WeightsRequest(None), "w"))
    with Display() as display:
        display.planned(jobs, costs)
        for job in jobs[:2]:
            display.begun(job)
        display.ended(jobs[0], Outcome("a1", "done", seconds=1000.0))
    assert told in capsys.readouterr().err


def test_without_a_terminal_there_are_plain_lines(study, tmp_path):
    """No escape sequence; the last line counts all jobs; stdout has the result alone."""
    ended = subprocess.run(
        [*COMMAND, str(study), "--store", str(tmp_path), "--workers", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0
    assert "\x1b" not in ended.stderr + ended.stdout
    last = ended.stderr.strip().splitlines()[-1]
    done, total = re.match(r"(\d+)/(\d+) jobs", last).groups()
    assert done == total
    assert "jobs" not in ended.stdout
