"""Classes of the images of one file: beside the images, or in a file beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lensbench.data.picture import Selection
from lensbench.data.readers.guard import reading
from lensbench.data.readers.npy_header import open_array
from lensbench.errors import DataError

LABEL_NAMES = ("is_lens", "label", "labels", "class", "classes", "y", "target", "targets")
"""Names under which classes are found."""


@dataclass(frozen=True)
class Labels:
    """Class of each image, as text; none where `values` is empty."""

    values: tuple[str, ...] = ()
    origin: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that there are, sorted."""
        return tuple(sorted(set(self.values)))

    def of(self, index: int) -> str:
        """Class of one image."""
        return self.values[index] if self.values else ""


def as_labels(values: np.ndarray | Sequence[object], origin: str, count: int) -> Labels:
    """Labels (N,), (N, 1) or one-hot (N, K) as text.

    Raises:
        DataError: Where there are not as many as images, or they are no classes.
    """
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "biuf":
        array = array.argmax(1)
    array = array.reshape(-1)
    if len(array) != count:
        raise DataError(
            f"{origin} has {len(array)} classes for {count} images", "name others with --labels"
        )
    if array.dtype.kind == "f" and np.isfinite(array).all() and (array == array.round()).all():
        array = array.astype(np.int64)
    if array.dtype.kind not in "biuSUO":
        raise DataError(f"{origin} holds {array.dtype}, expected classes", "name others")
    texts = (v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in array)
    return Labels(tuple(texts), origin)


def labels_beside(path: Path, count: int, selection: Selection) -> Labels:
    """Labels in another .npy file of the folder: the one named, or one whose name says so."""
    if selection.labels:
        named = Path(selection.labels)
        found = named if named.exists() else path.parent / selection.labels
        if not found.exists():
            raise DataError(f"there is no {selection.labels!r}", "--labels names a .npy file")
        return _read(found, count)
    for other in sorted(path.parent.glob("*.npy")):
        stem = other.stem.lower()
        if other != path and (stem in LABEL_NAMES or _answers(path.stem, other.stem)):
            return _read(other, count)
    return Labels()


def _answers(images: str, labels: str) -> bool:
    """Whether two stems name images and their classes: `X`/`y`, `images_train`/`labels_train`."""
    pairs = (("X", "y"), ("x", "y"), ("images", "labels"), ("image", "label"), ("data", "labels"))
    return any(left in images and images.replace(left, right) == labels for left, right in pairs)


def _read(path: Path, count: int) -> Labels:
    with reading(path, "classes"):
        return as_labels(np.asarray(open_array(path)), path.name, count)
