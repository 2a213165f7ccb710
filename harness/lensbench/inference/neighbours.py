"""Which images are most like one, by their features: exact, shard by shard, in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from lensbench.errors import DataError, UsageError
from lensbench.inference.embedding import FEATURES

Metric = Literal["cosine", "euclidean"]

_ROWS = 65_536
"""Features in memory at once."""


@dataclass(frozen=True)
class Neighbour:
    """One of the nearest, with its distance and the file that it is in."""

    id: str
    distance: float
    shard: str


def neighbours(path: Path, like: str, count: int, metric: Metric = "cosine") -> list[Neighbour]:
    """The nearest of an image, itself left out, from near to far.

    Args:
        path: A file of `lensbench embed`, or a folder of them.
        like: Id of the image.
        count: How many.
        metric: Distance: 1 − cos of the angle, or the length of the difference.

    Raises:
        UsageError: Where no image has this id, or several have.
        DataError: Where a file holds no features, or features of another length.
    """
    from sklearn.neighbors import NearestNeighbors

    query = _query(path, like)
    best: list[Neighbour] = []
    for shard, ids, features in _batches(path):
        if features.shape[1] != len(query):
            raise DataError(
                f"{str(shard)!r} holds features of length {features.shape[1]}, "
                f"expected {len(query)}",
                "search among features of one encoder",
            )
        asked = min(count + 1, len(ids))
        searcher = NearestNeighbors(n_neighbors=asked, metric=metric, algorithm="brute")
        distances, places = searcher.fit(features).kneighbors(query[None])
        best += [
            Neighbour(ids[place], float(distance), shard.name)
            for distance, place in zip(distances[0], places[0], strict=True)
            if ids[place] != like
        ]
        best = sorted(best, key=lambda one: (one.distance, one.id))[:count]
    return best


def _query(path: Path, like: str) -> np.ndarray:
    found = []
    for _, ids, features in _batches(path):
        found += [features[place] for place, one in enumerate(ids) if one == like]
    if not found:
        raise UsageError(f"no features of {like!r} in {str(path)!r}", "name an id of its files")
    if any(not np.array_equal(one, found[0]) for one in found):
        raise UsageError(f"{len(found)} images have the id {like!r}", "search in one file")
    return np.asarray(found[0])


def _batches(path: Path) -> Iterator[tuple[Path, list[str], np.ndarray]]:
    """Ids and features (B, D) of all files, rows without features left out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
    if not files:
        raise UsageError(f"{str(path)!r} holds no features", "name a folder of `lensbench embed`")
    for file in files:
        try:
            with pq.ParquetFile(file) as opened:
                for batch in opened.iter_batches(_ROWS, columns=["id", FEATURES]):
                    kept = batch.filter(batch.column(FEATURES).is_valid())
                    if len(kept) == 0:
                        continue
                    flat = kept.column(FEATURES).flatten().to_numpy(zero_copy_only=False)
                    yield file, kept.column("id").to_pylist(), flat.reshape(len(kept), -1)
        except (OSError, KeyError, pa.ArrowException) as error:
            raise DataError(
                f"{str(file)!r} holds no features: {str(error).splitlines()[0]}",
                "name a file of `lensbench embed`",
            ) from None
