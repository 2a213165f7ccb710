"""Names of arrays and columns: splits, classes, and what is said of images."""

from __future__ import annotations

import re

from lensbench.data.names import SCALES, columns_and_units
from lensbench.data.picture import CANONICAL
from lensbench.data.readers.roles import parted_role
from lensbench.data.splits import split_of

IMAGE_KEYS = ("data", "images", "image", "img", "x", "array", "cutouts", "flux", "pixels")
NAME_KEYS = (
    "object_id",
    "objid",
    "source_id",
    "id",
    "ids",
    "name",
    "names",
    "file",
    "filename",
    "scene",
)
_NUMBERS = {
    "psf_fwhm": ("psf_fwhm", "fwhm", "seeing"),
    "scale": ("scale", *SCALES),
    "matrix": ("transform_pix2angle",),
    "bands": ("band", "bands", "filters"),
    "split": ("split", "splits", "fold"),
}

CLASS = re.compile(
    r"(non|not|no)?[\W_]?(strong[\W_]?)?lens(es|ed)?|others?|galax(y|ies)|negatives?|positives?|"
    + "|".join(CANONICAL),
    re.IGNORECASE,
)
"""Names of stacks that are classes."""


def tokens(name: str) -> list[str]:
    """The words of a name, in small letters."""
    return [token for token in re.split(r"[/_\-. ]+", name.lower()) if token]


def joined(words: list[str]) -> str:
    """Words as one base name."""
    return "_".join(words)


def parted(name: str) -> tuple[str, str]:
    """Split and the rest of an array's name: `x_train` is `train` and `x`."""
    words = tokens(name)
    for place, word in enumerate(words):
        split = split_of(word)
        if split:
            return split, joined(words[:place] + words[place + 1 :])
    return "", joined(words)


def role_of_array(base: str) -> str:
    """What an array or a column says of images, by its name; empty where it says nothing known."""
    base = joined(tokens(next(iter(columns_and_units([base])[0].values()))))
    for role, words in _NUMBERS.items():
        if any(base == word or base.endswith("_" + word) for word in words):
            return role
    role, _ = parted_role(base)
    return "" if role == "image" else role
