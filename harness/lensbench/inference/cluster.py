"""Shards among the nodes of a Ray cluster, each answered whole by one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lensbench.errors import DataError, RunError
from lensbench.execution.executors.cluster import connected
from lensbench.inference.answering import Answerer, ShardResult, ShardWork, answer_shard

_RETRIES = 3
"""How often a shard is tried again whose node is lost."""


def on_ray(
    work: ShardWork,
    shards: Sequence[Path],
    make: Callable[[], Answerer],
    threads: int,
    address: str,
) -> Iterator[ShardResult | DataError]:
    """Answers for shards as they are done, on as many actors as the cluster's cores allow.

    Images and outputs are files that every node reaches by the same name.

    Args:
        work: How shards are read and where outputs go.
        shards: Of the source.
        make: Makes the answerer, in each actor.
        threads: Of the arithmetic of each actor, which takes as many cores.
        address: Of the cluster; one is begun on this machine where it is empty.

    Raises:
        UsageError: Where Ray is not installed or the cluster is not reached.
        RunError: Where a shard failed for another reason than its content.
    """
    ray, begun = connected(address)
    try:
        cores = ray.cluster_resources().get("CPU", 1)
        count = max(1, min(len(shards), int(cores // threads)))
        actor = ray.remote(
            num_cpus=threads,
            max_restarts=-1,
            max_task_retries=_RETRIES,
            runtime_env={"env_vars": {"OMP_NUM_THREADS": str(threads)}},
        )(_Worker)
        pool = ray.util.ActorPool([actor.remote(make, threads) for _ in range(count)])
        yield from pool.map_unordered(lambda one, shard: one.answer.remote(work, shard), shards)
    except ray.exceptions.RayError as error:
        told = str(error).strip().splitlines()[-1]
        raise RunError(
            f"a node failed: {told}", "repeat the command; what was finished is kept"
        ) from None
    finally:
        if begun:
            ray.shutdown()


class _Worker:
    """An actor that has the answerer."""

    def __init__(self, make: Callable[[], Answerer], threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self._answerer: Any = make()

    def answer(self, work: ShardWork, shard: Path) -> ShardResult | DataError:
        """What came of a shard."""
        try:
            return answer_shard(work, shard, self._answerer, lambda *_: None)
        except DataError as error:
            return error
