"""A study on a Ray cluster of two nodes, of which one is lost on the way."""

import threading
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lensbench.cells.checks import Checks
from lensbench.cells.resolved import Resolver
from lensbench.cli.display import Display
from lensbench.execution.executors.cluster import RayExecutor
from lensbench.execution.executors.inline import InlineExecutor
from lensbench.execution.sweeps import Sweep, results
from lensbench.execution.worker import Settings, work
from lensbench.store import open_store
from lensbench.study.expand import expand
from lensbench.study.spec import parse_study

pytestmark = pytest.mark.skipif(not find_spec("ray"), reason="ray is not installed")

STUDY = """
name = "small"
budget = "smoke"
[axes]
dataset = ["lenses:population=pedagogical"]
task = ["morphology"]
encoder = ["mae-vit:depth=1,width=16"]
pretraining = ["none"]
transfer = ["linear", "finetune"]
baseline = ["spectrum-logreg"]
[tests]
condition = []
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_lost_node_changes_nothing(catalogue, tmp_path: Path):
    """Killed while it computes, its jobs go to the other; the records are those of one process."""
    from ray.cluster_utils import Cluster

    resolver = Resolver(catalogue)
    cells = expand(catalogue, parse_study(STUDY), Checks(resolver.plugins).check).cells

    def sweep(folder: str, make):
        store = open_store(tmp_path / folder)
        settings = Settings(store.address, resolver.numerics, resolver.code.known)
        with Display(quiet=True) as display:
            swept = Sweep(resolver, store, cells).run(lambda: make(settings, display), display)
        assert swept.failed == {}
        return results(swept.records)

    whole = sweep("one", lambda settings, shown: InlineExecutor(settings, work, shown.told))
    node = {"num_cpus": 1, "object_store_memory": 80_000_000}
    cluster = Cluster(
        initialize_head=True,
        head_node_args={**node, "include_dashboard": False},
    )
    left: list[int] = []
    try:
        second = cluster.add_node(**node)
        cluster.wait_for_nodes()

        def lose() -> None:
            while not list((tmp_path / "ray" / "images").glob("*.json")):
                time.sleep(0.02)  # with two jobs at a time, both nodes are at work now
            cluster.remove_node(second, allow_graceful=False)
            left.append(len(cells) - len(list((tmp_path / "ray" / "records").glob("*.json"))))

        thief = threading.Thread(target=lose)
        thief.start()
        records = sweep("ray", lambda settings, _: RayExecutor(settings, work, cluster.address))
        thief.join()
    finally:
        cluster.shutdown()
    assert left == [len(cells)]
    assert records.equals(whole)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_shards_are_embedded_on_a_cluster(lensbench, tmp_path):
    """Outputs are those of one process; a shard that cannot be read is named, and done are kept."""
    random = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for number in range(2):
        file = tmp_path / "images" / f"{number}.npy"
        np.save(file, random.normal(3, 2, (12, 32, 32)).astype("f4"))
    words = ("embed", tmp_path / "images", "--encoder", "spectrum", "--quiet")
    assert lensbench(*words, "--out", tmp_path / "one").code == 0
    (tmp_path / "images" / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    done = lensbench(*words, "--out", tmp_path / "ray", "--executor", "ray")
    assert done.code == 2 and "broken.h5" in done.err.splitlines()[0], done.err
    for number in range(2):
        one, other = (
            pl.read_parquet(tmp_path / folder / f"{number}.npy.parquet")
            for folder in ("one", "ray")
        )
        assert one.equals(other)
    (tmp_path / "images" / "broken.h5").unlink()
    again = lensbench(*words, "--out", tmp_path / "ray")
    assert again.code == 0 and "2 Parquet files already there" in again.out
