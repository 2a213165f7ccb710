""".npy files: one image, a stack of images, or a memory map without a header."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from lensbench.data.pickles import unpickle_npy
from lensbench.data.picture import Item, Picture, Selection, Source
from lensbench.data.readers.array_parts import Shape
from lensbench.data.readers.arrays import groups_of
from lensbench.data.readers.axes import LEAST_SIDE, as_picture, channels_last, is_image, is_stack
from lensbench.data.readers.grouped import Access, grouped_source
from lensbench.data.readers.guard import check_shape, reading
from lensbench.data.readers.labels import Labels, is_label_name, values_beside
from lensbench.data.readers.npy_header import (
    MAGIC,
    is_pickled,
    map_numbers,
    open_array,
    stored_shape,
)
from lensbench.errors import DataError

_SIDES = (64, 150, 75, 128, 101, 100, 45, 32, 256)
_DTYPES = ("<f4", "<f8", "<i8", "<i4", "<u2", "|u1")


def read_npy(path: Path, selection: Selection) -> Picture:
    """The one image of a .npy file."""
    if selection.objects and is_pickled(path):
        return unpickle_npy(path)
    array = open_array(path)
    with reading(path, "NumPy .npy"):
        return Picture(as_picture(path, np.asarray(array)), array.dtype.str)


def open_npy(path: Path, selection: Selection) -> Source:
    """Source of a .npy file.

    Raises:
        DataError: Where it cannot be read as images.
    """
    with path.open("rb") as file:
        headed = file.read(6) == MAGIC
    if not headed:
        return _open_headerless(path, selection)
    if is_pickled(path):
        item = Item(path.name, pickled=True)
        title = "an object pickle in a .npy file"
        note = "Loading it the usual way would run code; convert reads its arrays and no more."
        return Source(
            str(path), "object-pickle", title, (item,), lambda _: read_npy(path, selection), (note,)
        )
    array = open_array(path)
    if array.dtype.names:
        return _open_records(path, array, selection)
    options = ""
    if selection.shape:
        array = _reshaped(path, array, selection.shape)
        options = f"--shape {','.join(map(str, selection.shape))}"
    elif is_image(array.shape) and (len(array.shape) < 3 or not is_shard(path, array.shape)):
        return Source(
            str(path),
            "one-image",
            "one image in a .npy file",
            (Item(path.name),),
            lambda _: read_npy(path, selection),
            _which_axis(path, array.shape),
        )
    elif len(array.shape) == 3 and min(array.shape[1:]) >= 8:
        array = array[:, None]  # a last shard of few images, as its sisters are stacks
    if not is_stack(array.shape):
        raise DataError(
            f"{str(path)!r} has shape {array.shape}, which is neither an image nor a stack of them",
            _flat_squares(array.shape)
            or "expected (H, W), (C, H, W), (H, W, C), (N, H, W) or (N, C, H, W)",
        )
    labels, columns = values_beside(path, len(array), selection)
    source = stack_source(path, array, labels, "stacked .npy", options)
    return replace(source, columns=columns)


def _open_records(path: Path, array: np.ndarray, selection: Selection) -> Source:
    """Source of an array of records, one field of which is an image.

    Raises:
        DataError: Where none is, or a field that the user names is not there.
    """
    fields = {name: array.dtype[name] for name in array.dtype.names or ()}
    for wanted in filter(None, (selection.key, selection.labels)):
        if wanted not in fields:
            raise DataError(f"{str(path)!r} has no field {wanted!r}", f"it has {', '.join(fields)}")
    arrays = {n: Shape((*array.shape, *one.shape), one.base.kind) for n, one in fields.items()}
    groups, left = groups_of(arrays, selection.key, selection.labels, selection.split_column)
    if not groups:
        listed = ", ".join(f"{name} {one.shape}" for name, one in arrays.items())
        raise DataError(f"{str(path)!r} has no field of images: {listed}", "name one with --key")
    access = Access(
        lambda name: np.asarray(array[name]),
        lambda name, index: np.asarray(array[name][index]),
        {name: one.base.str for name, one in fields.items()},
    )
    title = f"records of {len(array)} images in a .npy file"
    source = grouped_source(path, "stack", title, groups, access)
    return replace(source, options=selection.of_arrays, left_out=tuple(left))


def _reshaped(path: Path, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An array as the user says it is shaped.

    Raises:
        DataError: Where it has not as many numbers.
    """
    if math.prod(shape) != array.size:
        raise DataError(
            f"{str(path)!r} has the shape {array.shape}, which is not {shape}",
            f"give a --shape of {array.size} numbers, or leave it out",
        )
    shaped = array.reshape(shape)
    return shaped[None] if is_image(shape) else shaped


