"""FITS: an image with its PSF and noise, or many bands in one file, each with its own."""

from __future__ import annotations

import os
import re
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.data.picture import Item, Picture, Selection, Source
from lensbench.data.readers.axes import as_picture
from lensbench.data.readers.guard import check_shape, reading
from lensbench.errors import DataError
from lensbench.files import check_members, open_file, unzipped

SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fits.fz")

_GZIP = b"\x1f\x8b"
_MAX_EXTENSIONS = 10_000

_PSF = re.compile(r"(^|_)PSF\d*$", re.IGNORECASE)
_NOISE = re.compile(r"(^|_)(NOISE|RMS|SIGMA|ERR|ERROR|STD)$", re.IGNORECASE)
_OTHER = re.compile(r"(^|_)(WHT|WEIGHT|MASK|DQ|VAR|VARIANCE|CON|CTX|IVAR|SEG)$", re.IGNORECASE)
_IMAGE = re.compile(r"(_BGSUB|_SCI|_IMAGE|_IMG|_DATA)$", re.IGNORECASE)


@dataclass(frozen=True)
class Band:
    """An image extension with the numbers of the extensions that go with it."""

    name: str
    image: int
    psf: int | None = None
    noise: int | None = None


def open_fits(path: Path, selection: Selection) -> Source:
    """Source of one FITS file: an item a band."""
    bands = find_bands(path, selection)
    several = len(bands) > 1
    items = tuple(
        Item(
            f"{path.name}#{band.name}" if several else path.name,
            condition=band.name if several else "",
            scene=path.name,
        )
        for band in bands
    )
    with reading(path, "FITS"):
        extensions = _count(path)
    title = (
        f"one FITS file of {extensions} extensions with {len(bands)} images"
        if several
        else "one FITS image"
    )
    notes = []
    if several:
        listed = ", ".join(f"{band.name} [{band.image}]" for band in bands)
        notes.append(f"Images by name and number: {listed}; take one with --extension.")
    options = f"--extension {selection.extension}" if selection.extension else ""
    return Source(
        str(path), "multi-extension-fits" if several else "one-image", title, items,
        lambda index: read_band(path, bands[index]), tuple(notes), options,
    )  # fmt: skip


def read_fits(path: Path, selection: Selection) -> Picture:
    """The image of a FITS file, or the one that the selection's extension names.

    Raises:
        DataError: Where there are several and none is named.
    """
    bands = find_bands(path, selection)
    if len(bands) > 1:
        names = ", ".join(band.name for band in bands)
        raise DataError(f"{str(path)!r} holds {len(bands)} images: {names}", "name an extension")
    return read_band(path, bands[0])


def find_bands(path: Path, selection: Selection) -> list[Band]:
    """The images of a file, each with its PSF and noise, from names and shapes of extensions.

    Raises:
        DataError: Where there is none, or the extension asked for is not there.
    """
    with reading(path, "FITS"):
        found: dict[int, str] = {}
        with opened(path) as units:
            for number, unit in enumerate(units):
                check_members(path, number, _MAX_EXTENSIONS)
                if unit.is_image and len(getattr(unit, "shape", ())) in (2, 3):
                    check_shape(path, tuple(unit.shape))
                    found[number] = unit.name or ("PRIMARY" if number == 0 else str(number))
    images = {
        number: name
        for number, name in found.items()
        if not (_PSF.search(name) or _NOISE.search(name) or _OTHER.search(name))
    }
    if selection.extension:
        images = _chosen(path, found, selection.extension)
    if not images:
        raise DataError(f"{str(path)!r} has no image in it", "name one with --extension")
    return [_band(number, name, found, alone=len(images) == 1) for number, name in images.items()]


def is_table(path: Path) -> bool:
    """Whether a FITS file holds a table and no image."""
    with reading(path, "FITS"), opened(path) as units:
        kinds = [(unit.is_image, len(getattr(unit, "shape", ()) or ())) for unit in units]
        return any(not image for image, _ in kinds) and not any(axes >= 2 for _, axes in kinds)


