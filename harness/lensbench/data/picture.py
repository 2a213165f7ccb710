"""What every reader gives: images as they were found, with what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from lensbench.api.psf_image import PsfImage

SENTINEL = 1e6
"""Noise of this many times the median is a flag for a bad pixel, not a noise."""


@dataclass(frozen=True, slots=True)
class Item:
    """One image of a source, named but not read.

    Attributes:
        name: Unique within its source.
        label: Class, in the words of the source; empty where there is none.
        split: Such as `train` or `val`; empty where there is none.
        condition: Band, instrument or condition; empty where there is one only.
        scene: Name of what is in the picture: the same for all its bands and conditions.
        pickled: The file is an object pickle: it is read only when converted.
        position: Right ascension and declination of the image's centre [deg], where known.
    """

    name: str
    label: str = ""
    split: str = ""
    condition: str = ""
    scene: str = ""
    pickled: bool = False
    position: tuple[float, float] | None = None


@dataclass(frozen=True)
class Picture:
    """One image.

    Attributes:
        pixels: Native-endian float32 (C, H, W).
        dtype: As it was stored, byte order included, e.g. `>f4`.
        pixel_scale: Side of a pixel [arcsec], where known.
        unit: Of the pixels, where known.
        psf: Point-spread function (h, w), where there is one.
        noise: Standard deviation of the noise of each pixel (H, W) or (C, H, W), in the unit of
            the pixels.
        values: Numbers beside the image, by name, e.g. the vortex's `mass`.
        mask: Pixels (H, W) or (C, H, W) that must not be used, where the file marks such.
        psf_fwhm: Full width at half maximum of the PSF [arcsec], where known.
        bands: Names of the channels, where known.
        microjansky: Surface brightness [µJy/arcsec²] of a pixel of value one, where the unit, the
            zero point and the pixel scale say it.
    """

    pixels: np.ndarray
    dtype: str
    pixel_scale: float | None = None
    unit: str = ""
    psf: np.ndarray | None = None
    noise: np.ndarray | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    mask: np.ndarray | None = None
    psf_fwhm: float | None = None
    bands: tuple[str, ...] = ()
    microjansky: float | None = None

    def square_psf(self) -> np.ndarray | None:
        """The middle square of the PSF (n, n), of sum one; `None` where there is none of use."""
        if self.psf is None:
            return None
        values = np.nan_to_num(self.psf.astype(np.float64)).clip(min=0)
        side = min(values.shape)
        top, left = (values.shape[0] - side) // 2, (values.shape[1] - side) // 2
        square = values[top : top + side, left : left + side]
        return square / square.sum() if square.sum() > 0 else None

    def psf_width(self) -> float | None:
        """Full width at half maximum of the PSF [arcsec]: as stated, else as it is measured."""
        if self.psf_fwhm:
            return self.psf_fwhm
        square = self.square_psf()
        if square is None or not self.pixel_scale:
            return None
        from lensbench.sky.psf import measure_fwhm

        return measure_fwhm(PsfImage(self.pixel_scale, square))

    def unusable(self) -> np.ndarray:
        """Pixels (C, H, W) that the image's own mask or noise map rules out.

        A noise that is not finite, not positive, or a million times the typical one is a flag.
        """
        bad = np.zeros(self.pixels.shape, dtype=bool)
        if self.mask is not None:
            bad |= self.mask
        if self.noise is not None:
            known = np.isfinite(self.noise) & (self.noise > 0)
            typical = float(np.median(self.noise[known])) if known.any() else 0.0
            bad |= ~known | (np.nan_to_num(self.noise, posinf=0) > SENTINEL * typical)
        return bad


@dataclass(frozen=True)
class Column:
    """What a table says of every image of a source: numbers, or texts that are classes.

    Attributes:
        values: One an item: float64 (NaN where unknown) or text (empty where unknown).
        unit: Of numbers, where known.
    """

    values: np.ndarray
    unit: str = ""

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers."""
        return self.values.dtype.kind == "f"


@dataclass(frozen=True)
class Selection:
    """What a user says about files that do not say it themselves; empty means: find out.

    Attributes:
        key: Array, column or HDF5 dataset that holds the images.
        labels: The one that holds the classes.
        extension: FITS extension by name or number.
        table: CSV or FITS table beside the images.
        shape: Of a file without a header.
        dtype: Of a file without a header, e.g. `<f8`.
        zeropoint: AB magnitude of one count per second, where a header does not say.
        split_column: The column that names the split of each image.
        objects: Read object pickles, by the unpickler that knows arrays and nothing else.
        encoded: Read PNG, JPEG and TIFF files of a folder; set where it has no other images.
    """

    key: str = ""
    labels: str = ""
    extension: str = ""
    table: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    zeropoint: float | None = None
    split_column: str = ""
    objects: bool = False
    encoded: bool = False

    @property
    def of_arrays(self) -> str:
        """What a command says of the arrays to read, e.g. `--key data --labels y`."""
        named = {"--key": self.key, "--labels": self.labels}
        return " ".join(f"{option} {name}" for option, name in named.items() if name)


@dataclass(frozen=True)
class Source:
    """Images at one path, recognised.

    Attributes:
        path: Where they are, as the user named it.
        layout: Name of the layout, e.g. `class-folders`.
        title: One line on what it is.
        items: Every image, in a fixed order.
        read: Gives the picture of an index.
        notes: What is worth knowing before use, a sentence each.
        options: What to add to a command so that this source is read as it was, e.g. `--key data`.
        facts: Metadata of the whole, for reports.
        classes: Classes in the order of their indices, where the source fixes one.
        columns: Numbers and further classes of every item, by name.
        left_out: What lies at the path and is not among the items, with the reason; a sentence
            each.
    """

    path: str
    layout: str
    title: str
    items: tuple[Item, ...]
    read: Callable[[int], Picture]
    notes: tuple[str, ...] = ()
    options: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def noting(self, *notes: str) -> Source:
        """The same with more notes."""
        return replace(self, notes=(*self.notes, *notes))


CANONICAL = {
    "axion": "vortex",
    "vort": "vortex",
    "vortex": "vortex",
    "sphere": "cdm",
    "cdm": "cdm",
    "no": "no_sub",
    "no_sub": "no_sub",
}
"""Substructure classes of the DeepLense release, as its parts spell them, by our names."""


def canonical_label(label: str) -> str:
    """A class as lensbench names it; unknown names stay."""
    return CANONICAL.get(label, label)
