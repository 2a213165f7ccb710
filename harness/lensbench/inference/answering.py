"""One shard in, one shard out: what answers, and the work that it is of."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

import lensbench
from lensbench.data.picture import Selection
from lensbench.errors import DataError
from lensbench.files import StageReport
from lensbench.inference.framing import Framing
from lensbench.inference.reading import Block, ahead, blocks_of
from lensbench.inference.shards import content_digest, name_of
from lensbench.inference.writing import made_of, writing_shard


class Answerer(Protocol):
    """Turns blocks of images into columns of numbers.

    Attributes:
        digest: Of all that its answers follow from, the images left out.
        condition: Name of the condition that images are taken to be under.
        framing: What of the files is shown to it.
    """

    digest: str
    condition: str
    framing: Framing

    def __call__(self, block: Block) -> Mapping[str, np.ndarray]:
        """Columns (B, ...) by name."""
        ...


@dataclass(frozen=True)
class ShardWork:
    """All shards of a source, and how they are to be read and answered.

    Attributes:
        root: What the user named.
        out: Folder of the outputs.
        selection: What files do not say of themselves.
        batch_size: Images at once.
        strict: Whether a flawed image ends the work, in place of a row with the reason.
        bands: Bands of the files that become channels, in place of those of the answerer.
    """

    root: Path
    out: Path
    selection: Selection
    batch_size: int
    strict: bool
    bands: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShardResult:
    """What was computed for one shard, and what of it was not shown, with the reason."""

    shard: str
    output: str
    images: int
    flawed: int
    seconds: float
    skipped: bool
    left_out: tuple[str, ...] = ()


def answer_shard(
    work: ShardWork, shard: Path, answerer: Answerer, report: StageReport
) -> ShardResult:
    """Writes the output of one shard, whole or not at all; one made of the same is left.

    Raises:
        DataError: Where the shard cannot be read.
    """
    began = time.perf_counter()
    output = work.out / name_of(shard, work.root)
    framing = replace(answerer.framing, bands=work.bands or answerer.framing.bands)
    wanted = {
        "shard": shard.name,
        "input": content_digest(shard),
        "answerer": answerer.digest,
        "condition": answerer.condition,
        "reading": _digest([asdict(work.selection), work.strict, asdict(framing)]),
        "lensbench": lensbench.__version__,
    }
    if made_of(output) == wanted:
        return ShardResult(str(shard), str(output), 0, 0, 0.0, skipped=True)
    left_out: dict[str, None] = {}
    with writing_shard(output, wanted) as writer:
        blocks = blocks_of(shard, answerer.condition, work.batch_size, work.selection, framing)
        for block in ahead(blocks):
            _refuse_flawed(work, shard, block, writer.rows)
            writer.append(block.ids, block.errors, answerer(block))
            left_out |= dict.fromkeys(block.left_out)
            report(f"reading {shard.name}", writer.rows, 0, "")
    seconds = time.perf_counter() - began
    return ShardResult(
        str(shard), str(output), writer.rows, writer.flawed, seconds, False, tuple(left_out)
    )


def _refuse_flawed(work: ShardWork, shard: Path, block: Block, before: int) -> None:
    for place, error in enumerate(block.errors):
        if error and work.strict:
            raise DataError(
                f"image {before + place} ({block.ids[place]}) of {str(shard)!r}: {error}",
                "correct it, or leave out --strict to have the reason in its row",
            )


def _digest(what: object) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
