"""Images that are the same, or nearly so: by hash, and by correlation of small copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

SIDE = 16
"""Side of the copies that are compared [pixels]."""

THRESHOLD = 0.999
"""Correlation of the copies of two images from which they count as nearly the same."""

MOST = 8000
"""Images that are compared; more are thinned out evenly, and the report says so."""

_BLOCK = 1024
_KEPT = 50_000


@dataclass(frozen=True)
class Pair:
    """Two images by their indices, and how alike they are in the best of eight orientations."""

    first: int
    second: int
    correlation: float


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """A copy (SIDE, SIDE) of an image (C, H, W), of mean 0 and norm 1, for correlating.

    The mean over channels, stretched by asinh in units of its own scatter so that one bright pixel
    does not decide, and averaged over blocks. Unknown pixels are taken at the median.
    """
    flat = pixels.mean(0, dtype=np.float64)
    finite = np.isfinite(flat)
    middle = float(np.median(flat[finite])) if finite.any() else 0.0
    flat = np.where(finite, flat, middle) - middle
    spread = float(np.sqrt(np.mean(flat**2)))
    if spread > 0:
        flat = np.arcsinh(flat / spread)
    small = _blocks(_blocks(flat, 0), 1)
    small -= small.mean()
    norm = float(np.linalg.norm(small))
    return (small / norm if norm > 0 else small).astype(np.float32)


def _blocks(image: np.ndarray, axis: int) -> np.ndarray:
    """Means of SIDE blocks along an axis; rows are repeated where there are fewer."""
    size = image.shape[axis]
    if size < SIDE:
        image = np.repeat(image, -(-SIDE // size), axis)
        size = image.shape[axis]
    edges = np.linspace(0, size, SIDE + 1).round().astype(int)
    sums = np.add.reduceat(image, edges[:-1], axis)
    widths = np.diff(edges).reshape(-1, 1) if axis == 0 else np.diff(edges)
    return np.asarray(sums / widths)


def near_duplicates(thumbnails: np.ndarray, groups: Sequence[object] = ()) -> list[Pair]:
    """Pairs of thumbnails (N, SIDE, SIDE) that are nearly the same, turned or flipped included.

    Args:
        thumbnails: As `thumbnail` makes them.
        groups: One a thumbnail; two of the same group are not compared (bands of one scene).

    Returns:
        At most 50,000 pairs, each with first < second.
    """
    count = len(thumbnails)
    flat = thumbnails.reshape(count, -1)
    turned = [one.reshape(count, -1) for one in _orientations(thumbnails)]
    codes = np.unique(np.asarray(groups), return_inverse=True)[1] if len(groups) else None
    pairs: list[Pair] = []
    for start in range(0, count, _BLOCK):
        block = flat[start : start + _BLOCK]
        for other in range(start, count, _BLOCK):
            best = block @ turned[0][other : other + _BLOCK].T
            for view in turned[1:]:
                np.maximum(best, block @ view[other : other + _BLOCK].T, out=best)
            for i, j in np.argwhere(best > THRESHOLD):
                first, second = start + int(i), other + int(j)
                if first >= second or (codes is not None and codes[first] == codes[second]):
                    continue
                pairs.append(Pair(first, second, float(best[i, j])))
                if len(pairs) >= _KEPT:
                    return pairs
    return pairs


def _orientations(thumbnails: np.ndarray) -> Iterator[np.ndarray]:
    """The eight symmetries of the square, the identity first."""
    for flipped in (thumbnails, thumbnails[:, :, ::-1]):
        for turns in range(4):
            yield np.ascontiguousarray(np.rot90(flipped, turns, (1, 2)))
