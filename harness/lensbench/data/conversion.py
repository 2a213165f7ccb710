"""Conversion: any source as one images file of lensbench."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lensbench.data.container import Container, writing_container
from lensbench.data.picture import Picture, Source, canonical_label
from lensbench.data.whole import whole
from lensbench.errors import DataError

AS_STORED = "as-stored"
"""Name of the condition of images whose condition is not known."""


@dataclass(frozen=True)
class ConversionResult:
    """What was written.

    Attributes:
        images: How many. `conditions`: how many of each.
        dropped: What had to be left out, a sentence each.
    """

    path: str
    images: int
    conditions: dict[str, int]
    dropped: tuple[str, ...]


def convert(
    source: Source,
    path: Path,
    overwrite: bool,
    report: Callable[[int, int, str], None],
) -> ConversionResult:
    """Writes the images of a source, in their own units, with classes, numbers, PSFs and noise.

    Images of several shapes go to several conditions: `as-stored-1x64x64` and so on.

    Raises:
        DataError: Where an image cannot be read; nothing is left behind then.
        UsageError: Where `path` exists and may not be overwritten.
    """
    if path.suffix.lower() not in (".h5", ".hdf5"):
        raise DataError(f"{str(path)!r} is no HDF5 file by its suffix", "write to NAME.h5")
    first_shapes = _shapes(source)
    with whole(path, overwrite) as temporary:
        attributes = {
            "source": source.path,
            "source_layout": source.layout,
            "source_title": source.title,
        }
        with writing_container(temporary, attributes) as container:
            written = _Writer(container, source, first_shapes)
            for index in range(len(source.items)):
                written.add(index, source.read(index))
                report(index + 1, len(source.items), source.items[index].label)
            written.finish()
    return ConversionResult(
        str(path), len(source.items), written.counts, tuple(sorted(written.dropped))
    )


def _shapes(source: Source) -> dict[str, set[tuple[int, ...]]]:
    """Shapes of the images of each condition of a source, from a first pass over them."""
    shapes: dict[str, set[tuple[int, ...]]] = {}
    for index, item in enumerate(source.items):
        name = item.condition or AS_STORED
        shapes.setdefault(name, set()).add(source.read(index).pixels.shape)
    return shapes


class _Writer:
    """Appends pictures by condition, and at the end what is known of their scenes."""

    def __init__(
        self, container: Container, source: Source, shapes: dict[str, set[tuple[int, ...]]]
    ) -> None:
        self._container, self._source, self._shapes = container, source, shapes
        self._scenes: dict[str, int] = {}
        self._labels: list[str] = []
        self._splits: list[str] = []
        self._values: list[dict[str, float]] = []
        self._texts: dict[str, dict[int, str]] = {}
        self._extras: dict[str, dict[str, tuple[int, ...] | None]] = {}
        self.counts: dict[str, int] = {}
        self.dropped: set[str] = set()

    def add(self, index: int, picture: Picture) -> None:
        """One image."""
        item = self._source.items[index]
        scene = item.scene or item.name
        if scene not in self._scenes:
            self._scenes[scene] = len(self._scenes)
            self._labels.append(canonical_label(item.label.lower()) if item.label else "")
            self._splits.append(item.split)
            self._values.append({})
        row = self._scenes[scene]
        self._values[row].update(picture.values)
        self._add_columns(row, index)
        if item.position is not None:
            self._values[row].update(ra=item.position[0], dec=item.position[1])
        if picture.psf_fwhm:
            self._values[row]["psf_fwhm"] = picture.psf_fwhm
        name = item.condition or AS_STORED
        if len(self._shapes[name]) > 1:
            name += "-" + "x".join(map(str, picture.pixels.shape))
        group = f"/images/{name}"
        self._container.append(f"{group}/pixels", picture.pixels[None])
        self._container.append(f"{group}/scene", np.array([row], dtype=np.int64))
        scale = picture.pixel_scale or np.nan
        self._container.append(f"{group}/pixel_scale", np.array([scale], dtype=np.float64))
        if name not in self.counts:
            self._extras[name] = {
                "psf": _shape(picture.psf),
                "noise": _shape(picture.noise),
                "mask": _shape(picture.mask),
            }
            about = {"unit": picture.unit, "stored_dtype": picture.dtype}
            if picture.bands:
                about["bands"] = ",".join(picture.bands)
            self._container.describe(group, about)
        mask = None if picture.mask is None else picture.mask.astype(np.float32)
        for kind, array in (("psf", picture.psf), ("noise", picture.noise), ("mask", mask)):
            self._extra(name, kind, array)
        self.counts[name] = self.counts.get(name, 0) + 1

    def _add_columns(self, row: int, index: int) -> None:
        """What the source says of an image beside its picture."""
        for name, column in self._source.columns.items():
            if column.numeric:
                self._values[row].setdefault(name, float(column.values[index]))
            elif column.values[index]:
                self._texts.setdefault(name, {})[row] = str(column.values[index])

    def _extra(self, name: str, kind: str, array: np.ndarray | None) -> None:
        """A PSF or noise map, of the condition's first shape; NaN where an image has none."""
        shape = self._extras[name][kind]
        if shape is None or (array is not None and array.shape != shape):
            if array is not None:
                self.dropped.add(f"some {kind} of {name}, of another shape than the first image's")
            array = None
        if shape is not None:
            kept = np.full(shape, np.nan, np.float32) if array is None else array
            self._container.append(f"/images/{name}/{kind}", kept[None])

    def finish(self) -> None:
        """Ids, classes, splits and numbers of all scenes."""
        ids = np.array([name.encode() for name in self._scenes])
        self._container.append("/scenes/id", ids)
        if any(self._splits):
            self._container.append("/scenes/split", np.array([s.encode() for s in self._splits]))
        if any(self._labels):
            classes = _order(self._labels)
            index = np.array([classes.index(label) for label in self._labels], dtype=np.int64)
            path = f"/scenes/targets/{class_target(classes)}"
            self._container.append(path, index)
            self._container.mark(path, {"classes": list(classes)})
        names = sorted({name for values in self._values for name in values})
        for name in names:
            column = np.array([values.get(name, np.nan) for values in self._values])
            path = f"/scenes/parameters/{name.replace('/', '_')}"
            self._container.append(path, column)
            if name in self._source.columns:
                self._container.mark(path, {"unit": self._source.columns[name].unit})
        for name, texts in self._texts.items():
            kinds = sorted(set(texts.values()))
            rows = [kinds.index(texts[r]) if r in texts else -1 for r in range(len(self._scenes))]
            path = f"/scenes/targets/{name.replace('/', '_')}"
            if path not in self._container:
                self._container.append(path, np.array(rows, dtype=np.int64))
                self._container.mark(path, {"classes": kinds})


def class_target(classes: tuple[str, ...]) -> str:
    """Name of the target of these classes: `substructure` for those of the DeepLense release."""
    return "substructure" if set(classes) <= {"no_sub", "cdm", "vortex"} else "class"


def _order(labels: list[str]) -> tuple[str, ...]:
    """Classes in the order of their indices: ours as everywhere, others sorted."""
    found = set(labels)
    if found <= {"no_sub", "cdm", "vortex"}:
        return ("no_sub", "cdm", "vortex")
    return tuple(sorted(found))


def _shape(array: np.ndarray | None) -> tuple[int, ...] | None:
    return None if array is None else array.shape
