"""Texts as files hold them: bytes or characters."""

from __future__ import annotations

import numpy as np


def text_of(value: object) -> str:
    """A value as text; bytes that are no UTF-8 are replaced."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def texts_of(values: np.ndarray) -> list[str]:
    """Values of an array as texts, in one row."""
    return [text_of(value) for value in np.asarray(values).reshape(-1)]