def _flat_squares(shape: tuple[int, ...]) -> str:
    """The option that reads an array (A, S²) as A squares; empty where it is no such array."""
    if len(shape) != 2 or shape[1] < 4 * shape[0]:
        return ""
    side = math.isqrt(shape[1])
    is_square = side >= LEAST_SIDE and side * side == shape[1]
    return f"--shape {shape[0]},{side},{side}" if is_square else ""


def _which_axis(path: Path, shape: tuple[int, ...]) -> tuple[str, ...]:
    """What is said of an array (A, H, W) of few planes, which could be one image or A."""
    if flat := _flat_squares(shape):
        return (f"Read as one image; as {shape[0]} flat images with {flat}.",)
    if len(shape) < 3 or shape[0] == 1 or channels_last(shape):
        return ()
    stack = ",".join(map(str, (shape[0], 1, *shape[1:])))
    return (f"Read as one image of {shape[0]} bands; as {shape[0]} images with --shape {stack}.",)


def is_shard(path: Path, shape: tuple[int, ...]) -> bool:
    """Whether an array (A, H, W) of few planes is a stack.

    It is where a larger stack of such images, or as many classes, lie beside it.
    """
    for other in sorted(path.parent.glob("*.npy"))[:64]:
        if other == path:
            continue
        found = stored_shape(other)
        if found is None:
            continue
        if len(found) == 3 and found[1:] == shape[1:] and not is_image(found):
            return True
        if is_label_name(path.stem, other.stem) and found in ((shape[0],), (shape[0], 1)):
            return True
    return False


def stack_source(
    path: Path, array: np.ndarray, labels: Labels, title: str, options: str = ""
) -> Source:
    """Source of a stack (N, H, W), (N, C, H, W) or (N, H, W, C)."""

    def read(index: int) -> Picture:
        with reading(path, title):
            return Picture(
                as_picture(f"{path}[{index}]", np.asarray(array[index])), array.dtype.str
            )

    items = tuple(Item(f"{path.name}#{i}", labels.of(i)) for i in range(len(array)))
    notes = (f"The classes are from {labels.origin}.",) if labels.origin else ()
    return Source(
        str(path),
        "stack",
        f"{title} of {len(array)} images, shape {array.shape}",
        items,
        read,
        notes,
        options,
        classes=labels.classes,
    )


def _open_headerless(path: Path, selection: Selection) -> Source:
    size = path.stat().st_size
    if not selection.shape:
        known = candidates(path)
        shapes = [
            f"--shape {','.join(map(str, shape))} --dtype '{dtype}'" for shape, dtype in known
        ]
        raise DataError(
            f"{str(path)!r} has no .npy header: a bare memory map of {size} bytes, or no array",
            "say how to load it, e.g. " + " or ".join(shapes)
            if shapes
            else "give --shape N,H,W and --dtype; what wrote it knows them",
        )
    with reading(path, "bare memory map"):
        dtype = np.dtype(selection.dtype or "<f4")
        if dtype.kind not in "biuf":
            raise DataError(f"--dtype {selection.dtype} holds no numbers", "e.g. --dtype <f4")
        wanted = math.prod(selection.shape) * dtype.itemsize
        if wanted != size:
            raise DataError(
                f"{str(path)!r} has {size} bytes, {selection.shape} of {dtype.str} are {wanted}",
                "give the --shape and --dtype that it was written with",
            )
        check_shape(path, selection.shape)
        array = map_numbers(path, dtype, 0, selection.shape)
    if is_image(array.shape):
        array = array[None]
    options = f"--shape {','.join(map(str, selection.shape))} --dtype '{dtype.str}'"
    labels, columns = values_beside(path, len(array), selection)
    source = stack_source(path, array, labels, "memory map without a header", options)
    return replace(source, columns=columns)


def candidates(path: Path) -> list[tuple[tuple[int, ...], str]]:
    """Shapes and dtypes under which a bare file holds whole square images of sane numbers."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(65536)
    found: list[tuple[tuple[int, ...], str]] = []
    for dtype in _DTYPES:
        step = np.dtype(dtype).itemsize
        with np.errstate(all="ignore"):
            sample = np.frombuffer(head[: len(head) // step * step], dtype).astype(np.float64)
        if len(sample) == 0 or not _sane(sample):
            continue
        for side in _SIDES:
            count, rest = divmod(size, side * side * step)
            if count >= 1 and rest == 0:
                found.append(((count, side, side), dtype))
                break
    return found[:3]


def _sane(sample: np.ndarray) -> bool:
    """Whether numbers could be pixels: finite, and neither absurdly large nor all denormal."""
    largest = float(np.abs(sample).max()) if np.isfinite(sample).all() else np.inf
    return 1e-12 < largest < 1e9
