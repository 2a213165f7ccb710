"""Kinds of artefacts that a store holds."""

MADE_ONCE = (
    "images",
    "skies",
    "weights",
    "features",
    "measurements",
    "fits",
    "predictions",
    "records",
)
"""Of which the first of a key stays: another is as good."""
