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

from lensbench.data.duplicates import near_duplicates, thumbnail
from lensbench.data.picture import Picture, Source
from lensbench.errors import DataError

READ = 8000
"""Images that are read in full; of more, files are known by name, size and time."""

COMPARED = 3000
"""Images that are compared for near-duplicates."""

_SAMPLED = 200
_COPIES = 16
"""Images of one object: larger groups of like images are alike by nature, and no copies."""

_ARCSEC = np.deg2rad(1 / 3600)
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
    links = _Links(len(indices))
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


class _Links:
    """Which images belong together, as a forest."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def root(self, index: int) -> int:
        while self._parents[index] != index:
            self._parents[index] = self._parents[self._parents[index]]
            index = self._parents[index]
        return index

    def join(self, first: int, second: int) -> None:
        a, b = self.root(first), self.root(second)
        self._parents[max(a, b)] = min(a, b)

    def join_equal(self, values: Sequence[str]) -> None:
        """Joins images of one value; an empty value joins none."""
        if len(set(values)) == len(values):
            return
        seen: dict[str, int] = {}
        for index, value in enumerate(values):
            if value and seen.setdefault(value, index) != index:
                self.join(seen[value], index)

    def join_near(self, positions: np.ndarray) -> int:
        """Joins images whose centres (N, 2) [deg] lie within an arcsecond; NaN joins none.

        A position that many or all images share is that of a header that was copied: it joins none.

        Returns:
            How many images have such.
        """
        from scipy.spatial import cKDTree

        known = np.flatnonzero(np.isfinite(positions).all(1))
        if len(known) < 2:
            return 0
        ra, dec = np.deg2rad(positions[known]).T
        unit = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], 1)
        places, first, which = np.unique(unit, axis=0, return_index=True, return_inverse=True)
        own = _Links(len(positions))
        for index, place in zip(known.tolist(), which.ravel().tolist(), strict=True):
            own.join(int(known[first[place]]), index)
        for a, b in cKDTree(places).query_pairs(_ARCSEC):
            own.join(int(known[first[a]]), int(known[first[b]]))
        return self._join_small(own, min(_COPIES, len(positions) - 1))

    def join_alike(self, thumbnails: np.ndarray, contents: Sequence[str]) -> None:
        """Joins images that are nearly the same, where few are: the copies of one object."""
        own = _Links(len(thumbnails))
        for pair in near_duplicates(thumbnails):
            if contents[pair.first] != contents[pair.second]:
                own.join(pair.first, pair.second)
        self._join_small(own, _COPIES)

    def _join_small(self, own: _Links, most: int) -> int:
        """Joins the groups of other links of at most so many; how many images are in larger."""
        roots = [own.root(index) for index in range(len(self._parents))]
        sizes = Counter(roots)
        for index, root in enumerate(roots):
            if root != index and sizes[root] <= most:
                self.join(root, index)
        return sum(size for size in sizes.values() if size > most)

    def numbers(self) -> np.ndarray:
        """The number of each image's group."""
        return np.array([self.root(index) for index in range(len(self._parents))])


def positions_of(source: Source, indices: Sequence[int]) -> np.ndarray:
    """Right ascension and declination (N, 2) [deg] from the images, else from their table."""
    lower = {name.lower(): column for name, column in source.columns.items() if column.numeric}
    table = [lower.get(name) for name in ("ra", "dec")]
    found = np.full((len(indices), 2), np.nan)
    if table[0] is not None and table[1] is not None:
        found = np.stack([column.values[list(indices)] for column in table if column], 1)
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
