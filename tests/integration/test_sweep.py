"""Studies survive whatever happens to them, and end with the same records."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import polars as pl
import pytest
from tests.calls import called

from lensbench.execution.sweeps import results
from lensbench.store import Store, open_store
from lensbench.store.artefacts import DamageWarning

STUDY = """
name = "small"
budget = "smoke"
[axes]
dataset = ["lenses:population=pedagogical"]
task = ["morphology"]
encoder = ["mae-vit:depth=1,width=16", "resnet18:width=8"]
pretraining = ["simclr", "none"]
transfer = ["linear", "finetune"]
baseline = ["spectrum-logreg"]
[tests]
condition = ["rubin-r"]
"""
_HEAD = 1000
"""Bytes of a file of weights that hold text, not numbers."""
COMMAND = (sys.executable, "-c", "from lensbench.cli import main; main()", "sweep")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A study of nine cells."""
    path = tmp_path_factory.mktemp("study") / "small.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="module")
def whole(study, tmp_path_factory) -> bytes:
    """Its records by one process that nothing disturbs."""
    store = tmp_path_factory.mktemp("whole")
    assert called("sweep", study, "--store", store, "--workers", "0").code == 0
    return records(store)


@pytest.fixture(scope="module")
def pristine(study, tmp_path_factory) -> Path:
    """A store with the study as two workers finished it."""
    store = tmp_path_factory.mktemp("pristine")
    assert called("sweep", study, "--store", store, "--workers", "2").code == 0
    return store


