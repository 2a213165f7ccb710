"""All shards of a source: one after another, among processes, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

from lensbench.errors import DataError, RunError, UsageError
from lensbench.execution.processes import call_made, new_processes
from lensbench.files import StageReport
from lensbench.inference.answering import Answerer, ShardResult, ShardWork, answer_shard
from lensbench.inference.cluster import on_ray
from lensbench.inference.shards import name_of, shards_of


def answer_all(
    work: ShardWork,
    make: Callable[[], Answerer],
    workers: int,
    threads: int,
    report: StageReport,
    cluster: str | None = None,
) -> list[ShardResult]:
    """Answers for every shard that has no output made of the same.

    Args:
        work: What to read and where to write.
        make: Makes the answerer, in each process; it can be pickled.
        workers: Processes; 0 for none but this.
        threads: Of the arithmetic of each process.
        report: Told of every shard, and of the images of a shard in this process.
        cluster: Address of a Ray cluster in place of workers; empty for one begun here.

    Raises:
        UsageError: Where two shards would have one output, or outputs would lie among shards.
        DataError: Where a shard cannot be read; the others are finished first.
    """
    shards = shards_of(work.root)
    names = [name_of(shard, work.root) for shard in shards]
    if len(set(names)) < len(names):
        raise UsageError(f"{str(work.root)!r} holds two files of one name", "rename one of them")
    _refuse_inside(work)
    done: list[ShardResult] = []
    failed: list[DataError] = []
    if cluster is not None:
        work = replace(work, root=work.root.resolve(), out=work.out.resolve())
        each = on_ray(work, shards_of(work.root), make, threads, cluster)
    else:
        each = _each(work, shards, make, workers, threads, report)
    for finished in each:
        if isinstance(finished, DataError):
            failed.append(finished)
            continue
        done.append(finished)
        rate = finished.images / finished.seconds if finished.seconds > 0 else 0.0
        note = "was there already" if finished.skipped else f"{rate:.0f} images/s"
        report("files", len(done), len(shards), note)
    if failed:
        more = f" and {len(failed) - 1} files more" if len(failed) > 1 else ""
        raise DataError(failed[0].message + more, failed[0].hint)
    return sorted(done, key=lambda one: one.shard)


def _refuse_inside(work: ShardWork) -> None:
    """Refuses to write among what is read."""
    folder = work.root if work.root.is_dir() else work.root.parent
    out = work.out.resolve()
    if out == folder.resolve() or (work.root.is_dir() and out.is_relative_to(folder.resolve())):
        raise UsageError(f"{str(work.out)!r} lies among the images", "name another folder")


def _each(
    work: ShardWork,
    shards: Sequence[Path],
    make: Callable[[], Answerer],
    workers: int,
    threads: int,
    report: StageReport,
) -> Iterator[ShardResult | DataError]:
    if workers == 0:
        import torch

        torch.set_num_threads(threads)
        answerer = make()
        for shard in shards:
            try:
                yield answer_shard(work, shard, answerer, report)
            except DataError as error:
                yield error
        return
    pool = new_processes(min(workers, len(shards)), threads, _shard_answerer, work, make)
    try:
        futures = [pool.submit(call_made, shard) for shard in shards]
        for future in as_completed(futures):
            try:
                yield future.result()
            except DataError as error:
                yield error
    except BrokenProcessPool as error:
        raise RunError(
            "a worker was killed", "repeat the command; what was finished is kept"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _shard_answerer(work: ShardWork, make: Callable[[], Answerer]) -> Callable[[Path], ShardResult]:
    answerer = make()
    return lambda shard: answer_shard(work, shard, answerer, lambda *_: None)
