"""Named arrays of one file (.npz, HDF5): which are images, and what goes with them.

Nothing is read here: names, shapes and types say it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from lensbench.data.names import PAIRS, SIDES
from lensbench.data.picture import Column
from lensbench.data.readers.array_names import (
    IMAGE_KEYS,
    NAME_KEYS,
    joined,
    parted,
    role_of_array,
    tokens,
)
from lensbench.data.readers.array_parts import (
    MOST_CLASSES,
    Shape,
    bands_of,
    bands_of_objects,
    classes_of,
    images_in,
)
from lensbench.data.readers.axes import is_image, is_stack
from lensbench.data.readers.beside import PLANES
from lensbench.data.readers.labels import LABEL_NAMES
from lensbench.data.readers.roles import parted_role
from lensbench.data.splits import split_of
from lensbench.data.texts import texts_of
from lensbench.errors import DataError

_PLANES = tuple(role for role in PLANES if role != "psf")
_NO_PARTNERS = ("weight", "part")
"""Roles of what goes with images and is not used."""

_OF_PIXELS = ("", "background", "bkg", "sky", *IMAGE_KEYS)
"""What a noise of one number an image is of, by its name."""

_POSITIONAL = re.compile(r"arr_\d+$")


@dataclass(frozen=True)
class Group:
    """Images of one split with what goes with them.

    Attributes:
        split: Empty where the file names none.
        images: Key of the images.
        count: How many; `single` where the array is one image.
        labels, names: Keys of classes and of names; empty where there are none.
        partners: Keys by role: noise, variance, ivar, mask, psf, psf_fwhm, scale, matrix (from
            pixels to angles), bands, split.
        columns: Keys of further numbers or classes, by the name of the column.
        pair: Which side of a pair (`LR`, `HR`) or which band the images are; empty where there is
            one.
        shared: Roles of `partners` that are one plane for all images.
        label: Class of all images, where the name of their group is one.
        object: What an image shows of which a file has several bands, an array each.
    """

    split: str
    images: str
    count: int
    single: bool = False
    labels: str = ""
    names: str = ""
    partners: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    pair: str = ""
    shared: frozenset[str] = frozenset()
    label: str = ""
    object: str = ""


def groups_of(
    arrays: Mapping[str, Shape], key: str = "", labels: str = "", split_column: str = ""
) -> tuple[list[Group], list[str]]:
    """The groups of a file, and the arrays that are in none, with the reason.

    Args:
        arrays: By name.
        key: The images that the user names: the groups that have them are taken.
        labels: The classes that the user names.
        split_column: What names the split of each image, where the user says it.
    """
    above = _common(list(arrays))
    parts: dict[str, dict[str, str]] = {}
    for name in arrays:
        split, base = parted(name[above:])
        parts.setdefault(split, {})[base] = name
    if any(images_in(arrays, names) for split, names in parts.items() if split):
        whole = parts.pop("", {})
    else:  # names that only sound like splits
        whole, parts = {}, {"": {joined(tokens(name[above:])): name for name in arrays}}
    groups: list[Group] = []
    used: set[str] = set()
    classes = [
        (split, label, names)
        for split, of_split in parts.items()
        for label, names in (classes_of(arrays, of_split, above, key) or {"": of_split}).items()
    ]
    for split, label, names in classes:
        chosen = _chosen(arrays, names, key)
        bands = {} if key else bands_of(arrays, names, [base for _, base in chosen])
        objects = {} if key or bands else bands_of_objects(names, [base for _, base in chosen])
        for side, base in [(band, "") for band in bands] or chosen:
            own = bands.get(side) or (objects[base].names if base in objects else names, base)
            group = _group(arrays, split, *own, labels, len(chosen) > 1 and not bands)
            group = replace(group, pair=side, label="" if group.labels else label)
            if base in objects:
                group = replace(group, pair=objects[base].band, object=objects[base].name)
            groups.append(_with_split(group, split_column))
            used |= {group.images, group.labels, group.names}
            used |= {*group.partners.values(), *group.columns.values()}
    if key and key in whole.values() and not groups:
        base = next(b for b, n in whole.items() if n == key)
        group = _group(arrays, "", whole, base, labels, False)
        groups, used = [group], {group.images, group.labels, *group.partners.values()}
    left = [
        f"{name!r} {arrays[name].shape}: " + _reason(name, arrays[name].shape)
        for name in arrays
        if name not in used
    ]
    return groups, left


def _with_split(group: Group, column: str) -> Group:
    """The group with a column as the one that names splits.

    Raises:
        DataError: Where it is not there.
    """
    if not column or group.partners.get("split") == column:
        return group
    named = next((n for n, key in group.columns.items() if column in (n, key)), "")
    if not named:
        raise DataError(
            f"there is no column {column!r} of one value an image",
            f"such columns are {', '.join(group.columns) or 'not there'}",
        )
    columns = {name: key for name, key in group.columns.items() if name != named}
    partners = {**group.partners, "split": group.columns[named]}
    return replace(group, columns=columns, partners=partners)


def _reason(name: str, shape: tuple[int, ...]) -> str:
    if role_of_array(joined(tokens(name))) in _NO_PARTNERS:
        return "exposure times or weights, which are not used"
    if is_stack(shape) or is_image(shape):
        return "another set of images; take it with --key"
    return "it has not one value an image"


def _common(names: list[str]) -> int:
    """Characters of the groups that all of several arrays are in, up to one named after a split."""
    shared = os.path.commonpath(names) if len(names) > 1 else ""
    kept: list[str] = []
    for group in filter(None, shared.split("/")):
        if any(map(split_of, tokens(group))):
            break
        kept.append(group)
    return len("/".join((*kept, "")))


def _chosen(
    arrays: Mapping[str, Shape], names: Mapping[str, str], key: str
) -> list[tuple[str, str]]:
    """Images of one split: the key, both sides of a pair, or the likeliest."""
    found = images_in(arrays, names)
    if key:
        wanted = joined(tokens(key))
        return [("", base) for base, name in names.items() if name == key or base == wanted][:1]
    sides = sorted((PAIRS[base], base) for base in found if base in PAIRS)
    if len(sides) == 2 and {side for side, _ in sides} in SIDES:
        first, second = (arrays[names[base]].shape for _, base in sides)
        if first[0] == second[0]:
            return sides
    stacks = [base for base in found if is_stack(arrays[names[base]].shape)]
    for word in IMAGE_KEYS:
        for base in stacks:
            if base == word or base.endswith(f"_{word}"):
                return [("", base)]
    best = max(stacks, key=lambda base: arrays[names[base]].shape, default="")
    return [("", best)] if best else [("", base) for base in found]


def _group(
    arrays: Mapping[str, Shape],
    split: str,
    names: Mapping[str, str],
    base: str,
    labels: str,
    several: bool,
) -> Group:
    """The images under a base name with all that has one value for each of them.

    Where a file has several images by name, only what begins like the image goes with it.
    """
    name = names[base]
    shape = arrays[name].shape
    other = [b for b in names if b != base]
    own = next((b for b in other if names[b] == labels or b == joined(tokens(labels))), "")
    beside = {b: arrays[names[b]] for b in other}
    single = is_image(shape) and not _is_counted(shape[0], list(beside.values()))
    prefix = base.rpartition("_")[0]
    if single and prefix and several:  # one group an object
        beside = {b: one for b, one in beside.items() if b.startswith(f"{prefix}_")}
        other = list(beside)
    count = 1 if single else shape[0]
    fitting = {b for b, it in beside.items() if it.shape[:1] == (count,)}
    if single and (prefix or not several):  # one value beside one image
        scalars = {b for b, it in beside.items() if it.shape == ()}
        fitting |= {b for b in scalars if role_of_array(b) not in _NO_PARTNERS}
    flat = {b for b in fitting if max((*beside[b].shape[1:], 1)) == 1}
    kinds = {b: beside[b].kind for b in flat}
    sounding = [
        b
        for word in LABEL_NAMES
        for b in fitting
        if (b == word or b.endswith(f"_{word}")) and _is_label(beside[b])
    ]
    label = own or next(iter(sounding), "")
    positional = [b for b in flat if _POSITIONAL.match(names[b]) and kinds[b] in "biu"]
    label = label or (positional[0] if positional else "")
    partners: dict[str, str] = {}
    for b in sorted(other, key=lambda b: beside[b].shape == ()):  # a plane before a number
        role = role_of_array(b)
        if role in _PLANES and single and beside[b].shape not in (shape[-2:], shape, ()):
            continue
        goes = b in fitting or single or role in ("psf", "scale", "bands", "psf_fwhm")
        goes |= role in _PLANES and beside[b].shape == shape[-2:]
        noise = role not in ("mask", "good") and parted_role(b)[1] in (base, *_OF_PIXELS)
        if role in PLANES and b in flat and not noise:
            continue  # such as the error of another number
        if role and role not in _NO_PARTNERS and b != label and goes:
            partners.setdefault(role, names[b])
    shapes = {role: arrays[key].shape for role, key in partners.items()}
    shared = {
        role
        for role, own in shapes.items()
        if not single
        and (own == shape[-2:] if role in _PLANES else role == "psf" and len(own) == 2)
    }
    named = next((b for word in NAME_KEYS for b in flat if b == word or b.endswith(f"_{word}")), "")
    columns = _columns(
        {
            b: names[b]
            for b in sorted(flat)
            if b not in (label, named)
            and names[b] not in partners.values()
            and kinds[b] in "biufSUO"
        }
    )
    return Group(
        split,
        name,
        count,
        single,
        names.get(label, ""),
        names.get(named, ""),
        partners,
        columns,
        shared=frozenset(shared),
    )


def _columns(names: Mapping[str, str]) -> dict[str, str]:
    """Arrays by the names of columns: their own, in which a group stands where two are alike."""
    own = {base: joined(tokens(name.rpartition("/")[2])) for base, name in names.items()}
    found = {}
    for base, name in names.items():
        alone = list(own.values()).count(own[base]) == 1 and base.endswith(own[base])
        wanted = own[base] if alone else base
        start = name.lower().rfind(wanted)
        found[name[start : start + len(wanted)] if start >= 0 else wanted] = name
    return found


def _is_label(array: Shape) -> bool:
    return len(array.shape) <= 1 or (len(array.shape) == 2 and array.shape[1] <= MOST_CLASSES)


def _is_counted(count: int, beside: list[Shape]) -> bool:
    """Whether the first axis of what could be one image counts: labels are as many."""
    return any(one.shape in ((count,), (count, 1)) for one in beside)


def as_column(values: np.ndarray, unit: str = "") -> Column:
    """A column of numbers, or of texts, from one value an image."""
    flat = np.asarray(values).reshape(-1)
    if flat.dtype.kind in "biuf":
        return Column(flat.astype(np.float64), unit)
    return Column(np.array(texts_of(flat), dtype=str), unit)
