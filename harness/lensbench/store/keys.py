"""Keys: one hash of all that could change a result."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any


def _plain(value: Any) -> Any:
    """What JSON does not know, in terms that it knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a key cannot hold {value!r} of type {type(value).__name__}")


_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), default=_plain, check_circular=False
)


def canonical(value: Any) -> Any:
    """A value as plain JSON, in which the order of mappings does not matter."""
    return json.loads(_ENCODER.encode(value))


def key_of(description: Mapping[str, Any]) -> str:
    """The key of a description: 20 hexadecimal digits of the SHA-256 of its canonical JSON."""
    return hashlib.sha256(_ENCODER.encode(description).encode()).hexdigest()[:20]
