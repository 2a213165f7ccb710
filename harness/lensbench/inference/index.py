"""An index of features by faiss: names candidates for the nearest without reading all."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.data.whole import whole
from lensbench.errors import DataError, UsageError
from lensbench.inference.feature_files import batches_of, footer_of, rows_of

_SMALL = 20_000
"""Images that are kept as they are, and all compared."""

_MOST_LISTS = 65_536
_TRAINED_ON = 64
"""Features a list, of which the lists' centres are found."""

_MORE = 4
"""Candidates for each that is sought; exact distances choose among them."""


class Index:
    """An index of some files.

    Args:
        faiss: The library.
        index: Of all rows, numbered through the files.
        files: With the number of the first row of each.
        metric: `cosine` or `euclidean`.
    """

    def __init__(self, faiss: Any, index: Any, files: dict[Path, int], metric: str) -> None:
        self._faiss, self._index, self._files, self._metric = faiss, index, files, metric

    def candidates(self, query: np.ndarray, count: int) -> Iterator[Any]:
        """Rows that may be among the nearest, a batch a file, with their features.

        Args:
            query: Features (D,).
            count: How many are sought.

        Raises:
            UsageError: Where features have another length than those of the index.
        """
        asked = _ready(self._faiss, query[None], self._metric)
        _, numbers = self._index.search(asked, min(_MORE * count, self._index.ntotal))
        found = np.sort(numbers[0][numbers[0] >= 0])
        starts = np.array(list(self._files.values()))
        places = np.searchsorted(starts, found, side="right") - 1
        for place, file in enumerate(self._files):
            rows = found[places == place] - starts[place]
            if len(rows):
                yield rows_of(file, rows)


def index_of(path: Path, root: Path, files: Sequence[Path], metric: str) -> Index:
    """The index in a file, made first where it is not there or is of other features.

    Up to 20,000 images all are compared. More are shared out to lists by the nearest of as many
    centres, 4√N of them, each number in a byte; a search looks into the 2√(4√N) nearest lists
    (Jégou, Douze & Schmid 2011, IEEE TPAMI 33, 117).

    Args:
        path: Of the index; beside it, with `.json` added, stands what it is of.
        root: Folder of the features.
        files: Of the features.
        metric: `cosine` or `euclidean`.

    Raises:
        UsageError: Where faiss is not installed, or another file is in the place of the index.
        DataError: Where a file holds no features, or the index is damaged.
    """
    try:
        faiss: Any = importlib.import_module("faiss")
    except ImportError:
        raise UsageError("an index needs faiss", "pip install 'lensbench[index]'") from None
    footers = [footer_of(file) for file in files]
    counts = [rows for rows, _ in footers]
    starts = dict(zip(files, np.cumsum([0, *counts[:-1]]).tolist(), strict=True))
    digest = hashlib.sha256()
    for file, (_, footer) in zip(files, footers, strict=True):
        digest.update(str(file.relative_to(root)).encode() + b"\0" + footer)
    wanted = {"metric": metric, "rows": sum(counts), "features": digest.hexdigest()}
    beside = path.with_name(path.name + ".json")
    if path.exists() and not beside.exists():
        raise UsageError(f"{str(path)!r} is no index", "name another file")
    if not path.exists() or _read(beside) != wanted:
        beside.unlink(missing_ok=True)
        with whole(path, overwrite=True) as temporary:
            faiss.write_index(_build(faiss, files, starts, sum(counts), metric), str(temporary))
        with whole(beside, overwrite=True) as temporary:
            temporary.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    except RuntimeError:
        raise DataError(f"{str(path)!r} is damaged", "delete it; it is made again") from None
    if hasattr(index, "nprobe"):
        index.nprobe = round(2 * math.sqrt(index.nlist))
    return Index(faiss, index, starts, metric)


def _build(
    faiss: Any, files: Sequence[Path], starts: dict[Path, int], total: int, metric: str
) -> Any:
    index: Any = None
    for batch in batches_of(files):
        if index is None:
            index = _new(faiss, files, batch.features.shape[1], total, metric)
        ready = _ready(faiss, batch.features, metric)
        index.add_with_ids(ready, (batch.rows + starts[batch.file]).astype(np.int64))
    if index is None:
        raise UsageError(f"{str(files[0].parent)!r} holds no image with features", "name another")
    return index


def _new(faiss: Any, files: Sequence[Path], width: int, total: int, metric: str) -> Any:
    """An index without rows; its lists, where it has any, have their centres."""
    kind = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
    if total <= _SMALL:
        return faiss.index_factory(width, "IDMap,Flat", kind)
    lists = min(_MOST_LISTS, round(4 * math.sqrt(total)))
    index = faiss.index_factory(width, f"IVF{lists},SQ8", kind)
    step = max(1, total // (_TRAINED_ON * lists))
    chosen = np.concatenate([batch.features[batch.rows % step == 0] for batch in batches_of(files)])
    index.train(_ready(faiss, chosen, metric))
    return index


def _ready(faiss: Any, features: np.ndarray, metric: str) -> np.ndarray:
    """Features (B, D) as the index takes them: of length one where angles count."""
    values = np.array(features, dtype=np.float32, order="C")
    if metric == "cosine":
        faiss.normalize_L2(values)
    return values


def _read(beside: Path) -> Any:
    try:
        return json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
