"""FITS: an image with its PSF and noise, or many bands in one file, each with its own."""

from __future__ import annotations

import os
import re
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.data.names import BAND
from lensbench.data.picture import Item, Picture, Selection, Source
from lensbench.data.readers.axes import LEAST_SIDE, MAX_CHANNELS, as_picture, without_unit_axes
from lensbench.data.readers.extensions import (
    Band,
    Extension,
    bands_of,
    is_named,
    named,
    unused,
    with_noise_once,
)
from lensbench.data.readers.filters import filter_of, filters_of_planes
from lensbench.data.readers.guard import check_shape, reading
from lensbench.data.readers.masks import bad_pixels, not_good
from lensbench.data.readers.world import pixel_scale_of, position_of
from lensbench.data.units import microjansky_of
from lensbench.errors import DataError
from lensbench.files import check_members, open_file, unzipped

SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fits.fz")

_GZIP = b"\x1f\x8b"
_MAX_EXTENSIONS = 10_000


@dataclass(frozen=True)
class Stated:
    """What headers say of an image.

    Attributes:
        position: Of the centre [deg], where a WCS says it.
        filter: Empty where none is stated. `object`: likewise.
    """

    position: tuple[float, float] | None = None
    filter: str = ""
    object: str = ""


NOTHING = Stated()
"""One for all images without such headers."""


@dataclass(frozen=True)
class FitsImages:
    """The images of a file.

    Attributes:
        bands: Each image with what goes with it.
        left_out: Extensions that are no image and go with none, with the reason.
        extensions: How many the file has.
        stated: What its headers say of each image, by its number.
    """

    bands: tuple[Band, ...]
    left_out: tuple[str, ...]
    extensions: int
    stated: Mapping[int, Stated]


def open_fits(path: Path, selection: Selection) -> Source:
    """Source of one FITS file: an item a band."""
    found = find_images(path, selection)
    bands = found.bands
    several = len(bands) > 1
    title = (
        f"one FITS file of {found.extensions} extensions with {len(bands)} images"
        if several
        else "one FITS image"
    )
    notes = []
    if several:
        listed = ", ".join(f"{band.name} [{band.image}]" for band in bands)
        notes.append(f"Images by name and number: {listed}; take one with --extension.")
    options = f"--extension {selection.extension}" if selection.extension else ""
    return Source(
        str(path),
        "multi-extension-fits" if several else "one-image",
        title,
        items_of(path.name, found),
        lambda index: read_band(path, bands[index], selection),
        tuple(notes),
        options,
        left_out=found.left_out,
    )


def items_of(name: str, found: FitsImages, label: str = "", split: str = "") -> tuple[Item, ...]:
    """An item for each image of a file: bands are of one scene, versions of one band are not."""
    bands = found.bands
    several = len(bands) > 1
    stems = {band.stem for band in bands}
    versions = {band.version for band in bands}
    if _are_objects(stems):
        stems = set()
    items = []
    for band in bands:
        condition = (band.stem or band.name.partition(",")[0]) if len(stems) > 1 else ""
        repeated = not stems or (len(versions) > 1 and len(stems) < len(bands))
        items.append(
            Item(
                f"{name}#{band.name}" if several else name,
                label,
                split,
                condition=condition,
                scene=f"{name},{band.version if stems else band.stem}" if repeated else name,
                position=found.stated[band.image].position,
            )
        )
    return tuple(items)


def _are_objects(stems: set[str]) -> bool:
    """Whether names of extensions differ in a running number alone, and are no bands."""
    words = {re.sub(r"\d+", "", stem) for stem in stems}
    return len(stems) > 2 and len(words) == 1 and words != {""} and not any(map(BAND.match, stems))


def read_fits(path: Path, selection: Selection) -> Picture:
    """The image of a FITS file, or the one that the selection's extension names.

    Raises:
        DataError: Where there are several and none is named.
    """
    bands = find_images(path, selection).bands
    if len(bands) > 1:
        names = ", ".join(band.name for band in bands)
        raise DataError(f"{str(path)!r} holds {len(bands)} images: {names}", "name an extension")
    return read_band(path, bands[0], selection)


