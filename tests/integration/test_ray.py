"""A study on a Ray cluster of two nodes, of which one is lost on the way."""

import threading
import time
from pathlib import Path

import pytest

from lensbench.cells.checks import Checks
from lensbench.cells.executors.cluster import RayExecutor
from lensbench.cells.executors.inline import InlineExecutor
from lensbench.cells.resolved import Parts
from lensbench.cells.sweeps import Sweep, results
from lensbench.cells.worker import Settings, work
from lensbench.cli.display import Display
from lensbench.store import open_store
from lensbench.study.expand import expand
from lensbench.study.spec import parse_study

pytest.importorskip("ray", reason="ray is not installed")

STUDY = """
name = "small"
budget = "smoke"
[axes]
task = ["morphology"]
encoder = ["mae-vit:depth=1,width=16"]
pretraining = ["simclr", "none"]
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

    parts = Parts(catalogue)
    cells = expand(catalogue, parse_study(STUDY), Checks(parts).check).cells

    def sweep(folder: str, make):
        store = open_store(tmp_path / folder)
        settings = Settings(store.address, parts.numerics, parts.code)
        with Display(quiet=True) as display:
            swept = Sweep(parts, store, cells).run(lambda: make(settings, display), display)
        assert swept.failed == {}
        return results(swept.records)

    whole = sweep("one", lambda settings, shown: InlineExecutor(settings, work, shown.told))
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "object_store_memory": 80_000_000},
    )
    left: list[int] = []
    try:
        second = cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
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
