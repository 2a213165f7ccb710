"""Accelerators are divided among workers."""

import subprocess
import sys
from pathlib import Path

import pytest

from lensbench.errors import UsageError
from lensbench.execution.executors.accelerators import share_of, take_slot, visible_devices


def test_each_worker_has_its_own():
    """Four workers on four devices share none; two with two each neither."""
    devices = ["0", "1", "2", "3"]
    assert [share_of(slot, 1, devices) for slot in range(4)] == [["0"], ["1"], ["2"], ["3"]]
    assert [share_of(slot, 2, devices) for slot in range(2)] == [["0", "1"], ["2", "3"]]


def test_more_workers_than_devices_begin_anew():
    """And a device that is left over for an incomplete share stays idle."""
    assert [share_of(slot, 2, ["a", "b", "c"]) for slot in range(3)] == [["a", "b"]] * 3


def test_too_few_devices_are_told():
    """In terms of the study's key."""
    with pytest.raises(UsageError, match="2 processes need 2 accelerators, there are 1"):
        share_of(0, 2, ["0"])


@pytest.mark.parametrize(
    ("given", "names"), [(None, ["0", "1"]), ("3,5", ["3", "5"]), ("", []), ("MIG-a", ["MIG-a"])]
)
def test_what_the_user_confines_is_kept(monkeypatch, given, names):
    """CUDA_VISIBLE_DEVICES of the driver is what is divided."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if given is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert visible_devices(2) == names


def test_the_slot_of_a_dead_worker_is_free(tmp_path: Path):
    """Living processes hold different numbers; that of one that was killed is given again."""
    script = (
        "import pathlib, sys\n"
        "from lensbench.execution.executors.accelerators import take_slot\n"
        f"print(take_slot(pathlib.Path({str(tmp_path)!r}), 3), flush=True); sys.stdin.read()\n"
    )

    def begin() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    with begin() as first:
        assert int(first.stdout.readline()) == 0
        with begin() as second:
            assert int(second.stdout.readline()) == 1
            first.kill()
            first.wait()
            assert take_slot(tmp_path, 3) == 0
            second.kill()