def sweep(
    study: Path, store: Path, *words: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`lensbench sweep`, which must end well."""
    ended = subprocess.run(
        [*COMMAND, str(study), "--store", str(store), *words],
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    assert ended.returncode == 0, ended.stderr
    return ended


def records(store: Path | str) -> bytes:
    """What a repetition must give again, as bytes."""
    opened = open_store(store)
    frame = pl.read_parquet(opened.find("runs", opened.keys("runs")[-1]))
    assert set(frame["state"]) == {"done"}
    return results(frame).write_csv().encode()


def leftovers(store: Path) -> list[Path]:
    """What should not be there after a sweep."""
    folders = [store / name for name in ("writing", "claims", "checkpoints")]
    return [path for folder in folders if folder.exists() for path in folder.iterdir()]


def test_processes_do_not_change_the_records(whole, pristine):
    """Two workers, in an order that nobody knows, give the bytes of one."""
    assert records(pristine) == whole
    assert leftovers(pristine) == []


def made(store: Path) -> int:
    """How far a study has come: finished artefacts and steps of trainings on their way.

    Folders that a sweep removes while they are counted count as empty.
    """
    finished = sum(1 for _ in store.glob("*/*.json"))
    return finished + sum(len(files) for _, _, files in os.walk(store / "checkpoints"))


JUMPING = """
import time
true, calls = time.time, 0
def jumping():
    global calls
    calls += 1
    return true() + (0.0, 86400.0, -3600.0)[calls // 20 % 3]
time.time = jumping
"""
"""A clock that goes on by a day and back by an hour, again and again, in every process."""


@pytest.mark.slow
def test_a_study_that_is_killed_goes_on(study, whole, tmp_path):
    """SIGKILL of one, two and three sweeps at once, again and again: the same bytes, nothing left.

    Each time they are killed after some more artefacts or checkpoints, however slow the machine is.
    Clocks that jump change nothing either, nor does a path with blanks and umlauts.
    """
    chance = random.Random(0)
    store = tmp_path / "drei Läufe"
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(JUMPING)
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    jumping = os.environ | {"PYTHONPATH": path}
    words = ("--store", str(store), "--workers", "2", "--set", "run.time_limit='600 s'")
    for turn in range(int(os.environ.get("LENSBENCH_KILLS", "3"))):
        goal = made(store) + chance.randint(1, 3)
        running = [
            subprocess.Popen(
                [*COMMAND, str(study), *words, "--set", "run.checkpoint_every='0.001 s'"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                env=jumping,
            )
            for _ in range(1 + turn % 3)
        ]  # fmt: skip
        while made(store) < goal and all(process.poll() is None for process in running):
            time.sleep(0.005)
        time.sleep(chance.uniform(0.0, 0.3))
        ended = [process.poll() for process in running]
        for process in running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert ended == [None] * len(running), "the study was done before it could be killed"
    sweep(study, store, *words[2:], env=jumping)
    assert records(store) == whole
    assert leftovers(store) == []


def test_two_sweeps_at_once_compute_each_cell_once(study, whole, tmp_path):
    """Each waits for what the other makes; both end with all records."""
    running = [
        subprocess.Popen(
            [*COMMAND, str(study), "--store", str(tmp_path), "--workers", "1", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    printed = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    first, second = (pl.DataFrame(json.loads(text)) for text in printed)
    assert first.equals(second)  # costs too: they are of one computation
    assert records(tmp_path) == whole


ORDER = ("images", "weights", "features", "fits", "predictions", "scores", "records", "runs")


@pytest.mark.parametrize("kind", ORDER)
def test_a_flipped_byte_is_noticed_and_only_that_made_again(
    lensbench, study, whole, tmp_path, kind, pristine
):
    """The damaged artefact is told of and computed anew; its neighbours are not touched."""
    subprocess.run(["cp", "-a", f"{pristine}/.", str(tmp_path)], check=True)
    damaged = max((tmp_path / kind).glob("*.[!j]*"), key=lambda path: path.stat().st_size)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 0x40
    damaged.write_bytes(bytes(content))
    # What was made from it is asked for again, so that it is read. Nothing is made from scores:
    # they are missed where the run is there, which is gathered again.
    later = ("runs",) if kind == "scores" else ORDER[ORDER.index(kind) + 1 :]
    if kind != "scores":
        for path in (path for name in later for path in (tmp_path / name).iterdir()):
            path.unlink()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*.*") if path != damaged}
    if kind == "records":  # read by the driver, which warns as Python does where nobody objects
        told = sweep(study, tmp_path, "--workers", "0").stderr
    else:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DamageWarning)
            ended = lensbench("sweep", study, "--store", tmp_path, "--workers", "0")
        assert ended.code == 0, ended.err
        told = ended.err + "".join(str(one.message) for one in caught)
    assert f"{kind} {damaged.stem}" in told
    assert "damaged" in told
    assert records(tmp_path) == whole
    kept = [name for name in ORDER if name not in later]
    changed = {
        path.stem
        for path, when in before.items()
        if path.parent.name in kept and path.stat().st_mtime_ns != when
    }
    assert changed <= {damaged.stem}


@pytest.mark.parametrize("what", ["sky", "sidecar"])
def test_damaged_skies_are_made_again(lensbench, tmp_path, what):
    """A byte of a true sky, or of what is said of it, is noticed; the images are not touched."""
    study = tmp_path / "sky.toml"
    study.write_text(
        'name = "sky"\nbudget = "smoke"\n[axes]\ntask = ["superres"]\n'
        'baseline = ["bicubic"]\n[tests]\ncondition = []\n'
    )
    store = tmp_path / "store"
    words = ("sweep", study, "--store", store, "--workers", "0")
    assert lensbench(*words).code == 0
    before = records(store)
    sky = max((store / "skies").glob("*.h5"), key=lambda path: path.stat().st_size)
    damaged = sky if what == "sky" else sky.with_suffix(".json")
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 0x01
    damaged.write_bytes(bytes(content))
    for kind in ("fits", "predictions", "records", "runs"):
        for path in store.glob(f"{kind}/*"):
            path.unlink()
    kept = {p: p.stat().st_mtime_ns for p in store.glob("images/*")}
    kept |= {p: p.stat().st_mtime_ns for p in store.glob("skies/*") if p.stem != sky.stem}
    ended = lensbench(*words)
    assert ended.code == 0
    assert f"skies {sky.stem} in the store is damaged" in ended.err
    assert records(store) == before
    assert {p: p.stat().st_mtime_ns for p in kept} == kept


def test_records_tell_how_they_were_made(pristine):
    """Code, machine and arithmetic of every number are known."""
    opened = Store(pristine)
    frame = pl.read_parquet(opened.find("runs", opened.keys("runs")[-1]))
    assert set(frame["plugins"]) == {f"lensbench {version('lensbench')}"}
    assert frame["device_name"].null_count() == 0
    encoders = frame.filter(pl.col("baseline") == "")
    assert encoders["flops"].min() > 1e5
    assert frame.filter(pl.col("baseline") != "")["flops"].is_null().all()
    per_encoder = encoders.group_by("encoder", "transfer").agg(pl.col("flops").n_unique())
    assert set(per_encoder["flops"]) == {1}
    trained = encoders.filter(pl.col("transfer").str.starts_with("finetune"))
    assert (trained["warmup_fit"] < trained["seconds_fit"]).all()
    pretrained = encoders.filter(pl.col("pretraining").str.starts_with("simclr"))
    assert (pretrained["warmup_pretraining"] < pretrained["seconds_pretraining"]).all()


def test_nothing_that_is_published_names_anybody(pristine):
    """No user, machine or home folder in any record or description."""
    words = {socket.gethostname(), str(Path.home()), str(Path.cwd()), str(pristine)}
    words |= {os.environ.get("USER", ""), os.environ.get("LOGNAME", "")} - {"root"}
    words -= {"", "/", "localhost"}
    assert words
    names = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in words))
    published = [path for kind in ("records", "runs", "fits", "predictions", "weights", "features")
                 for path in (pristine / kind).iterdir()]  # fmt: skip
    assert len(published) > 50
    for path in published:
        if path.suffix == ".parquet":
            text = pl.read_parquet(path).write_ndjson()
        else:
            text = path.read_bytes()[:_HEAD].decode(errors="replace")
        assert not names.findall(text), path.name


def test_an_interrupted_sweep_leaves_no_child(study, tmp_path):
    """Ctrl-C: exit 130, how to go on, and no process that outlives it."""
    import psutil

    with subprocess.Popen(
        [*COMMAND, str(study), "--store", str(tmp_path), "--workers", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        process.stderr.readline()
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=1200)
    assert process.returncode == 130
    assert "go on" in err
    _, alive = psutil.wait_procs(children, timeout=600)
    assert alive == []
    state = json.loads(next((tmp_path / "sweeps").glob("*/state.json")).read_text())
    assert state["state"] == "stopped"
    assert leftovers(tmp_path) == [] or {path.parent.name for path in leftovers(tmp_path)} == {
        "checkpoints"
    }


def test_a_store_behind_a_url_gives_the_same_records(lensbench, study, whole, tmp_path):
    """Workers and driver meet at the URL alone."""
    url = f"file://{tmp_path}/far"
    ended = lensbench("sweep", study, "--store", url, "--workers", "2", "--json")
    assert ended.code == 0, ended.err
    assert records(url) == whole
    assert pl.DataFrame(json.loads(ended.out)).height > 0