def find_images(path: Path, selection: Selection) -> FitsImages:
    """The images of a file, each with its PSF and noise, from names and shapes of extensions.

    Raises:
        DataError: Where there is none, or the extension asked for is not there.
    """
    found: list[Extension] = []
    left_out: list[str] = []
    stated: dict[int, Stated] = {}
    with reading(path, "FITS"), opened(path) as units:
        for number, unit in enumerate(units):
            check_members(path, number, _MAX_EXTENSIONS)
            shape = without_unit_axes(tuple(getattr(unit, "shape", ()) or ()))
            header, first = unit.header, units[0].header
            name, kind = unit.name, str(header.get("UTYPE", "")).removesuffix("Uncertainty")
            if not name:
                kind = kind or str(header.get("IMAGETYP", ""))
                band = filter_of((header,)) if number else ""
                name = band or ("PRIMARY" if number == 0 else str(number))
            if not unit.is_image:
                left_out.append(f"{name} [{number}]: a table")
            elif len(shape) in (2, 3):
                check_shape(path, shape)
                version = int(getattr(unit, "ver", 1) or 1)
                found.append(named(number, name, version, shape, kind))
                stated[number] = Stated(
                    position_of(header, shape),
                    filter_of((header, first)),
                    str(first.get("OBJECT", first.get("TARGNAME", ""))).strip(),
                )
            elif shape:
                left_out.append(f"{name} [{number}]: shape {shape}, neither an image nor bands")
        count = len(units)
    found = _with_filters(found, stated)
    images = [one for one in found if one.role == "image" and _is_picture(one.shape)]
    cubes = [one for one in found if one.role == "image" and one not in images]
    left_out += [f"{one.name} [{one.number}]: shape {one.shape}, a cube" for one in cubes]
    tiny = [one for one in images if max(one.shape[-2:]) < LEAST_SIDE]
    if len(tiny) < len(images):
        images = [one for one in images if one not in tiny]
        left_out += [f"{one.name} [{one.number}]: shape {one.shape}, too small" for one in tiny]
    if selection.extension:
        images = [one for one in found if is_named(one, selection.extension)]
        if not images:
            listed = ", ".join(f"{one.name} [{one.number}]" for one in found)
            raise DataError(
                f"{str(path)!r} has no image extension {selection.extension!r}", f"it has {listed}"
            )
    if not images:
        reasons = f": {'; '.join(left_out[:3])}" if left_out else ""
        raise DataError(f"{str(path)!r} has no image in it{reasons}", "name one with --extension")
    bands = [with_noise_once(band) for band in bands_of(found, images)]
    rest = unused([one for one in found if one not in [*cubes, *tiny]], bands)
    return FitsImages(tuple(bands), (*rest, *left_out), count, stated)


def _with_filters(found: list[Extension], stated: Mapping[int, Stated]) -> list[Extension]:
    """Extensions as bands, where headers give versions of one image different filters."""
    images = [one for one in found if one.role == "image"]
    filters = {one.version: stated[one.number].filter.upper() for one in images if not one.stem}
    if not len(images) == len(filters) == len(set(filters.values()) - {""}) > 1:
        return found
    return [replace(one, stem=one.stem or filters.get(one.version, "")) for one in found]


def is_table(path: Path) -> bool:
    """Whether a FITS file holds a table and no image."""
    with reading(path, "FITS"), opened(path) as units:
        kinds = [(unit.is_image, len(getattr(unit, "shape", ()) or ())) for unit in units]
        return any(not image for image, _ in kinds) and not any(axes >= 2 for _, axes in kinds)


def read_band(path: Path, band: Band, selection: Selection | None = None) -> Picture:
    """Reads one band: pixels, pixel scale, unit, PSF, noise and mask."""
    with reading(path, "FITS"), opened(path, whole=True) as units:
        unit, first = units[band.image], units[0].header
        data = _data(unit)
        scale = pixel_scale_of((unit.header, first))
        bunit = str(unit.header.get("BUNIT", "") or first.get("BUNIT", "")).strip()
        header = {**dict(first), **dict(unit.header)}
        zeropoint = selection.zeropoint if selection else None
        pixels = as_picture(path, data)
        return Picture(
            pixels,
            stored_dtype(unit.header, data),
            scale,
            bunit,
            _psf(units, band),
            _noise(units, band, pixels.shape),
            mask=_mask(units, band, pixels.shape),
            psf_fwhm=_width(header),
            bands=filters_of_planes(header, len(pixels)),
            microjansky=microjansky_of(bunit, scale, header, zeropoint),
        )


