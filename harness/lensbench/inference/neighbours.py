"""Which images are most like one, by their features: all are looked at, or an index is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from lensbench.inference.feature_files import Batch, batches_of, features_of, files_of

Metric = Literal["cosine", "euclidean"]


@dataclass(frozen=True)
class Neighbour:
    """One of the nearest, with its distance and the file that it is in, relative to the folder."""

    id: str
    distance: float
    shard: str


def neighbours(
    path: Path, like: str, count: int, metric: Metric = "cosine", index: Path | None = None
) -> list[Neighbour]:
    """The nearest of an image, itself left out, from near to far.

    Distances are exact. Without an index so are the neighbours, and all files are read; an index
    names candidates, of which alone features are read.

    Args:
        path: A file of `lensbench embed`, or a folder of them.
        like: Id of the image.
        count: How many.
        metric: Distance: 1 − cos of the angle, or the length of the difference.
        index: A file of an index; made where it is not there, or is of other features.

    Raises:
        UsageError: Where no image has this id, or several have.
        DataError: Where a file holds no features, or features of another length.
    """
    files = files_of(path)
    query = features_of(files, like)
    if index is None:
        return _nearest(path, like, query, batches_of(files), count, metric)
    from lensbench.inference.index import index_of

    found = index_of(index, path, files, metric).candidates(query, count + 1)
    return _nearest(path, like, query, found, count, metric)


def _nearest(
    path: Path, like: str, query: np.ndarray, batches: Iterable[Batch], count: int, metric: Metric
) -> list[Neighbour]:
    from sklearn.metrics import pairwise_distances

    best: list[Neighbour] = []
    for batch in batches:
        distances = pairwise_distances(batch.features, query[None], metric=metric)[:, 0]
        name = batch.file.name if batch.file == path else str(batch.file.relative_to(path))
        nearest = np.argsort(distances, kind="stable")[: count + 1]
        best += [
            Neighbour(batch.ids[place], float(distances[place]), name)
            for place in nearest
            if batch.ids[place] != like
        ]
        best = sorted(best, key=lambda one: (one.distance, one.id))[:count]
    return best
