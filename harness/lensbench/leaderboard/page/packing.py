"""Texts and numbers as the page carries them."""

from __future__ import annotations

import hashlib
import math

LONGEST = 200
"""Characters of a text that the page shows; of a longer one a digest stands for the rest."""


def clip(text: str | None) -> str:
    """A text no longer than the page shows; two that differ stay different."""
    if text is None:
        return ""
    if len(text) <= LONGEST:
        return text
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]
    return f"{text[:LONGEST]}… [{len(text)} characters, {digest}]"


def short(value: float | None) -> float | int | None:
    """A number to eight significant figures; nothing where it is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return value if isinstance(value, int) else float(f"{value:.8g}")
