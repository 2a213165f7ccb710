"""One cell of a table as an image: arrays, encoded images, or bands with what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from lensbench.data.picture import Picture
from lensbench.data.readers.axes import as_picture
from lensbench.data.readers.beside import NUMBERS, PLANES, with_planes
from lensbench.data.readers.encoded import decoded
from lensbench.data.readers.fits import as_deviation
from lensbench.data.readers.guard import check_shape
from lensbench.data.readers.npy_header import read_header
from lensbench.errors import DataError


def bands_of_value(name: str, value: object) -> Picture | None:
    """The image of a cell that holds bands with what is known of each; `None` for other cells.

    As the Multimodal Universe has them: a list of {band, array, ivar, mask, psf_fwhm, scale}, or
    one struct of lists by these names.
    """
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.tolist()
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        value = {key: [one.get(key) for one in value] for key in value[0]}
    if not isinstance(value, dict):
        return None
    pixels_key = next((key for key in ("array", "flux", "image", "pixels") if key in value), "")
    if not pixels_key:
        return None

    def planes(key: str) -> np.ndarray | None:
        if value.get(key) is None or any(one is None for one in value[key]):
            return None
        return np.stack([np.asarray(np.asarray(one).tolist(), np.float32) for one in value[key]])

    def mean(key: str) -> float | None:
        numbers = np.asarray(value.get(key, []), dtype=np.float64).reshape(-1)
        return float(numbers.mean()) if len(numbers) and np.isfinite(numbers).all() else None

    pixels, ivar, mask = planes(pixels_key), planes("ivar"), planes("mask")
    if pixels is None:
        raise DataError(f"{name!r} has bands without pixels", "leave its row out")
    flagged = mask != 0 if mask is not None else None
    if flagged is not None and flagged.all():
        flagged = np.zeros_like(flagged)
    bands = value.get("band")
    return Picture(
        as_picture(name, pixels),
        "<f4",
        mean("scale"),
        noise=as_deviation("ivar", [ivar]) if ivar is not None else planes("noise"),
        mask=flagged,
        psf_fwhm=mean("psf_fwhm"),
        bands=tuple(str(band) for band in bands) if bands is not None else (),
    )


def with_cells(name: str, picture: Picture, cells: Mapping[str, object]) -> Picture:
    """A picture with what further cells of its row say, by role: planes, pixel scale, PSF width.

    Cells without a value say nothing.
    """
    known = {role: value for role, value in cells.items() if value is not None}
    numbers = {role: float(str(known[role])) for role in NUMBERS if role in known}
    numbers = {role: number for role, number in numbers.items() if 0 < number < np.inf}
    planes = {
        role: as_array(f"{name}, {role}", known[role], None) for role in PLANES if role in known
    }
    return replace(
        with_planes(name, picture, planes, {role: f"{name}, {role}" for role in planes}),
        pixel_scale=picture.pixel_scale or numbers.get("scale"),
        psf_fwhm=picture.psf_fwhm or numbers.get("psf_fwhm"),
    )


def as_array(name: str, value: object, shape: tuple[int, ...] | None) -> np.ndarray:
    """One cell of a table as an array: nested lists, flat with a known shape, or an encoded image.

    Raises:
        DataError: Where it is none of these.
    """
    if isinstance(value, dict) and "bytes" in value:
        value = value["bytes"]
    if isinstance(value, bytes):
        return _decode(name, value)
    if hasattr(value, "convert"):  # an image that `datasets` has decoded
        return np.asarray(value)
    array = np.asarray(value, dtype=None if value is not None else np.float64)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name!r} holds no image", "name another column with --key")
    if shape is not None:
        array = array.astype(np.float32).reshape(shape)
    elif array.ndim == 1:
        side = round(len(array) ** 0.5)
        if side * side != len(array):
            raise DataError(f"{name!r} holds {len(array)} numbers, no square image", "--key")
        array = array.reshape(side, side)
    return array


def _decode(name: str, content: bytes) -> np.ndarray:
    """Bytes of a PNG, JPEG or TIFF, or of a .npy, as an array."""
    import io

    if content[:6] == b"\x93NUMPY":
        shape, _, dtype = read_header(Path(name), io.BytesIO(content))
        check_shape(name, shape)
        if dtype.hasobject:
            raise DataError(f"{name!r} is an object pickle", "")
        return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))
    return decoded(name, content)
