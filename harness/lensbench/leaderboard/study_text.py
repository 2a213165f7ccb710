"""What a study file declares beside its cells, read from its text."""

from __future__ import annotations

import tomllib
from typing import TypeVar

import pydantic

_Kind = TypeVar("_Kind")


def listed(study: str, key: str, kind: type[_Kind]) -> tuple[_Kind, ...]:
    """The tables of a key; none where the text has none or cannot be read.

    Args:
        study: A study file's text.
        key: Of a list of tables.
        kind: What each of them becomes.
    """
    try:
        given = tomllib.loads(study).get(key, ())
        found: tuple[_Kind, ...] = pydantic.TypeAdapter(tuple[kind, ...]).validate_python(given)  # type: ignore[valid-type]
    except (tomllib.TOMLDecodeError, pydantic.ValidationError):
        return ()
    return found
