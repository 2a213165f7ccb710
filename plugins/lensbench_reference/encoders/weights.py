"""Weights that a user names: safetensors files, what they are of, and their digests."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from lensbench import DataError


def digest_of(*paths: Path) -> str:
    """SHA-256 of one file's content, or of several files' names and contents, in order of name."""
    if len(paths) == 1:
        return _sha256(paths[0])
    lines = [f"{path.name} {_sha256(path)}" for path in sorted(paths)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def weights_file(text: str) -> str:
    """The file of weights that a user names: itself, or that of a pretraining's folder."""
    path = Path(text)
    return str(path / "model.safetensors") if text and path.is_dir() else text


def stored_options(path: Path) -> dict[str, Any]:
    """Options of the encoder that weights were made with, as far as files say.

    They are the object in `config.json` beside the weights, under its key `options` where it has
    one, or else the JSON under the key `options` of the safetensors file's metadata.

    Raises:
        DataError: Where either is not what it should be.
    """
    config = path.with_name("config.json")
    try:
        if config.is_file():
            found = json.loads(config.read_text(encoding="utf-8"))
            found = found.get("options", found)
        else:
            found = json.loads(_metadata(path).get("options", "{}"))
        return dict(found)
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"the options beside the weights {path} are not a JSON object: {error}",
            "correct config.json, or remove it and give the options by name",
        ) from None


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        DataError: Where it is none.
    """
    from safetensors.torch import load_file

    _metadata(path)
    return load_file(str(path))


def stored_shapes(*paths: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors of safetensors files by name, from their headers alone.

    Raises:
        DataError: Where one is no such file.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for path in paths:
        with _opened(path) as file:
            shapes |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 (no mapping)
    return shapes


Fit = Callable[[Tensor, Tensor], Tensor]
"""Of a stored tensor and the one expected: the stored one, brought to the other's shape."""


def load_into(module: nn.Module, path: Path, fits: Mapping[str, Fit] | None = None) -> None:
    """Puts the weights of a safetensors file into a module.

    Args:
        module: Of their shapes.
        path: The file.
        fits: For tensors by name whose shape may differ.

    Raises:
        DataError: Naming the first tensor that is missing, unknown or of another shape.
    """
    stored = read(path)
    expected = module.state_dict()
    for name, fit in (fits or {}).items():
        if name in stored and stored[name].shape != expected[name].shape:
            stored[name] = fit(stored[name], expected[name])
    hint = "give the options and bands that these weights were made with"
    for name, value in expected.items():
        if name not in stored:
            raise DataError(f"weights {path} have no tensor {name!r} {tuple(value.shape)}", hint)
        if stored[name].shape != value.shape:
            raise DataError(
                f"weights {path}: tensor {name!r} has shape {tuple(stored[name].shape)}, "
                f"expected {tuple(value.shape)}",
                hint,
            )
    unknown = sorted(set(stored) - set(expected))
    if unknown:
        raise DataError(f"weights {path} have {len(unknown)} tensors more: {unknown[0]!r} …", hint)
    module.load_state_dict(stored)


def _metadata(path: Path) -> Mapping[str, str]:
    with _opened(path) as file:
        return file.metadata() or {}


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An open safetensors file.

    Raises:
        DataError: Where it is none.
    """
    from safetensors import SafetensorError, safe_open

    _check_regular(path)
    try:
        with safe_open(str(path), "pt") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise DataError(
            f"weights {path} cannot be read: {error}", "name a .safetensors file"
        ) from None


def _check_regular(path: Path) -> None:
    """Refuses what is there and is no regular file: reading a named pipe would never end.

    Raises:
        DataError: Naming it.
    """
    if path.exists() and not path.is_file():
        raise DataError(f"{path} is no regular file", "name a .safetensors file")


def _sha256(path: Path) -> str:
    _check_regular(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", "check the path") from None
