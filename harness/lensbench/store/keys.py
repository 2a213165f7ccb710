"""Keys: one hash of all that could change a result."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical(value: Any) -> Any:
    """A value as plain JSON, in which the order of mappings does not matter."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: canonical(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        return {str(name): canonical(value[name]) for name in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a key cannot hold {value!r} of type {type(value).__name__}")


def key_of(description: Mapping[str, Any]) -> str:
    """The key of a description: 20 hexadecimal digits of the SHA-256 of its canonical JSON."""
    text = json.dumps(canonical(description), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]