def read_band(path: Path, band: Band) -> Picture:
    """Reads one band: pixels, pixel scale, unit, PSF and noise."""
    with reading(path, "FITS"), opened(path) as units:
        _check_size(path, units)
        unit = units[band.image]
        data = _data(unit)
        return Picture(
            as_picture(path, data),
            stored_dtype(unit.header, data),
            header_scale(unit.header),
            str(unit.header.get("BUNIT", "")).strip(),
            _plane(units, band.psf),
            _plane(units, band.noise),
        )


def stored_dtype(header: Any, data: np.ndarray) -> str:
    """Dtype on disk from BITPIX (FITS is big-endian), scaled integers as what they become."""
    if "BSCALE" in header or "BZERO" in header:
        return str(data.dtype.str)
    known = {8: "|u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
    return known.get(header.get("BITPIX"), data.dtype.str)


def header_scale(header: Any) -> float | None:
    """Side of a pixel [arcsec] from PIXSCALE, else from the WCS; `None` where neither says."""
    scale = header.get("PIXSCALE")
    if scale:
        return float(scale)
    if "CTYPE1" not in header:
        return None
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_scales

    world = WCS(header)
    if not world.has_celestial:
        return None
    return float(np.mean(proj_plane_pixel_scales(world.celestial)) * 3600)


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The units of a file; a thread keeps the last one open, so that its bands share an opening."""
    status = path.stat()
    key = (os.getpid(), path.resolve(), status.st_size, status.st_mtime_ns, status.st_ino)
    if getattr(_LAST, "key", None) != key:
        _LAST.file, _LAST.key = _Opened(path), key
    yield _LAST.file.units


class _Opened:
    """An open FITS file, unpacked where it is compressed with gzip; closed when it is dropped."""

    def __init__(self, path: Path) -> None:
        from astropy.io import fits

        with ExitStack() as closing:
            file = closing.enter_context(open_file(path))
            packed = file.read(2) == _GZIP
            file.seek(0)
            stream = closing.enter_context(unzipped(path)) if packed else file
            self.units = closing.enter_context(fits.open(stream, memmap=False))
            weakref.finalize(self, closing.pop_all().close)


_LAST = threading.local()


def _data(unit: Any) -> np.ndarray:
    """The pixels of a unit, which astropy does not keep beside ours."""
    data = np.asarray(unit.data)
    del unit.data
    return data


def _count(path: Path) -> int:
    with opened(path) as units:
        return len(units)


def _chosen(path: Path, found: dict[int, str], asked: str) -> dict[int, str]:
    if asked.isdecimal() and int(asked) in found:
        return {int(asked): found[int(asked)]}
    chosen = {
        number: name
        for number, name in found.items()
        if asked.upper() in (name.upper(), _IMAGE.sub("", name).upper())
    }
    if not chosen:
        raise DataError(
            f"{str(path)!r} has no image extension {asked!r}",
            f"it has {', '.join(f'{name} [{number}]' for number, name in found.items())}",
        )
    return chosen


def _band(number: int, name: str, found: dict[int, str], alone: bool) -> Band:
    """An image with the PSF and noise of the same prefix; the only ones where it is alone."""
    stem = _IMAGE.sub("", name)
    psf = [n for n, other in found.items() if _PSF.search(other)]
    noise = [n for n, other in found.items() if _NOISE.search(other)]

    def partner(numbers: Sequence[int], form: re.Pattern[str]) -> int | None:
        same = [n for n in numbers if form.sub("", found[n]).upper() == stem.upper()]
        if not same and alone and len(numbers) == 1:
            same = list(numbers)
        return same[0] if same else None

    return Band(stem, number, partner(psf, _PSF), partner(noise, _NOISE))


def _plane(units: Any, number: int | None) -> np.ndarray | None:
    if number is None:
        return None
    data = _data(units[number])
    if data.dtype.kind not in "iuf" or data.ndim != 2:
        return None
    return np.ascontiguousarray(data, dtype=np.float32)


def _check_size(path: Path, units: Any) -> None:
    """Refuses a file that ends before its headers say; astropy would only warn."""
    last = units[-1].fileinfo()
    if last is None or str(path).lower().endswith((".gz", ".fz")):
        return
    wanted = last["datLoc"] + units[-1].size
    found = path.stat().st_size
    if found < wanted:
        raise DataError(
            f"{str(path)!r} is cut short: {found} bytes, its headers say {wanted}",
            "fetch or write the file again",
        )
