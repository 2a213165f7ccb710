"""The same study in other places, by other executors: the same records."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from tests.calls import called

from lensbench.execution.sweeps import results
from lensbench.store import open_store

STUDY = """
name = "places"
budget = "smoke"
[axes]
dataset = ["lenses:population=pedagogical"]
task = ["morphology"]
encoder = ["mae-vit:depth=1,width=16"]
pretraining = ["simclr"]
transfer = ["linear"]
baseline = ["spectrum-logreg"]
[tests]
condition = ["rubin-r"]
"""
COMMAND = (sys.executable, "-c", "from lensbench.cli import main; main()")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A study of two cells."""
    path = tmp_path_factory.mktemp("study") / "places.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="module")
def whole(study, tmp_path_factory) -> str:
    """Its records by one process in a folder."""
    store = tmp_path_factory.mktemp("whole")
    assert called("sweep", study, "--store", store, "--workers", "0").code == 0
    return stored(store)


@pytest.fixture(scope="module")
def bucket():
    """An empty bucket of a server on this machine, named by its URL."""
    from moto.server import ThreadedMotoServer

    patch = pytest.MonkeyPatch()
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        patch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir("studies")
    yield "s3://studies"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()
    patch.undo()


def call(*words: object) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    command = [*COMMAND, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def records(study: Path, store: Path | str, *words: str) -> str:
    """What a sweep comes to, without its costs."""
    ended = call("sweep", study, "--store", store, *words)
    assert ended.returncode == 0, ended.stderr
    return stored(store)


def stored(store: Path | str) -> str:
    """The records of the last sweep of a store, without their costs."""
    opened = open_store(store)
    path = opened.find("runs", opened.keys("runs")[-1])
    frame = pl.read_parquet(path)
    assert set(frame["state"]) == {"done"}
    return results(frame).write_csv()


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


def test_a_bucket_gives_the_same_records(lensbench, study, whole, bucket):
    """Two workers that meet at an object store alone; status, ls and verify work there."""
    store = f"{bucket}/store"
    assert records(study, store, "--workers", "2") == whole
    assert "finished" in lensbench("status", "--store", store).out
    assert "predictions" in lensbench("store", "ls", "--store", store).out
    assert lensbench("store", "verify", "--store", store).code == 0


@pytest.mark.slow
def test_ray_gives_the_same_records(study, whole, bucket):
    """A cluster that the command begins and ends itself, which meets at an object store."""
    pytest.importorskip("ray", reason="ray is not installed")
    assert records(study, f"{bucket}/ray", "--executor", "ray") == whole


def test_no_cluster_at_an_address_is_one_line(study, tmp_path):
    """Exit 2, with how to begin one."""
    pytest.importorskip("ray", reason="ray is not installed")
    ended = call(
        "sweep", study, "--store", tmp_path, "--executor", "ray", "--address", "127.0.0.1:1"
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("hint: `ray start")
    assert os.environ.get("RAY_ADDRESS") is None
