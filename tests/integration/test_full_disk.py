"""A full disk stops a sweep; no cell is blamed for it, and the sweep goes on once there is room."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lensbench.store import Store

STUDY = """
name = "full"
budget = "smoke"
[axes]
task = ["morphology"]
encoder = ["mae-vit:width=16,depth=1,heads=2"]
transfer = ["linear"]
pretraining = ["mae"]
[tests]
condition = []
[run]
checkpoint_every = "0.001 s"
"""
COMMAND = (sys.executable, "-c", "from lensbench.cli import main; main()", "sweep")


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own of this size; skips where it may not be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The file of a study of one cell."""
    (tmp_path / "full.toml").write_text(STUDY)
    return tmp_path / "full.toml"


def sweep(study: Path, store: Path, workers: int, **how) -> subprocess.CompletedProcess[str]:
    """`lensbench sweep`, however it ends."""
    words = [str(study), "--store", str(store), "--workers", str(workers), "--quiet"]
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False, **how)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "workers"), [("12k", 0), ("1500k", 2), ("4200k", 0)])
def test_a_full_disk_stops_a_sweep_that_then_goes_on(study, tmp_path, size, workers):
    """One line that names the folder, exit 1, and nothing to retry, wherever the room ended."""
    with small_disk(tmp_path / "disk", size) as disk:
        stopped = sweep(study, disk / "store", workers)
        assert stopped.returncode == 1, (stopped.stdout, stopped.stderr)
        line, hint = stopped.stderr.strip().splitlines()[-2:]
        assert line.startswith("error: there is no room left in ")
        assert str(disk) in line and line.endswith("No space left on device")
        assert hint == "hint: free some space and repeat the command; what was finished is kept"
        assert "Traceback" not in stopped.stderr
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        assert Store(disk / "store").stored("failures") == set()
        done = sweep(study, disk / "store", workers)
        assert done.returncode == 0, done.stderr
        assert not list((disk / "store" / "writing").glob("*"))


def limit_files() -> None:
    """Lets this process write no file of more than 200 kB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


@pytest.mark.slow
def test_a_limit_on_files_stops_a_sweep_that_then_goes_on(study, tmp_path):
    """As a full disk does: it is a limit of the machine and not of the cell."""
    stopped = sweep(study, tmp_path / "store", 0, preexec_fn=limit_files)
    assert stopped.returncode == 1
    assert f"error: there is no room left in {str(tmp_path / 'store')!r}" in stopped.stderr
    assert stopped.stderr.count("\n") <= 3, stopped.stderr
    assert Store(tmp_path / "store").stored("failures") == set()
    assert sweep(study, tmp_path / "store", 0).returncode == 0


@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT", "EFBIG"])
def test_a_full_disk_is_known_however_it_is_said(name):
    """As an `OSError`, as the cause of another error, or in the text of a library."""
    import errno

    from lensbench.errors import no_room

    number = getattr(errno, name)
    plain = OSError(number, os.strerror(number), "/data/a.h5")
    found = no_room(plain)
    assert found.message == f"there is no room left in '/data/a.h5': {os.strerror(number)}"
    assert found.exit_code == 1
    try:
        try:
            raise plain
        except OSError as error:
            raise ValueError("cannot be written") from error
    except ValueError as error:
        assert no_room(error, "/store").message.startswith("there is no room left in '/store'")
    assert no_room(RuntimeError(f"IoError({os.strerror(number)} (os error {number}))"))
    assert no_room(OSError(errno.EACCES, os.strerror(errno.EACCES))) is None
