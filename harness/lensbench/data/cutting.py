"""Cut-outs of objects from mosaics, all alike: one field, one pixel scale, one depth."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.data.readers.guard import reading
from lensbench.data.readers.world import position_of
from lensbench.data.units import TIMES, ZEROPOINTS, is_surface_brightness, one_spelling
from lensbench.data.whole import whole
from lensbench.errors import DataError

COLUMNS = ("name", "class", "ra", "dec", "image")
"""Of the table: the mosaic of an object is named by its path from the table."""

_FILTERS = ("FILTER", "FILTER1", "FILTER2")
_CARRIED = ("BUNIT", *_FILTERS, "PHOTFLAM", "PHOTPLAM", "FLUXMAG0", *TIMES, *ZEROPOINTS)
"""Keywords of a mosaic that a cut-out keeps: unit, filter and zero point."""

_RAYS = 4
"""Points along the side of a new pixel that its light is the mean of."""


@dataclass(frozen=True)
class Place:
    """An object to cut out: its name and class, its position [deg], and the mosaic it is on."""

    name: str
    label: str
    ra: float
    dec: float
    mosaic: Path


@dataclass(frozen=True)
class Cut:
    """Cut-outs that were written.

    Attributes:
        counts: How many of each class.
        left_out: Objects that have none, with the reason.
        noise: What all scatter by, in the unit of the mosaics.
        side: Pixels on a side.
    """

    counts: dict[str, int]
    left_out: list[str]
    noise: float
    side: int


@dataclass
class _Cutouts:
    """Cut-outs (S, S) as they are found, with the scatter and the photometry of each."""

    places: list[Place] = field(default_factory=list)
    known: list[Mapping[str, Any]] = field(default_factory=list)
    pixels: list[np.ndarray] = field(default_factory=list)
    noise: list[float] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def cut_out(
    table: Path, out: Path, geometry: tuple[float, float], seed: int, report: Callable[..., None]
) -> Cut:
    """Cuts objects out of mosaics and makes them alike.

    Each is centred on its position to a fraction of a pixel, and brought to pixels of one side: the
    mean over each of a cubic spline through the mosaic's pixels. The noise is the scatter of the
    border. White noise is added to all but the noisiest, until all scatter by as much; so no image
    is deeper than another. What mosaics share is not changed: camera, filter and unit have to be
    the same.

    Args:
        table: CSV with the columns `COLUMNS`.
        out: Folder to write `CLASS/NAME.fits` to; it appears when all is done.
        geometry: Side of the field and of a pixel [arcsec].
        seed: Of the noise that is added.
        report: Called with the number of objects done and of all, and a note.

    Raises:
        DataError: Where the table lacks a column, or mosaics have several units or filters.
    """
    places = _places(table)
    field_of_view, pixel = geometry
    side = 8 * max(1, round(field_of_view / pixel / 8))
    found = _Cutouts()
    alike: dict[str, str] = {}
    for mosaic in dict.fromkeys(place.mosaic for place in places):
        with _opened(mosaic) as (data, header):
            _check_alike(mosaic, header, alike)
            known = {name: header[name] for name in _CARRIED if name in header}
            for place in places:
                if place.mosaic == mosaic:
                    _add(found, place, known, _square(data, header, place, (side, pixel)))
                    report(len(found.places) + len(found.left_out), len(places), "")
    if not found.places:
        raise DataError(
            f"none of {len(places)} objects of {str(table)!r} lies on its mosaic: "
            f"{found.left_out[0]}",
            "ra and dec are in degrees, and the field has to lie on the mosaic",
        )
    return _write(found, out, pixel, seed)


def _check_alike(mosaic: Path, header: Any, before: dict[str, str]) -> None:
    """Refuses a mosaic of another unit or filter than those before, and notes what it has.

    Raises:
        DataError: Naming both.
    """
    found = {"BUNIT": one_spelling(str(header.get("BUNIT", "")))}
    found |= {name: str(header[name]).strip() for name in _FILTERS if name in header}
    for name, value in found.items():
        if before.setdefault(name, value) != value:
            what = "unit" if name == "BUNIT" else "filter"
            raise DataError(
                f"{str(mosaic)!r} has another {what} ({name} {value!r}) than the mosaics before "
                f"({before[name]!r})",
                "bring all to one unit first, and state it as BUNIT in every header"
                if what == "unit"
                else "take mosaics of one filter: otherwise the filter reveals the class",
            )


def _places(table: Path) -> list[Place]:
    with reading(table, "CSV"), table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = [name for name in COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise DataError(
            f"{str(table)!r} has no column {missing[0]!r}" if rows else f"{str(table)!r} is empty",
            f"columns: {', '.join(COLUMNS)}",
        )
    try:
        places = [
            Place(
                row["name"],
                row["class"],
                float(row["ra"]),
                float(row["dec"]),
                table.parent / row["image"],
            )
            for row in rows
        ]
    except ValueError as error:
        raise DataError(f"{str(table)!r}: {error}", "ra and dec are in degrees") from error
    repeated = [name for name, count in Counter(one.name for one in places).items() if count > 1]
    if repeated:
        raise DataError(
            f"{str(table)!r} names {sorted(repeated)[0]!r} twice", "a name is of one object"
        )
    return places


@contextmanager
def _opened(mosaic: Path) -> Iterator[tuple[np.ndarray, Any]]:
    """Pixels and header of the first image of a FITS file."""
    from astropy.io import fits

    with ExitStack() as stack:
        with reading(mosaic, "FITS"):
            file = stack.enter_context(fits.open(mosaic))
            unit = next((one for one in file if one.is_image and one.data is not None), None)
            data = None if unit is None else np.asarray(unit.data)
        if unit is None or data is None:
            raise DataError(f"{str(mosaic)!r} has no image", "name the mosaic's file")
        if data.ndim != 2 or position_of(unit.header, data.shape) is None:
            raise DataError(
                f"{str(mosaic)!r} is no image (H, W) whose header states positions",
                "cut-outs need a mosaic with a WCS; cut-outs without one stay as they are",
            )
        yield data, unit.header


def _square(
    data: np.ndarray, header: Any, place: Place, wanted: tuple[int, float]
) -> np.ndarray | str:
    """An object in the middle of so many pixels of a side [arcsec], or why it has no cut-out."""
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_scales
    from scipy.ndimage import map_coordinates

    side, pixel = wanted
    world = WCS(header).celestial
    own = float(np.mean(proj_plane_pixel_scales(world))) * 3600
    x, y = (float(one) for one in world.wcs_world2pix(place.ra, place.dec, 0))
    half = int(np.ceil(side * pixel / own / 2)) + 2
    column, row = round(x), round(y)
    inside = half <= row < data.shape[0] - half and half <= column < data.shape[1] - half
    if not (np.isfinite([x, y]).all() and inside):
        return f"its field of {side * pixel:.3g} arcsec is not on {place.mosaic.name}"
    square = data[row - half : row + half + 1, column - half : column + half + 1]
    square = square.astype(np.float64)
    if not np.isfinite(square).all() or np.ptp(square) == 0:
        return "pixels of its field are NaN, or all the same"
    fine = (np.arange(side * _RAYS) - (side * _RAYS - 1) / 2) * pixel / own / _RAYS
    rows, columns = fine + half + y - row, fine + half + x - column
    sampled = map_coordinates(square, np.meshgrid(rows, columns, indexing="ij"), order=3)
    mean = sampled.reshape(side, _RAYS, side, _RAYS).mean((1, 3))
    constant = is_surface_brightness(str(header.get("BUNIT", "")))
    return np.asarray(mean if constant else mean * (pixel / own) ** 2)


def _add(found: _Cutouts, place: Place, known: Mapping[str, Any], square: np.ndarray | str) -> None:
    from lensbench.training.noise import background_and_noise

    if isinstance(square, str):
        found.left_out.append(f"{place.name}: {square}")
        return
    background, sigma = background_and_noise(square[None, None])
    found.places.append(place)
    found.known.append(known)
    found.pixels.append(square - float(background[0, 0]))
    found.noise.append(float(sigma[0, 0]))


def _write(found: _Cutouts, out: Path, pixel: float, seed: int) -> Cut:
    """Adds noise up to that of the noisiest, and writes an image each."""
    from astropy.io import fits

    most = max(found.noise)
    random = np.random.default_rng(seed)
    counts: dict[str, int] = {}
    with whole(out) as temporary:
        cuts = zip(found.places, found.pixels, found.noise, found.known, strict=True)
        for place, pixels, sigma, known in cuts:
            added = np.sqrt(most**2 - sigma**2) * random.standard_normal(pixels.shape)
            header = _header(place, pixels, pixel)
            header.update(known)
            unit = fits.PrimaryHDU((pixels + added).astype(np.float32), header)
            path = temporary / place.label / f"{place.name}.fits"
            path.parent.mkdir(parents=True, exist_ok=True)
            unit.writeto(path)
            counts[place.label] = counts.get(place.label, 0) + 1
    return Cut(counts, found.left_out, most, len(found.pixels[0]))


def _header(place: Place, pixels: np.ndarray, pixel: float) -> Any:
    from astropy.wcs import WCS

    world = WCS(naxis=2)
    world.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    world.wcs.crval = [place.ra, place.dec]
    world.wcs.crpix = [(side + 1) / 2 for side in pixels.shape[::-1]]
    world.wcs.cdelt = [-pixel / 3600, pixel / 3600]
    header = world.to_header()
    header["OBJECT"] = place.name
    return header
