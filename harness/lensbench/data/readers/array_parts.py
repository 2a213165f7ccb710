"""Arrays of one file that are classes, bands or sides of pairs of each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lensbench.data.names import BAND, PAIRS, without_band
from lensbench.data.readers.array_names import (
    CLASS,
    IMAGE_KEYS,
    joined,
    parted,
    role_of_array,
    tokens,
)
from lensbench.data.readers.axes import is_image, is_stack
from lensbench.data.readers.beside import PLANES

_NO_IMAGES = (*PLANES, "matrix", "weight", "part")
"""Roles of planes that go with images and are none."""

MOST_CLASSES = 100
"""More groups than these are no classes."""


@dataclass(frozen=True)
class Shape:
    """An array by its shape and the kind of its numbers."""

    shape: tuple[int, ...]
    kind: str


def images_in(arrays: Mapping[str, Shape], names: Mapping[str, str]) -> list[str]:
    """Base names of the arrays that look like images."""
    return [
        base
        for base, name in names.items()
        if arrays[name].kind in "biuf"
        and role_of_array(base) not in _NO_IMAGES
        and (is_stack(arrays[name].shape) or is_image(arrays[name].shape))
    ]


def classes_of(
    arrays: Mapping[str, Shape], names: Mapping[str, str], above: int, key: str
) -> dict[str, dict[str, str]]:
    """Arrays of each class by their base names, where groups or names of stacks are classes.

    Groups are classes where each has a stack under the same name, or images under numbers. Stacks
    outside of groups are where their names are words for lenses, for others or for substructure.
    """
    found: dict[str, dict[str, str]] = {}
    for name in () if key else names.values():
        parts = [parted(part)[1] if parted(part)[0] else part for part in name[above:].split("/")]
        label, *inner = filter(None, parts)
        found.setdefault(label, {})[joined(tokens("/".join(inner))) or IMAGE_KEYS[0]] = name
    images = {label: images_in(arrays, own) for label, own in found.items()}
    if not 1 < len(found) <= MOST_CLASSES or not all(images.values()):
        return {}
    if all(BAND.match(label) or label.lower() in PAIRS for label in found):
        return {}
    bases = {base for of_class in images.values() for base in of_class}
    shapes = [arrays[own[base]].shape for name, own in found.items() for base in images[name]]
    single = [is_image(shape) for shape in shapes]
    if bases == {IMAGE_KEYS[0]} and not any("/" in name[above:] for name in names.values()):
        return found if not any(single) and all(map(CLASS.fullmatch, found)) else {}
    if any(single):
        numbered = all(re.search(r"\d", base) and not BAND.match(base) for base in bases)
        several = all(len(of_class) > 1 for of_class in images.values())
        return found if all(single) and numbered and several else {}
    return found if len(set(map(tuple, images.values()))) == 1 else {}


def bands_of(
    arrays: Mapping[str, Shape], names: Mapping[str, str], chosen: list[str]
) -> dict[str, tuple[dict[str, str], str]]:
    """Arrays of each band and the base name of its images, where names end in bands.

    That is, where the images likeliest to be meant are one of several stacks of one length whose
    names differ in the band alone: `image_g`, `image_r`. What names no band is of all.
    """
    stem, band = without_band(chosen[0]) if len(chosen) == 1 else ("", "")
    if not band:
        return {}
    count = arrays[names[chosen[0]]].shape[0]
    images = {
        base: without_band(base)[1]
        for base in images_in(arrays, names)
        if without_band(base)[0] == stem and is_stack(arrays[names[base]].shape)
    }
    images = {b: one for b, one in images.items() if one and arrays[names[b]].shape[0] == count}
    if len(images) < 2:
        return {}
    found = {}
    for image, band in images.items():
        own = {stem: names[image]}
        for base in names.keys() - images:
            rest, of = without_band(base)
            if of not in images.values() or not role_of_array(rest):
                own.setdefault(base, names[base])
            elif of == band:
                own[rest] = names[base]
        found[without_band(names[image])[1]] = own, stem
    return found


@dataclass(frozen=True)
class BandOfObject:
    """One array of an object of which a file has several bands, an array each.

    Attributes:
        name: Of the object. `band`: of the array.
        names: Arrays by their base names, without those of the other bands.
    """

    name: str
    band: str
    names: Mapping[str, str]


def bands_of_objects(names: Mapping[str, str], images: list[str]) -> dict[str, BandOfObject]:
    """Images by their base names, where each is one band, and every object has all bands."""
    found = {base: without_band(base) for base in images}
    bands, objects = ({pair[place] for pair in found.values()} for place in (1, 0))
    whole = len(set(found.values())) == len(found) == len(bands) * len(objects)
    if "" in bands or len(bands) < 2 or not whole:
        return {}
    of_band = {
        band: {b: n for b, n in names.items() if without_band(b)[1] in ("", band)} for band in bands
    }
    return {base: BandOfObject(name, band, of_band[band]) for base, (name, band) in found.items()}
