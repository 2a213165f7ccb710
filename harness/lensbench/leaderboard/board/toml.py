"""Plain values as TOML; the standard library reads it and does not write it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def toml_text(values: Mapping[str, Any], path: str = "") -> str:
    """A table as TOML: plain values first, then its tables and lists of tables.

    Values that are `None` are left out, as TOML has no word for them.
    """
    lines = []
    tables = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            tables.append(f"\n[{path}{key}]\n" + toml_text(value, f"{path}{key}."))
        elif _of_tables(value):
            tables += [f"\n[[{path}{key}]]\n" + toml_text(one, f"{path}{key}.") for one in value]
        elif value is not None:
            lines.append(f"{key} = {_value(value)}\n")
    return "".join(lines + tables)


def _of_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float):
        return repr(value)
    raise TypeError(f"{value!r} of type {type(value).__name__} has no place in a study")
