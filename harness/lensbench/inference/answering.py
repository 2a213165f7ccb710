"""Shards in, shards out: what answers, one shard's work, and all shards among processes."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

import lensbench
from lensbench.cells.processes import new_processes
from lensbench.data.picture import Selection
from lensbench.errors import DataError, RunError, UsageError
from lensbench.inference.reading import Block, ahead, blocks_of
from lensbench.inference.shards import content_digest, name_of, shards_of
from lensbench.inference.writing import made_of, writing_shard

Report = Callable[[str, int, int, str], None]


class Answerer(Protocol):
    """Turns blocks of images into columns of numbers.

    Attributes:
        digest: Of all that its answers follow from, the images left out.
        condition: Name of the condition that images are taken to be under.
    """

    digest: str
    condition: str

    def __call__(self, block: Block) -> Mapping[str, np.ndarray]:
        """Columns (B, ...) by name."""
        ...


@dataclass(frozen=True)
class Work:
    """All shards of a source, and how they are to be read and answered.

    Attributes:
        root: What the user named.
        out: Folder of the outputs.
        selection: What files do not say of themselves.
        batch_size: Images at once.
        strict: Whether a flawed image ends the work, in place of a row with the reason.
    """

    root: Path
    out: Path
    selection: Selection
    batch_size: int
    strict: bool


@dataclass(frozen=True)
class Done:
    """What came of one shard."""

    shard: str
    output: str
    images: int
    flawed: int
    seconds: float
    skipped: bool


def answer_all(
    work: Work,
    make: Callable[[], Answerer],
    workers: int,
    threads: int,
    report: Report,
    cluster: str | None = None,
) -> list[Done]:
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
        raise UsageError(f"{str(work.root)!r} holds shards of one name", "name them apart")
    _refuse_inside(work)
    done: list[Done] = []
    failed: list[DataError] = []
    if cluster is not None:
        from lensbench.inference.cluster import on_ray

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
        report("shards", len(done), len(shards), note)
    if failed:
        more = f" and {len(failed) - 1} shards more" if len(failed) > 1 else ""
        raise DataError(failed[0].message + more, failed[0].hint)
    return sorted(done, key=lambda one: one.shard)


def answer_shard(work: Work, shard: Path, answerer: Answerer, report: Report) -> Done:
    """Writes the output of one shard, whole or not at all; one made of the same is left.

    Raises:
        DataError: Where the shard cannot be read.
    """
    began = time.perf_counter()
    output = work.out / name_of(shard, work.root)
    wanted = {
        "shard": shard.name,
        "input": content_digest(shard),
        "answerer": answerer.digest,
        "condition": answerer.condition,
        "reading": _digest([asdict(work.selection), work.strict]),
        "lensbench": lensbench.__version__,
    }
    if made_of(output) == wanted:
        return Done(str(shard), str(output), 0, 0, 0.0, skipped=True)
    with writing_shard(output, wanted) as writer:
        blocks = blocks_of(shard, answerer.condition, work.batch_size, work.selection)
        for block in ahead(blocks):
            _refuse_flawed(work, shard, block, writer.rows)
            writer.append(block.ids, block.errors, answerer(block))
            report(f"reading {shard.name}", writer.rows, 0, "")
    seconds = time.perf_counter() - began
    return Done(str(shard), str(output), writer.rows, writer.flawed, seconds, skipped=False)


def _refuse_inside(work: Work) -> None:
    """Refuses to write among what is read."""
    folder = work.root if work.root.is_dir() else work.root.parent
    out = work.out.resolve()
    if out == folder.resolve() or (work.root.is_dir() and out.is_relative_to(folder.resolve())):
        raise UsageError(f"{str(work.out)!r} lies among the images", "name another folder")


def _refuse_flawed(work: Work, shard: Path, block: Block, before: int) -> None:
    for place, error in enumerate(block.errors):
        if error and work.strict:
            raise DataError(
                f"image {before + place} ({block.ids[place]}) of {str(shard)!r}: {error}",
                "mend it, or leave out --strict to have the reason in its row",
            )


def _each(
    work: Work,
    shards: Sequence[Path],
    make: Callable[[], Answerer],
    workers: int,
    threads: int,
    report: Report,
) -> Iterator[Done | DataError]:
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
    pool = new_processes(min(workers, len(shards)), threads, _prepare, make)
    try:
        futures = [pool.submit(_answer_here, work, shard) for shard in shards]
        for future in as_completed(futures):
            try:
                yield future.result()
            except DataError as error:
                yield error
    except BrokenProcessPool as error:
        raise RunError("a worker was killed", "repeat the command: what is done stays") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_ANSWERER: list[Answerer] = []


def _prepare(make: Callable[[], Answerer]) -> None:
    _ANSWERER.append(make())


def _answer_here(work: Work, shard: Path) -> Done:
    return answer_shard(work, shard, _ANSWERER[0], lambda *_: None)


def _digest(what: object) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
