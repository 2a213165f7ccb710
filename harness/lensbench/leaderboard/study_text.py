"""What a study file declares beside its cells, read from its text."""

from __future__ import annotations

import tomllib
from typing import TypeVar

import pydantic

_Kind = TypeVar("_Kind")


def listed(
    study: str, key: str, kind: pydantic.TypeAdapter[tuple[_Kind, ...]]
) -> tuple[_Kind, ...]:
    """The tables of a key; none where the text has none or cannot be read.

    Args:
        study: A study file's text.
        key: Of a list of tables.
        kind: What they become.
    """
    try:
        return kind.validate_python(tomllib.loads(study).get(key, ()))
    except (tomllib.TOMLDecodeError, pydantic.ValidationError):
        return ()
