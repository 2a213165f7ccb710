"""Unpickling of arrays and numbers, and of nothing else.

A pickle is a program. This reader lets none of it run: the opcodes are scanned first, every name
outside the table below is refused before anything is built, and the names in it stand for classes
of this module that keep what they are given. NumPy sees a pickle's bytes only through
`numpy.frombuffer`, after their length has been held against their shape.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.data.picture import Picture
from lensbench.data.readers.axes import as_picture, is_image
from lensbench.data.readers.guard import check_shape, reading
from lensbench.data.readers.npy_header import read_header
from lensbench.errors import DataError

_REFUSED = {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4",
            "NEXT_BUFFER", "READONLY_BUFFER"}  # fmt: skip
_MAX_DEPTH = 6
_MAX_PARTS = 1_000_000


class _SealedName:
    """Stands for one name of NumPy: it can be called, and nothing can be set on it."""

    __slots__ = ("_make",)

    def __init__(self, make: Any) -> None:
        self._make = make

    def __call__(self, *arguments: object) -> object:
        return self._make(*arguments)

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("it sets a state on a name of NumPy")


def _never(*_: object) -> object:
    raise pickle.UnpicklingError("an array is built in an unexpected way")


_ARRAY_TYPE = _SealedName(_never)


class _DType:
    """Stands for a dtype: kind and size, and the byte order from its state."""

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str) or len(code) > 4 or code[:1] not in "biufO":
            raise pickle.UnpicklingError(f"dtype {code!r} is not one of numbers")
        self.code, self.order = code, "="

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError("a dtype has an unexpected state")
        if any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError("a dtype has fields")
        self.order = state[1]

    @property
    def objects(self) -> bool:
        return self.code.startswith("O")

    def dtype(self) -> np.dtype:
        """As NumPy knows it."""
        if self.objects:
            raise pickle.UnpicklingError("a number cannot be an object")
        order = "" if self.order == "|" else self.order
        return np.dtype(order + self.code)


class _Array:
    """Stands for an array under construction."""

    def __init__(self) -> None:
        self.value: np.ndarray | list[Any] = []

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise pickle.UnpicklingError("an array has an unexpected state")
        _, shape, dtype, fortran, content = state
        if not isinstance(dtype, _DType) or not _is_shape(shape):
            raise pickle.UnpicklingError("an array has an unexpected state")
        size = math.prod(shape)
        if dtype.objects:
            if not isinstance(content, list) or len(content) != size:
                raise pickle.UnpicklingError("an array of objects is not as long as its shape")
            self.value = content
            return
        self.value = _from_bytes(content, dtype.dtype(), size).reshape(
            shape, order="F" if fortran else "C"
        )


def _is_shape(shape: object) -> bool:
    return isinstance(shape, tuple) and all(isinstance(n, int) and n >= 0 for n in shape)


def _from_bytes(content: object, dtype: np.dtype, size: int) -> np.ndarray:
    if isinstance(content, str):  # protocols 0 to 2 of Python 2
        content = content.encode("latin-1")
    if not isinstance(content, bytes) or len(content) != size * dtype.itemsize:
        raise pickle.UnpicklingError("an array's bytes are not as many as its shape asks for")
    return np.frombuffer(content, dtype)


def _reconstruct(*arguments: object) -> _Array:
    if len(arguments) != 3 or arguments[0] is not _ARRAY_TYPE or arguments[1] != (0,):
        raise pickle.UnpicklingError("an array is built in an unexpected way")
    return _Array()


def _scalar(*arguments: object) -> object:
    if len(arguments) != 2 or not isinstance(arguments[0], _DType):
        raise pickle.UnpicklingError("a number is built in an unexpected way")
    number: object = _from_bytes(arguments[1], arguments[0].dtype(), 1)[0].item()
    return number


def _frombuffer(*arguments: object) -> _Array:
    if len(arguments) != 4:
        raise pickle.UnpicklingError("an array is built in an unexpected way")
    content, dtype, shape, order = arguments
    if not isinstance(dtype, _DType) or not _is_shape(shape) or order not in ("C", "F"):
        raise pickle.UnpicklingError("an array is built in an unexpected way")
    content = bytes(content) if isinstance(content, bytearray) else content
    array = _Array()
    array.__setstate__((1, shape, dtype, order == "F", content))
    return array


def _encode(*arguments: object) -> bytes:
    if len(arguments) != 2 or not isinstance(arguments[0], str) or arguments[1] != "latin1":
        raise pickle.UnpicklingError("bytes are built in an unexpected way")
    return arguments[0].encode("latin-1")


_NAMES: dict[tuple[str, str], _SealedName] = {
    ("_codecs", "encode"): _SealedName(_encode),
    ("numpy", "ndarray"): _ARRAY_TYPE,
    ("numpy", "dtype"): _SealedName(_DType),
}
for _core in ("numpy.core", "numpy._core"):
    _NAMES[f"{_core}.multiarray", "_reconstruct"] = _SealedName(_reconstruct)
    _NAMES[f"{_core}.multiarray", "scalar"] = _SealedName(_scalar)
    _NAMES[f"{_core}.numeric", "_frombuffer"] = _SealedName(_frombuffer)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return _NAMES[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it asks for {module_name}.{global_name}, which is not an array or a number"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it asks for something outside of itself")


def unpickle(content: bytes) -> Any:
    """The lists, tuples, dicts, numbers, texts and NumPy arrays of a pickle.

    Raises:
        pickle.UnpicklingError: Where it asks for anything else; nothing of it has run then.
    """
    for opcodes, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if opcode.name in _REFUSED:
            raise pickle.UnpicklingError(f"it uses the opcode {opcode.name}")
        if opcode.name == "GLOBAL" and tuple(str(argument).split(" ", 1)) not in _NAMES:
            raise pickle.UnpicklingError(
                f"it asks for {str(argument).replace(' ', '.')}, which is not an array or a number"
            )
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > opcodes:
            raise pickle.UnpicklingError("its memo is larger than itself")
    return _plain(_Unpickler(io.BytesIO(content), encoding="latin1").load())


def _plain(value: Any) -> Any:
    """Stand-ins replaced by arrays and lists; depth and number of parts are bounded."""
    parts = 0

    def walk(value: Any, depth: int) -> Any:
        nonlocal parts
        parts += 1
        if depth > _MAX_DEPTH or parts > _MAX_PARTS:
            raise pickle.UnpicklingError("it is nested too deeply or has too many parts")
        if isinstance(value, _Array):
            return walk(value.value, depth)
        if isinstance(value, list | tuple):
            return [walk(part, depth + 1) for part in value]
        if isinstance(value, dict):
            return {str(name): walk(part, depth + 1) for name, part in value.items()}
        if value is None or isinstance(value, bool | int | float | str | np.ndarray | np.number):
            return value
        raise pickle.UnpicklingError(f"it holds a {type(value).__name__.strip('_')}")

    return walk(value, 0)


def unpickle_npy(path: Path) -> Picture:
    """The image of a .npy of objects, such as the release's `[image, mass]`, with its numbers.

    Raises:
        DataError: Where the pickle asks for anything but arrays and numbers, or has not one image.
    """
    with reading(path, "object pickle"), path.open("rb") as file:
        read_header(path, file)
        return _one_picture(path, unpickle(file.read()))


def unpickle_file(path: Path) -> list[Picture]:
    """The images of a bare pickle: an array, a stack of them, or a list of images."""
    with reading(path, "pickle"):
        value = unpickle(path.read_bytes())
        if isinstance(value, np.ndarray) and not is_image(value.shape):
            check_shape(path, value.shape)
            return [Picture(as_picture(path, one), value.dtype.str) for one in value]
        if isinstance(value, list) and not _is_pair(value):
            return [_one_picture(path, one) for one in value]
        return [_one_picture(path, value)]


def _is_pair(value: list[Any]) -> bool:
    return sum(isinstance(part, np.ndarray) for part in _leaves(value)) == 1


def _one_picture(path: Path, value: Any) -> Picture:
    leaves = [_unwrapped(leaf) for leaf in _leaves(value)]
    images = [leaf for leaf in leaves if isinstance(leaf, np.ndarray) and leaf.ndim >= 2]
    vectors = [leaf for leaf in leaves if isinstance(leaf, np.ndarray) and leaf.ndim == 1]
    numbers = [leaf for leaf in leaves if isinstance(leaf, int | float | np.number)]
    if not images and (joined := _joined(vectors)) is not None:
        images = [joined]
    if len(images) != 1:
        raise DataError(
            f"{str(path)!r} holds {len(images)} images in one object, expected one",
            "write the images as a stack without objects",
        )
    check_shape(path, images[0].shape)
    names = ["mass", *(f"value_{i}" for i in range(1, len(numbers)))]
    values = {name: float(number) for name, number in zip(names, numbers, strict=False)}
    return Picture(as_picture(path, images[0]), images[0].dtype.str, values=values)


def _unwrapped(leaf: Any) -> Any:
    """The number in an array of one; other leaves as they are."""
    one = isinstance(leaf, np.ndarray) and leaf.size == 1 and leaf.dtype.kind in "biuf"
    return leaf.reshape(-1)[0] if one else leaf


def _joined(vectors: list[np.ndarray]) -> np.ndarray | None:
    """The image that rows of one length make, or that a flat square unfolds to."""
    if len(vectors) == 1:
        side = math.isqrt(vectors[0].size)
        return vectors[0].reshape(side, side) if side * side == vectors[0].size else None
    if not vectors or len({vector.size for vector in vectors}) > 1:
        return None
    joined = np.stack(vectors)
    return joined if is_image(joined.shape) else None


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _leaves(part)
    else:
        yield value
