"""Whatever a plugin does, its cell is failed with its error, and the rest goes on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from tests.calls import called, installed

from lensbench.store import Store

PLUGIN = """
import ctypes, os, pathlib, signal, time
from dataclasses import dataclass
import lensbench
from lensbench import Entry

@lensbench.hookimpl
def lensbench_baselines():
    return [Entry("faulty", "faulty_plugin:Faulty", summary="Goes wrong.", tasks=("morphology",))]

class Faulty(lensbench.Baseline):

    @dataclass(frozen=True)
    class Options:
        how: str = "well"
        marker: str = ""

    def __init__(self, options):
        self.options = options

    def fit(self, context):
        import numpy as np
        print("about to go wrong:", self.options.how)
        how = self.options.how
        if self.options.marker:
            if not pathlib.Path(self.options.marker).exists():
                raise ValueError("the marker is not there yet")
        elif how == "raise":
            raise ValueError("the chip melted\\nin two lines")
        elif how == "exit":
            raise SystemExit(4)
        elif how == "allocate":
            self.kept = [np.empty(1 << 27) for _ in range(100)]
        elif how == "sleep":
            time.sleep(600)
        elif how == "segv":
            ctypes.string_at(0)
        elif how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif how == "leave":
            os._exit(3)
        return self.answer

    def answer(self, samples):
        import numpy as np
        value = np.full((len(samples), 3), 1 / 3)
        if self.options.how == "nan":
            value[0] = np.nan
        if self.options.how == "few":
            value = value[1:]
        return {"probability": value}
"""
EXPECTED = {
    "raise": "ValueError: the chip melted",
    "exit": "SystemExit: 4",
    "allocate": "out of memory",
    "sleep": "exceeded its time limit of 8 s",
    "segv": "SIGSEGV",
    "kill": "SIGKILL",
    "leave": "exit code 3",
    "nan": "not finite",
    "few": "23 rows for 24 samples",
}
COMMAND = (sys.executable, "-c", "from lensbench.cli import main; main()", "sweep")


def study(folder: Path, baselines: list[str], run: str = "") -> Path:
    """A study of these baselines under one condition."""
    path = folder / "faults.toml"
    path.write_text(
        f'name = "faults"\nbudget = "smoke"\n[axes]\ntask = ["morphology"]\n'
        'dataset = ["lenses:population=pedagogical"]\n'
        f"baseline = {json.dumps(baselines)}\n[tests]\ncondition = []\n[run]\n{run}\n"
    )
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder with the plugin, as an installer would leave it."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "faulty_plugin.py").write_text(PLUGIN)
    facts = folder / "faulty_plugin-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty-plugin\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[lensbench]\nfaulty = faulty_plugin\n")
    return folder


def sweep(site: Path, path: Path, store: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`lensbench sweep` with the plugin installed, however it ends."""
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    }
    command = [*COMMAND, str(path), "--store", str(store), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


def states(store: Path) -> dict[str, tuple[str, str]]:
    """State and error of each entrant in the latest records."""
    opened = Store(store)
    frame = pl.read_parquet(opened.find("runs", opened.keys("runs")[-1]))
    rows = frame.filter("primary").select("entrant", "state", "error").unique().rows()
    return {name: (state, error) for name, state, error in rows}


@pytest.fixture(scope="module")
def faults(site, tmp_path_factory):
    """A store in which everything went wrong that can, and how the command ended."""
    folder = tmp_path_factory.mktemp("faults")
    store = folder / "store"
    well = study(folder, ["faulty:how=well"])
    with installed(site, "faulty_plugin"):
        first = called("sweep", well, "--store", store, "--workers", "0")
    assert first.code == 0, first.err  # images are there: what follows is faults alone
    names = [f"faulty:how={how}" for how in ["well", *EXPECTED]]
    path = study(folder, names, 'time_limit = "8 s"\nmemory_limit = "4 GB"')
    return path, store, sweep(site, path, store, "--workers", "2")


def test_every_fault_is_a_failed_record_with_its_error(faults):
    """Exit 1, the good cell done, each bad one failed and told, none absent."""
    _, store, ended = faults
    assert ended.returncode == 1, ended.stderr
    found = states(store)
    assert found.pop("faulty") == ("done", None)
    assert {name.rpartition("=")[2] for name in found} == set(EXPECTED)
    for how, words in EXPECTED.items():
        state, error = found[f"faulty:how={how}"]
        assert state == "failed"
        assert words in error, (how, error)
        assert "\n" not in error
        assert error in ended.stderr
    assert "--retry-failed" in ended.stderr


def test_no_traceback_reaches_the_terminal(faults):
    """Tracebacks are in logs alone."""
    assert "Traceback" not in faults[2].stderr


def test_a_fault_leaves_its_log_and_nothing_else(faults):
    """Traceback and output of the plugin in its log; no fit, answer or record in the store."""
    _, store, _ = faults
    logs = [path.read_text() for path in (store / "failures").glob("*.log")]
    assert len(logs) == len(EXPECTED)
    raised = next(log for log in logs if "the chip melted" in log)
    assert "Traceback" in raised
    assert "about to go wrong: raise" in raised
    opened = Store(store)
    assert len(opened.stored("records")) == len(opened.stored("predictions")) == 1
    for name in ("writing", "claims", "checkpoints"):
        assert not (store / name).exists() or list((store / name).iterdir()) == []


def test_repetition_tries_nothing_again(site, faults):
    """The same records and exit code, at once: no job is begun."""
    path, store, _ = faults
    before = states(store)
    ended = sweep(site, path, store, "--workers", "2")
    assert ended.returncode == 1
    assert "jobs" not in ended.stderr
    assert states(store) == before


def test_retrying_tries_what_failed_and_only_that(site, lensbench, tmp_path):
    """What works by now is done; its failure is forgotten."""
    marker, store = tmp_path / "marker", tmp_path / "store"
    path = study(tmp_path, [f"faulty:marker={marker}", "faulty:how=raise", "faulty:how=well"])
    words = ("sweep", path, "--store", store, "--workers", "0")
    with installed(site, "faulty_plugin"):
        assert lensbench(*words).code == 1
        marker.touch()
        assert lensbench(*words).code == 1
        assert [state for state, _ in states(store).values()].count("failed") == 2
        ended = lensbench(*words, "--retry-failed")
    assert ended.code == 1
    assert [state for state, _ in states(store).values()].count("failed") == 1
    assert len(Store(store).stored("failures")) == 1
    assert "/2 jobs" in ended.err
