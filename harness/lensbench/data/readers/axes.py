"""Axes and byte orders: every image becomes native float32 (C, H, W)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lensbench.errors import DataError

MAX_CHANNELS = 16
"""A first or last axis of at most this many is taken for channels."""


def as_picture(name: Path | str, array: np.ndarray) -> np.ndarray:
    """An array (H, W), (C, H, W) or (H, W, C) as native float32 (C, H, W).

    The shortest of first and last axis is the channels; the first where they are equal. Axes of
    length one before the image are dropped.

    Raises:
        DataError: Where it is no image of numbers.
    """
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{str(name)!r} holds {array.dtype}, expected numbers",
            "images are integers or floats; object pickles go through `lensbench data convert`",
        )
    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or 0 in array.shape:
        raise DataError(
            f"{str(name)!r} has shape {array.shape}, expected (H, W), (C, H, W) or (H, W, C)",
            "a stack of images is read from one file, its first axis the images",
        )
    if channels_last(array.shape):
        array = np.moveaxis(array, -1, 0)
    if array.shape[0] > MAX_CHANNELS:
        raise DataError(
            f"{str(name)!r} has shape {array.shape}, which is no image of up to "
            f"{MAX_CHANNELS} channels",
            "a stack of images is read from one file, its first axis the images",
        )
    return np.ascontiguousarray(array, dtype=np.float32)


def channels_last(shape: tuple[int, ...]) -> bool:
    """Whether an image of this shape (A, B, C) has its channels at the end."""
    return shape[-1] <= MAX_CHANNELS and shape[-1] < shape[0]


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether one array of this shape looks like one image."""
    sides = tuple(side for side in shape if side != 1)
    if len(sides) == 3 and min(sides[0], sides[-1]) <= MAX_CHANNELS:
        sides = sides[:2] if channels_last(sides) else sides[1:]
    return len(sides) == 2 and min(sides) >= 8


def is_stack(shape: tuple[int, ...]) -> bool:
    """Whether one array of this shape looks like images along its first axis."""
    if len(shape) == 4:
        return is_image(shape[1:])
    return len(shape) == 3 and min(shape[1:]) >= 8 and not is_image(shape)
