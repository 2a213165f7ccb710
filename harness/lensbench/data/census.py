"""One pass over images before they are used: what they are, and which show the same object."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lensbench.data.duplicates import thumbnail
from lensbench.data.links import Links
from lensbench.data.names import position_names
from lensbench.data.picture import Picture, Source
from lensbench.errors import DataError

READ = 8000
"""Images that are read in full; of more, files are known by name, size and time."""

COMPARED = 3000
"""Images that are compared for near-duplicates."""

_SAMPLED = 200
_BLOCK = 4096


@dataclass(frozen=True)
class Census:
    """What images are.

    Attributes:
        groups: Number of the object that each image shows (N,).
        digest: Of names, classes and pixels; of names, classes, sizes and times of files where
            there are many.
        shapes: How many images of each shape (C, H, W), of those that were looked at.
        pixel_scales: Sides of their pixels [arcsec], each once, where known.
        psf_fwhm: Median width of the PSF [arcsec], where known.
        psf: Mean PSF of sum one, where all have one; smaller ones are widened by zeros.
        psf_varies: Whether PSFs differ by a hundredth of their peak, or widths by a fiftieth.
        bands: Names of the channels, where all images agree.
        looked_at: How many images were read.
        notes: What is not believed of them, a sentence each.
    """

    groups: np.ndarray
    digest: str
    shapes: Counter[tuple[int, ...]]
    pixel_scales: tuple[float, ...]
    psf_fwhm: float | None
    psf: np.ndarray | None
    psf_varies: bool
    bands: tuple[str, ...]
    looked_at: int
    notes: tuple[str, ...] = ()


def take_census(source: Source, indices: Sequence[int]) -> Census:
    """Looks at images of a source: at all of a few thousand, else at an even sample.

    Images show the same object where they have the same scene, lie within an arcsecond of each
    other by their WCS or their table, are copies of each other, or nearly so in any of eight
    orientations.

    Raises:
        DataError: Where an image cannot be used, naming it and what to do.
    """
    found = _Found()
    links = Links(len(indices))
    links.join_equal([source.items[i].scene or source.items[i].name for i in indices])
    crowded = links.join_near(positions_of(source, indices))
    if len(indices) <= READ:
        contents = [found.add(source, index) for index in indices]
        digest = _digest(source, indices, contents)
    else:
        for index in indices[:: -(-len(indices) // _SAMPLED)]:
            found.add(source, index)
        contents, stamps = _contents_and_stamps(source, indices)
        digest = _digest(source, indices, stamps)
    links.join_equal(contents)
    if len(indices) <= COMPARED:
        links.join_alike(np.stack(found.thumbnails), contents)
    return Census(
        links.numbers(),
        digest,
        found.shapes,
        tuple(sorted(found.scales)),
        float(np.median(found.widths)) if found.widths else None,
        found.mean_psf(),
        found.psf_varies(),
        next(iter(found.bands)) if len(found.bands) == 1 else (),
        len(found.thumbnails),
        (
            f"{crowded} images lie at one position by their headers or table. That is not "
            "believed, and they count as different objects.",
        )
        if crowded
        else (),
    )


def usable_pixels(name: str, picture: Picture) -> np.ndarray:
    """Which pixels (C, H, W) cannot be used; an image that has others of these is refused.

    Raises:
        DataError: Where pixels are not finite and neither mask nor noise map says so, or the
            image is constant.
    """
    bad = picture.unusable()
    finite = np.isfinite(picture.pixels)
    if not (finite | bad).all() and picture.mask is None and picture.noise is None:
        raise DataError(
            f"{name!r} has {int((~finite).sum())} pixels that are NaN or infinite",
            "stored:nan=mask masks them; or give a mask or a noise map that marks them",
        )
    bad |= ~finite
    known = picture.pixels[~bad]
    if not len(known) or np.ptp(known) == 0:
        raise DataError(f"{name!r} is constant", "leave it out of the folder")
    return bad


def widened_psf(psf: np.ndarray, side: int) -> np.ndarray:
    """A PSF (n, n) in the middle of a larger square of zeros, or the middle of a larger one.

    Its side and the new one are both odd or both even.
    """
    margin = (side - len(psf)) // 2
    return np.pad(psf, margin) if margin >= 0 else psf[-margin:margin, -margin:margin]


class _Psfs:
    """A running sum of PSFs (n, n) for each n, and whether they differ."""

    def __init__(self) -> None:
        self.count = 0
        self.differ = False
        self._first: dict[int, np.ndarray] = {}
        self._sums: dict[int, np.ndarray] = {}

    def add(self, psf: np.ndarray) -> None:
        """One more PSF of sum one."""
        self.count += 1
        side = len(psf)
        first = self._first.setdefault(side, psf)
        self.differ |= bool(len(self._first) > 1 or np.abs(psf - first).max() > 0.01 * first.max())
        self._sums[side] = self._sums.get(side, 0) + psf

    def mean(self) -> np.ndarray | None:
        """Their mean; `None` where there is none, or odd and even sides are mixed."""
        if len({side % 2 for side in self._sums}) != 1:
            return None
        side = max(self._sums)
        total: np.ndarray = np.sum([widened_psf(one, side) for one in self._sums.values()], axis=0)
        mean: np.ndarray = total / total.sum()
        return mean


class _Found:
    """What is gathered image by image."""

    def __init__(self) -> None:
        self.shapes: Counter[tuple[int, ...]] = Counter()
        self.scales: set[float] = set()
        self.widths: list[float] = []
        self.bands: set[tuple[str, ...]] = set()
        self.thumbnails: list[np.ndarray] = []
        self._psfs = _Psfs()

    def add(self, source: Source, index: int) -> str:
        """Looks at an image and gives the hash of its pixels."""
        picture = source.read(index)
        bad = usable_pixels(source.items[index].name, picture)
        pixels = picture.pixels
        self.shapes[pixels.shape] += 1
        self.bands.add(picture.bands)
        if picture.pixel_scale:
            self.scales.add(round(picture.pixel_scale, 5))
        if picture.psf_fwhm or len(self.widths) < _SAMPLED:
            width = picture.psf_width()
            self.widths += [] if width is None else [width]
        if (psf := picture.square_psf()) is not None:
            self._psfs.add(psf)
        self.thumbnails.append(thumbnail(np.where(bad, np.nan, pixels) if bad.any() else pixels))
        return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()

    def mean_psf(self) -> np.ndarray | None:
        """The mean of all PSFs, where every image has one and they have a common centre."""
        return self._psfs.mean() if self._psfs.count == self.shapes.total() else None

    def psf_varies(self) -> bool:
        """Whether PSFs differ by a hundredth of their peak, or widths by a fiftieth."""
        wide = bool(self.widths) and max(self.widths) > 1.02 * min(self.widths)
        return wide or self._psfs.differ


def positions_of(source: Source, indices: Sequence[int]) -> np.ndarray:
    """Right ascension and declination (N, 2) [deg] from the images, else from their table."""
    numeric = {name: column.values for name, column in source.columns.items() if column.numeric}
    found = np.full((len(indices), 2), np.nan)
    if names := position_names(numeric):
        found = np.stack([numeric[name][list(indices)] for name in names], 1)
    for place, index in enumerate(indices):
        position = source.items[index].position
        if position is not None:
            found[place] = position
    return found


def _digest(source: Source, indices: Sequence[int], contents: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for index, content in zip(indices, contents, strict=True):
        item = source.items[index]
        digest.update(f"{item.name}\0{item.label}\0{item.split}\0{content}\0".encode())
    for name, column in sorted(source.columns.items()):
        digest.update(name.encode() + b"\0")
        digest.update(repr(column.values[list(indices)].tolist()).encode())
    return digest.hexdigest()


def _contents_and_stamps(source: Source, indices: Sequence[int]) -> tuple[list[str], Iterable[str]]:
    """Hashes, equal for copies and empty for all others; and size and time of each item's file.

    Files whose size and middle are equal are read in full. Where items have no files of their own,
    all pixels are read, and their hashes stand for both.
    """
    names = [source.items[index].name for index in indices]
    folder = Path(source.path)
    looks = np.empty((len(names), 3), dtype=np.int64)
    try:
        for place, name in enumerate(names):
            looks[place] = _look_at(f"{folder}/{name}")
    except OSError:
        contents = [_hash(source.read(index).pixels.tobytes()) for index in indices]
        return contents, contents
    _, first, count = np.unique(looks[:, :2], axis=0, return_inverse=True, return_counts=True)
    contents = [""] * len(names)
    for twin in np.flatnonzero(count[first.ravel()] > 1):
        contents[twin] = _hash((folder / names[twin]).read_bytes())
    return contents, (f"{size} {time}" for size, _, time in looks)


def _look_at(file: str) -> tuple[int, int, int]:
    """Size of a file, a checksum of a block in its middle, and its time."""
    handle = os.open(file, os.O_RDONLY)
    try:
        status = os.fstat(handle)
        middle = os.pread(handle, _BLOCK, max(0, status.st_size // 2 - _BLOCK // 2))
    finally:
        os.close(handle)
    return status.st_size, zlib.crc32(middle), status.st_mtime_ns


def _hash(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
