"""Axes and byte orders: every image becomes native float32 (C, H, W)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lensbench.errors import DataError

MAX_CHANNELS = 16
"""A first or last axis of at most this many can be channels."""

_SURE_CHANNELS = 4
"""In a lone array (A, H, W), A of at most this many are channels, and more are images."""

LEAST_SIDE = 8
"""Sides of what is taken for an image are at least as long."""


def as_picture(name: Path | str, array: np.ndarray) -> np.ndarray:
    """An array (H, W), (C, H, W) or (H, W, C) as native float32 (C, H, W).

    The shortest of first and last axis is the channels; the first where they are equal. Of more
    than three axes those of length one are dropped.

    Raises:
        DataError: Where it is no image of numbers.
    """
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{str(name)!r} holds {array.dtype}, expected numbers",
            "images are integers or floats; object pickles go through `lensbench data convert`",
        )
    array = array.reshape(without_unit_axes(array.shape))
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


def without_unit_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape of more than three axes, less those of length one, such as of one frequency."""
    return shape if len(shape) <= 3 else tuple(side for side in shape if side != 1)


def channels_last(shape: tuple[int, ...]) -> bool:
    """Whether an image of this shape (A, B, C) has its channels at the end."""
    return shape[-1] <= MAX_CHANNELS and shape[-1] < shape[0]


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether one array of this shape looks like one image, of up to four channels."""
    if len(shape) == 3 and min(shape[0], shape[-1]) <= _SURE_CHANNELS:
        shape = shape[:2] if channels_last(shape) else shape[1:]
    return len(shape) == 2 and min(shape) >= LEAST_SIDE


def is_stack(shape: tuple[int, ...]) -> bool:
    """Whether one array of this shape looks like images along its first axis."""
    if len(shape) == 4:
        sides = shape[1:3] if channels_last(shape[1:]) else shape[2:]
        return min(sides) >= LEAST_SIDE and min(shape[1], shape[3]) <= MAX_CHANNELS
    return len(shape) == 3 and min(shape[1:]) >= LEAST_SIDE and not is_image(shape)
