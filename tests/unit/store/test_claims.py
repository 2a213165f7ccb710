"""Claims on this machine: one holder at a time, and what the dead leave behind."""

import os
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from lensbench.store.claims import (
    claimed,
    is_shown_alive,
    scratch,
    sweep_claims,
    sweep_scratch,
    temporary_folder,
)


def test_one_holds_a_claim_at_a_time(tmp_path):
    """Whoever waits has it afterwards, under a file that is there while it is held."""
    path = tmp_path / "claim"
    order = []
    began = threading.Event()

    def second() -> None:
        began.set()
        with claimed(path):
            order.append(("second", path.exists()))

    with claimed(path):
        thread = threading.Thread(target=second)
        thread.start()
        began.wait(600)
        thread.join(0.2)
        order.append(("first", path.exists()))
    thread.join(600)
    assert order == [("first", True), ("second", True)]
    assert not path.exists()


def test_many_who_wait_have_it_one_by_one(tmp_path):
    """The file goes with each holder, so that those who waited for it ask for another."""
    path = tmp_path / "claim"
    inside, most, visits = [], [], []

    def visit() -> None:
        for _ in range(20):
            with claimed(path):
                inside.append(1)
                most.append(len(inside))
                inside.pop()
                visits.append(1)

    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert (len(visits), max(most)) == (160, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_claim_is_given_back_by_an_error(tmp_path):
    """And can be had again."""
    with pytest.raises(ValueError, match="broke"), claimed(tmp_path / "claim"):
        raise ValueError("it broke")
    with claimed(tmp_path / "claim"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_scratch_folder_is_gone_afterwards(tmp_path):
    """With all that is in it, whatever happens; two never share one."""
    folder = tmp_path / "deep" / "writing"
    with scratch(folder) as one, scratch(folder) as other:
        assert one != other
        assert {one.parent, other.parent} == {folder}
        (one / "part").mkdir()
        (one / "part" / "file").write_text("x")
        assert sorted(folder.iterdir()) == sorted(
            [one, other, one.with_suffix(".lock"), other.with_suffix(".lock")]
        )
    assert list(folder.iterdir()) == []
    with pytest.raises(ValueError, match="broke"), scratch(folder):
        raise ValueError("it broke")
    assert list(folder.iterdir()) == []


def test_folders_of_the_dead_are_swept_and_those_of_the_living_stay(tmp_path):
    """What is locked is at work; a file of another name is none of a scratch folder's."""
    dead = tmp_path / "123-abc"
    dead.mkdir()
    (dead / "half").write_text("x")
    dead.with_suffix(".lock").touch()
    (tmp_path / "other.txt").touch()
    with scratch(tmp_path) as mine:
        sweep_scratch(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
            [mine.name, mine.with_suffix(".lock").name, "other.txt"]
        )
    sweep_scratch(tmp_path / "nowhere")


def test_claims_of_the_dead_are_swept_whatever_their_names(tmp_path):
    """Folders are no claims."""
    (tmp_path / "dead").touch()
    (tmp_path / "folder").mkdir()
    with claimed(tmp_path / "held"):
        sweep_claims(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "held"]


def test_who_does_not_wait_is_refused(tmp_path):
    """While another holds the claim, and no longer."""
    with (
        claimed(tmp_path / "claim"),
        pytest.raises(BlockingIOError),
        claimed(tmp_path / "claim", wait=False),
    ):
        pass
    with claimed(tmp_path / "claim", wait=False):
        assert (tmp_path / "claim").exists()


@pytest.mark.parametrize("age", [86400 * 400, -86400 * 400])
def test_no_clock_says_who_is_dead(tmp_path, age):
    """What is held stays however old or new it seems; what nobody holds goes."""
    then = time.time() - age
    with scratch(tmp_path) as mine, claimed(tmp_path / "claim"):
        dead = tmp_path / "1-dead"
        dead.mkdir()
        dead.with_suffix(".lock").touch()
        (tmp_path / "left").touch()
        for path in tmp_path.iterdir():
            os.utime(path, (then, then))
        sweep_scratch(tmp_path)
        sweep_claims(tmp_path)
        assert set(tmp_path.iterdir()) == {mine, mine.with_suffix(".lock"), tmp_path / "claim"}


ALIVE = """
import sys
from pathlib import Path
from lensbench.store.claims import shown_alive
with shown_alive(Path(sys.argv[1])):
    print("up", flush=True)
    sys.stdin.read()
"""


def test_several_show_that_they_live_until_the_last_is_killed(tmp_path):
    """A process that is killed shows nothing any more, and its lock file means nothing."""
    path = tmp_path / "alive"
    assert not is_shown_alive(path)
    command = [sys.executable, "-c", ALIVE, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as one, subprocess.Popen(command, **pipes) as other:
        assert (one.stdout.readline(), other.stdout.readline()) == (b"up\n", b"up\n")
        assert is_shown_alive(path)
        one.kill()
        one.wait()
        assert is_shown_alive(path)
        other.kill()
        other.wait()
    assert path.exists() and not is_shown_alive(path)


KILLED = """
import os, signal, sys
from lensbench.store.claims import temporary_folder
with temporary_folder() as folder:
    (folder / "scenes.h5").write_bytes(bytes(1000))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_temporary_folders_outlive_no_process(tmp_path, monkeypatch):
    """What a killed process left goes when the next one begins; what others use stays."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    env = os.environ | {"TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", KILLED], env=env, check=False)
    (home,) = tmp_path.iterdir()
    assert len(list(home.glob("*/scenes.h5"))) == 1
    assert home.stat().st_mode & 0o077 == 0
    with temporary_folder() as first, temporary_folder() as second:
        assert {first, second} == {path for path in home.iterdir() if path.is_dir()}
    assert list(home.iterdir()) == []
