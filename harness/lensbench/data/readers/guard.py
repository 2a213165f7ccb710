"""The one place where what a bad file raises becomes one line that names the file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lensbench.errors import DataError, one_line
from lensbench.files import check_file

MAX_PIXELS = 2**26
"""Pixels of one image, all channels: more is taken for a damaged or hostile header."""

MAX_IMAGES = 10**8
"""Images of one file."""

FREE_IMAGES = 100_000
"""Images that any file may hold, however small it is."""

MIN_BYTES = 8
"""Bytes of a file for each image beyond `FREE_IMAGES`: noise does not pack into fewer."""


class RefusedFileError(DataError):
    """A file cannot be used at all, which is noticed only while its images are read."""


@contextmanager
def reading(path: Path | str, form: str) -> Iterator[None]:
    """Turns whatever a parser raises on a bad file into a `DataError` that names the file.

    A named pipe, a socket or a device is refused before anything reads it.

    Args:
        path: The file.
        form: What it was read as, e.g. `FITS`.
    """
    check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(
            f"{str(path)!r} cannot be read as {form}: it asks for more memory than there is",
            "the file is damaged, or not what its name says",
        ) from error
    except Exception as error:  # parsers raise all kinds of errors on bad bytes
        raise DataError(
            f"{str(path)!r} cannot be read as {form}: {one_line(error)}",
            "fetch or write the file again; its SHA-256 tells whether it is whole",
        ) from error


def check_shape(path: Path | str, shape: tuple[int, ...]) -> None:
    """Refuses an image or a stack of them that no survey makes.

    Raises:
        DataError: Where a side is empty or the whole is absurdly large.
    """
    if 0 in shape:
        raise DataError(f"{str(path)!r} is empty: its shape is {shape}", "leave it out")
    pixels = 1
    for side in shape[-3:] if len(shape) > 3 else shape[-2:]:
        pixels *= side
    if pixels > MAX_PIXELS or (len(shape) > 2 and shape[0] > MAX_IMAGES):
        raise DataError(
            f"{str(path)!r} claims an image of shape {shape}",
            f"at most {MAX_PIXELS} pixels an image; the header is damaged or not one of images",
        )


def check_count(path: Path | str, images: int, size: int) -> None:
    """Refuses a file of more images than its bytes can hold.

    Args:
        path: The file.
        images: How many it claims to hold.
        size: Its bytes on disk.

    Raises:
        DataError: Where there are more than `FREE_IMAGES`, of fewer than `MIN_BYTES` each.
    """
    if images > max(FREE_IMAGES, size // MIN_BYTES):
        raise DataError(
            f"{str(path)!r} claims {images} images and has {size} bytes",
            "its images repeat each other, or it is made to take hours; write those that differ",
        )
