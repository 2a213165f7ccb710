"""Workers that die fail their job and no other."""

import ctypes
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from pebble import ProcessExpired

from lensbench.execution.driver import drive
from lensbench.execution.executors.inline import InlineExecutor
from lensbench.execution.executors.local import Limits, LocalExecutor, _Pool
from lensbench.execution.worker import Settings
from lensbench.study.cell import Cell, Entrant, View
from lensbench.study.describe import Numerics
from lensbench.study.job import CellRequest, Job, Outcome

SETTINGS = Settings("", Numerics(), {})
CELL = Cell(Entrant(baseline="b"), "t", View("d", "c"), (View("d", "c"),))


def job(key: str, *needs: str) -> Job:
    """A job whose label says what its worker is to do."""
    return Job(key, key.partition("-")[0], needs, CellRequest(CELL), key)


def act(settings: Settings, work: Job, watch) -> Outcome:
    """Does what the label says."""
    watch("acting", 1, 1, "")
    match work.label:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "crash":
            ctypes.string_at(0)
        case "leave":
            os._exit(3)
        case "hang":
            time.sleep(600)
        case "pause":
            time.sleep(1)
        case "fail":
            return Outcome(work.key, "failed", "the chip melted")
        case "unsendable":
            return Outcome(work.key, "done", error=lambda: None)  # type: ignore[arg-type]
    return Outcome(work.key, "done")


class Notes:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.messages: list[str] = []
        self.total = 0

    def planned(self, jobs, costs):
        self.total = len(jobs)

    def begun(self, job):
        self.order.append(job.key)

    def told(self, message):
        self.messages.append(message.key)

    def ended(self, job, outcome):
        pass


def test_every_kind_of_death_is_one_failed_job():
    """Killed, crashed, left, hung or unsendable: each is told, and the others are done."""
    jobs = [job(f"{name}-1") for name in ("kill", "crash", "leave", "hang", "unsendable")]
    jobs += [job(f"good-{number}") for number in range(6)]
    executor = LocalExecutor(SETTINGS, act, 2, Limits(seconds=2.0))
    try:
        outcomes = {one.key: one for one in drive(jobs, executor, Notes(), {})}
    finally:
        executor.close(at_once=False)
    assert {one.key for one in jobs} == set(outcomes)
    failed = {key: one.error for key, one in outcomes.items() if one.state == "failed"}
    assert set(failed) == {"kill-1", "crash-1", "leave-1", "hang-1", "unsendable-1"}
    assert "SIGKILL" in failed["kill-1"]
    assert "SIGSEGV" in failed["crash-1"]
    assert "exit code 3" in failed["leave-1"]
    assert "time limit of 2 s" in failed["hang-1"]


class Jumping(Notes):
    """Moves the clock of the wall as soon as a job has begun."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
        super().__init__()
        self._moved = lambda: monkeypatch.setattr(time, "time", lambda: true() + jump)
        true = time.time

    def told(self, message):
        self._moved()
        super().told(message)


@pytest.mark.parametrize("jump", [86400.0, -3600.0], ids=["a day on", "an hour back"])
def test_a_time_limit_is_kept_when_the_clock_jumps(monkeypatch, jump):
    """Who has time left is not killed for it, and who has none does not get an hour more."""
    executor = LocalExecutor(SETTINGS, act, 2, Limits(seconds=4.0))
    try:
        jobs = [job("pause-1"), job("hang-1")]
        outcomes = drive(jobs, executor, Jumping(monkeypatch, jump), {})
    finally:
        executor.close(at_once=False)
    ended = {one.key: (one.state, one.error) for one in outcomes}
    assert ended == {
        "pause-1": ("done", ""),
        "hang-1": ("failed", "exceeded its time limit of 4 s"),
    }


class Slow:
    """Takes a while to be unpickled once there is a file `slow` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return read_slowly, (self.folder,)


def read_slowly(folder: Path) -> Slow:
    if (folder / "slow").exists():
        time.sleep(0.6)
    return Slow(folder)


def end_slowly(slow: Slow) -> None:
    """Makes a worker one that takes a second to stop, and says that it is up."""

    def stop(*_: object) -> None:
        time.sleep(1.0)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    (slow.folder / str(os.getpid())).touch()


def leave() -> None:
    """Ends the process; a function of this module can be sent, whatever `os._exit` is by now."""
    os._exit(3)


def test_a_pool_that_closes_while_it_replaces_a_worker_is_silent(tmp_path, capfd):
    """One worker is slow to end, the other has yet to find its locks: neither prints anything."""
    LocalExecutor(SETTINGS, act, 1).close(at_once=True)  # the server has what workers import
    context = multiprocessing.get_context("forkserver")
    pool = _Pool(2, initializer=end_slowly, initargs=(Slow(tmp_path),), context=context)
    pool.schedule(os.getpid).result()
    while len(list(tmp_path.iterdir())) < 2:
        time.sleep(0.005)
    first = multiprocessing.active_children()
    (tmp_path / "slow").touch()
    with pytest.raises(ProcessExpired):
        pool.schedule(leave).result()
    while not set(multiprocessing.active_children()) - set(first):
        time.sleep(0.005)
    pool.stop()
    pool.join()
    assert capfd.readouterr().err == ""


def here(work=act) -> InlineExecutor:
    return InlineExecutor(SETTINGS, work, lambda _: None)


def test_what_needs_a_failed_job_fails_with_its_reason():
    """And what does not, is done."""
    jobs = [job("good-1"), job("fail-1"), job("a", "fail-1"), job("b", "a"), job("c", "good-1")]
    outcomes = {one.key: one for one in drive(jobs, here(), Notes(), {})}
    assert {key for key, one in outcomes.items() if one.state == "done"} == {"good-1", "c"}
    assert "the chip melted" in outcomes["b"].error


def test_jobs_begin_after_what_they_need_and_long_ways_first():
    """The head of the costliest chain comes before cheap jobs that stand earlier."""
    jobs = [job("cheap"), job("head"), job("tail", "head")]
    notes = Notes()
    drive(jobs, here(), notes, {"cheap": 2.0, "tail": 5.0})
    assert notes.order == ["head", "tail", "cheap"]
    assert notes.total == 3


@pytest.mark.parametrize("width", [1, 50])
def test_many_jobs_are_no_trouble(width):
    """Each is done once, in whatever shape they hang together."""
    count = 20_000
    jobs = [job(str(i), *([str(i - width)] if i >= width else [])) for i in range(count)]
    outcomes = drive(jobs, here(), Notes(), {})
    assert len({one.key for one in outcomes}) == count
