"""What one pass over a source counts: ranges, defects, classes, PSFs and noise maps."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from lensbench.data.duplicates import MOST, thumbnail
from lensbench.data.picture import SENTINEL, Picture, Source
from lensbench.data.readers.guard import RefusedFileError
from lensbench.data.sharp import MANY, sharp_pixels
from lensbench.errors import DataError

SATURATED = 5
"""Pixels at the very maximum of an image from which it counts as saturated."""

_NAMED = 5


@dataclass
class Finding:
    """A defect: how many images have it, and the first few."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """One more image."""
        self.count += 1
        if len(self.examples) < _NAMED:
            self.examples.append(name)


@dataclass
class Statistics:
    """Counts over all images that were read.

    Attributes:
        shapes: How many images of each shape (C, H, W), as `C×H×W`.
        lows: Smallest finite pixel of each image. `highs`: largest.
        defects: By name: `unreadable`, `nan`, `infinite`, `constant`, `saturated`, `cosmic_rays`,
            `duplicate`, `duplicate_other_class`, `duplicate_other_split`, `psf_sum`,
            `noise_sentinel`.
        hashes: Index of the first image of each content.
        thumbnails: Of at most `MOST` images, with their indices.
        errors: What could not be read, the first few.
    """

    shapes: Counter[str] = field(default_factory=Counter)
    dtypes: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    scales: Counter[str] = field(default_factory=Counter)
    psf_shapes: Counter[str] = field(default_factory=Counter)
    noise_maps: int = 0
    masks: int = 0
    bands: Counter[str] = field(default_factory=Counter)
    widths: Counter[str] = field(default_factory=Counter)
    psf_sums: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=dict)
    defects: dict[str, Finding] = field(default_factory=dict)
    hashes: dict[bytes, int] = field(default_factory=dict)
    thumbnails: list[np.ndarray] = field(default_factory=list)
    compared: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def defect(self, kind: str, name: str) -> None:
        """Counts a defect of an image."""
        self.defects.setdefault(kind, Finding()).add(name)


def collect(source: Source, report: Callable[[int, int, str], None]) -> Statistics:
    """Reads every image of a source once; object pickles are left alone."""
    found = Statistics()
    step = max(1, -(-len(source.items) // MOST))
    for index, item in enumerate(source.items):
        if not item.pickled:
            try:
                _add(found, source, index, source.read(index), index % step == 0)
            except RefusedFileError:
                raise
            except DataError as error:
                found.defect("unreadable", item.name)
                if len(found.errors) < _NAMED:
                    found.errors.append(error.message)
        report(index + 1, len(source.items), "")
    return found


def _add(found: Statistics, source: Source, index: int, picture: Picture, compare: bool) -> None:
    item, pixels = source.items[index], picture.pixels
    found.shapes["×".join(map(str, pixels.shape))] += 1
    found.dtypes[picture.dtype] += 1
    found.units[picture.unit] += 1
    scale = picture.pixel_scale
    found.scales[f"{scale:.4g}" if scale else ""] += 1
    for name, value in picture.values.items():
        found.values.setdefault(name, []).extend([value] if math.isfinite(value) else [])
    found.bands[", ".join(picture.bands)] += 1
    found.widths[f"{picture.psf_fwhm:.3g}" if picture.psf_fwhm else ""] += 1
    found.masks += picture.mask is not None
    for kind in _pixel_defects(found, pixels, picture.unusable()):
        found.defect(kind, item.name)
    _compare(found, source, index, pixels)
    if compare and np.isfinite(pixels).any():
        found.thumbnails.append(thumbnail(pixels))
        found.compared.append(index)
    if picture.psf is not None:
        total = float(np.nansum(picture.psf, dtype=np.float64))
        found.psf_shapes["×".join(map(str, picture.psf.shape))] += 1
        found.psf_sums.append(total)
        if abs(total - 1) > 1e-3:
            found.defect("psf_sum", item.name)
    if picture.mask is not None and picture.mask.mean() > 0.5:
        found.defect("mask_most", item.name)
    if picture.noise is not None:
        found.noise_maps += 1
        positive = picture.noise[np.isfinite(picture.noise) & (picture.noise > 0)]
        if len(positive) == 0 or (positive > SENTINEL * np.median(positive)).any():
            found.defect("noise_sentinel", item.name)
        bad = ~(np.isfinite(picture.noise) & (picture.noise > 0))
        if (bad & ~(picture.mask if picture.mask is not None else np.False_)).any():
            found.defect("noise_not_positive", item.name)


def _pixel_defects(found: Statistics, pixels: np.ndarray, bad: np.ndarray) -> list[str]:
    """Names of what is wrong with an image; its range is kept where it has one.

    Pixels that the image's own mask or noise map rules out are no defect.
    """
    finite = np.isfinite(pixels) & ~bad
    kinds = []
    if (np.isnan(pixels) & ~bad).any():
        kinds.append("nan")
    if (np.isinf(pixels) & ~bad).any():
        kinds.append("infinite")
    if not finite.any():
        return kinds
    known = pixels[finite]
    low, high = float(known.min()), float(known.max())
    found.lows.append(low)
    found.highs.append(high)
    found.medians.append(float(np.median(known)))
    if low == high:
        kinds.append("constant")
    elif int((known == high).sum()) >= SATURATED:
        kinds.append("saturated")
    if sharp_pixels(pixels, ~finite) >= MANY:
        kinds.append("cosmic_rays")
    return kinds


def _compare(found: Statistics, source: Source, index: int, pixels: np.ndarray) -> None:
    """Finds images that were seen before, bit for bit."""
    digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()[:16]
    first = found.hashes.setdefault(digest, index)
    if first == index:
        return
    item, other = source.items[index], source.items[first]
    found.defect("duplicate", f"{item.name} = {other.name}")
    if item.label != other.label:
        found.defect("duplicate_other_class", f"{item.name} = {other.name}")
    if item.split != other.split:
        found.defect("duplicate_other_split", f"{item.name} = {other.name}")
