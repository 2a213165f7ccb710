"""Classes of the images of one file: beside the images, or in a file beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lensbench.data.picture import Column, Selection
from lensbench.data.readers.guard import reading
from lensbench.data.readers.npy_header import open_array
from lensbench.data.texts import text_of
from lensbench.errors import DataError

LABEL_NAMES = (
    "is_lens",
    "is_lensed",
    "is_strong_lens",
    "label",
    "labels",
    "class",
    "classes",
    "category",
    "classification",
    "kind",
    "y",
    "target",
    "targets",
)
"""Names under which classes are found."""


_WHOLE = re.compile(r"^(-?\d+)\.0+$")


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


def class_text(value: object) -> str:
    """The name of a class: a number that is whole has no decimal point."""
    return _WHOLE.sub(r"\1", text_of(value))


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
        raise DataError(f"{origin} holds {array.dtype}, expected classes", "name them by --labels")
    return Labels(tuple(map(class_text, array)), origin)


def are_numbers(values: np.ndarray) -> bool:
    """Whether values (N,) or (N, 1) are numbers to measure, and not classes.

    Fractions are, and so are integers that nearly all differ.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "iuf" or (array.ndim > 1 and max(array.shape[1:]) > 1):
        return False
    flat = array.reshape(-1)
    known = flat[np.isfinite(flat)] if array.dtype.kind == "f" else flat
    if not len(known):
        return array.dtype.kind == "f"
    distinct = len(np.unique(known))
    return bool((known != np.round(known)).any()) or (distinct > 100 and 2 * distinct > len(known))


def values_beside(path: Path, count: int, selection: Selection) -> tuple[Labels, dict[str, Column]]:
    """Classes, or numbers by name, in another .npy file of the folder.

    It is the file that the selection names, or one whose name says so.
    """
    file = _file_beside(path, selection)
    if file is None:
        return Labels(), {}
    with reading(file, "classes"):
        values = np.asarray(open_array(file))
    if not are_numbers(values):
        return as_labels(values, file.name, count), {}
    if values.size != count:
        raise DataError(f"{file.name} has {values.size} numbers for {count} images", "--labels")
    return Labels(), {file.stem: Column(values.reshape(-1).astype(np.float64))}


def _file_beside(path: Path, selection: Selection) -> Path | None:
    if selection.labels:
        named = Path(selection.labels)
        found = named if named.exists() else path.parent / selection.labels
        if not found.exists():
            raise DataError(f"there is no {selection.labels!r}", "--labels names a .npy file")
        return found
    for other in sorted(path.parent.glob("*.npy")):
        if other != path and is_label_name(path.stem, other.stem):
            return other
    return None


def is_label_name(images: str, labels: str) -> bool:
    """Whether a stem names the classes of images: `labels`, `X`/`y`, `images_1`/`labels_1`."""
    if labels.lower() in LABEL_NAMES:
        return True
    pairs = (("X", "y"), ("x", "y"), ("images", "labels"), ("image", "label"), ("data", "labels"))
    return any(left in images and images.replace(left, right) == labels for left, right in pairs)