def stored_dtype(header: Any, data: np.ndarray) -> str:
    """Dtype on disk from BITPIX (FITS is big-endian), scaled integers as what they become."""
    if "BSCALE" in header or "BZERO" in header:
        return str(data.dtype.str)
    known = {8: "|u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
    return known.get(header.get("BITPIX"), data.dtype.str)


@contextmanager
def opened(path: Path, whole: bool = False) -> Iterator[Any]:
    """The units of a file; a thread keeps the last one open, so that its bands share an opening.

    Args:
        path: The file.
        whole: Refuse a file that ends before its headers say; astropy would only warn.
    """
    status = path.stat()
    key = (os.getpid(), path.resolve(), status.st_size, status.st_mtime_ns, status.st_ino)
    if getattr(_LAST, "key", None) != key:
        _LAST.file, _LAST.key = _OpenFile(path), key
    if whole and status.st_size < _LAST.file.end:
        raise DataError(
            f"{str(path)!r} is cut short: {status.st_size} bytes, its headers say {_LAST.file.end}",
            "fetch or write the file again",
        )
    yield _LAST.file.units


class _OpenFile:
    """An open FITS file, unpacked where it is compressed with gzip; closed when it is dropped.

    Attributes:
        units: Of the file. `end`: where their data end; 0 where gzip has a length of its own.
    """

    def __init__(self, path: Path) -> None:
        from astropy.io import fits

        with ExitStack() as closing:
            file = closing.enter_context(open_file(path))
            packed = file.read(2) == _GZIP
            file.seek(0)
            stream = closing.enter_context(unzipped(path)) if packed else file
            self.units = closing.enter_context(fits.open(stream, memmap=False))
            self.end = 0 if packed else _end_in(path, self.units)
            weakref.finalize(self, closing.pop_all().close)


_LAST = threading.local()


def _data(unit: Any) -> np.ndarray:
    """The pixels of a unit, which astropy does not keep beside ours.

    Astropy changes the header of scaled integers when it reads them, so that a second reading
    fails: such a file is opened again.
    """
    scaled = any(name in unit.header for name in ("BSCALE", "BZERO", "BLANK"))
    data = np.asarray(unit.data)
    del unit.data
    if scaled:
        _LAST.key = None
    return data


def _is_picture(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 or min(shape[0], shape[-1]) <= MAX_CHANNELS


def _plane(units: Any, number: int) -> np.ndarray | None:
    """The array of an extension as (H, W), or (C, H, W) where it has several planes."""
    data = _data(units[number])
    if data.dtype.kind not in "biuf":
        return None
    data = data.reshape(without_unit_axes(data.shape))
    if data.ndim == 3 and data.shape[0] == 1:
        data = data[0]
    return np.ascontiguousarray(data, dtype=np.float32)


def _psf(units: Any, band: Band) -> np.ndarray | None:
    """The PSF of a band; the mean of those of several bands in one extension."""
    numbers = band.partners.get("psf", ())
    plane = _plane(units, numbers[0]) if numbers else None
    return plane if plane is None or plane.ndim == 2 else plane.mean(0)


def _noise(units: Any, band: Band, shape: tuple[int, ...]) -> np.ndarray | None:
    """Standard deviation of the pixels: as it stands, or from variances or their inverse."""
    for role in ("noise", "variance", "ivar", "part"):
        planes = [_plane(units, number) for number in band.partners.get(role, ())]
        known = [plane for plane in planes if plane is not None and plane.shape[-2:] == shape[-2:]]
        if known:
            return as_deviation(role, known)
    return None


def as_deviation(role: str, planes: list[np.ndarray]) -> np.ndarray:
    """Standard deviation from planes of a role; infinite where an inverse variance is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if role in ("variance", "part"):
            return np.sqrt(np.sum(planes, axis=0, dtype=np.float64)).astype(np.float32)
        if role == "ivar":
            inverse = planes[0]
            return np.where(inverse > 0, 1 / np.sqrt(inverse), np.inf).astype(np.float32)
    return planes[0]


def _mask(units: Any, band: Band, shape: tuple[int, ...]) -> np.ndarray | None:
    for role in ("mask", "good"):
        for number in band.partners.get(role, ()):
            data = _data(units[number])
            if data.shape[-2:] == shape[-2:]:
                header, first = units[number].header, units[0].header
                return bad_pixels(data, header, first) if role == "mask" else not_good(data)
    return None


def _width(header: dict[str, Any]) -> float | None:
    """Width of the PSF where a header states it in arcsec."""
    for name in ("PSF_FWHM", "PSFFWHM", "SEEING", "FWHM"):
        value = header.get(name)
        if isinstance(value, int | float) and 0 < value < 10:
            return float(value)
    return None


def _end_of(units: Any) -> int:
    """Where the data of the last unit end, by the headers."""
    last = units[-1].fileinfo()
    return int(last["datLoc"] + units[-1].size) if last else 0


def _end_in(path: Path, units: Any) -> int:
    """Where the data of a file end, by the headers as they were written."""
    from astropy.io import fits

    if not any(isinstance(unit, fits.CompImageHDU) for unit in units):
        return _end_of(units)
    with (
        open_file(path) as file,
        fits.open(file, memmap=False, disable_image_compression=True) as plain,
    ):
        return _end_of(plain)
