"""PNG, JPEG and TIFF: pictures whose brightness is whatever their maker made it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from lensbench.data.picture import Item, Picture, Selection, Source
from lensbench.data.readers.axes import as_picture
from lensbench.data.readers.guard import check_shape, reading
from lensbench.files import open_file

HEADS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*")
"""First bytes of the three formats."""

NOTE = "PNG, JPEG and TIFF state no unit: fluxes and noise are those of the picture."

_PLAIN = {
    "1": "L",
    "P": "RGB",
    "PA": "RGB",
    "LA": "L",
    "RGBA": "RGB",
    "CMYK": "RGB",
    "YCbCr": "RGB",
}
"""Modes that are not brightness by channel, and what they are converted to."""


def open_encoded(path: Path, _: Selection) -> Source:
    """Source of one picture."""
    return Source(
        str(path),
        "one-image",
        "one picture",
        (Item(path.name),),
        lambda _: read_encoded(path),
        (NOTE,),
    )


def read_encoded(path: Path) -> Picture:
    """The picture of a file."""
    with reading(path, "a picture"), open_file(path) as file:
        array = decoded(str(path), file.read())
        return Picture(as_picture(path, array), array.dtype.str)


def decoded(name: str, content: bytes) -> np.ndarray:
    """Bytes of a PNG, JPEG or TIFF as an array (H, W) or (H, W, C), without transparency."""
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "TIFF")) as picture:
        check_shape(name, (picture.height, picture.width))
        return np.asarray(picture.convert(_PLAIN.get(picture.mode, picture.mode)))
