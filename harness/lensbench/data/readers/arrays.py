"""Named arrays of one file (.npz, HDF5): which are images, and what goes with them.

Nothing is read here: names, shapes and types say it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from lensbench.data.names import BAND, SCALES, columns_and_units, without_band
from lensbench.data.picture import CANONICAL, Column
from lensbench.data.readers.axes import is_image, is_stack
from lensbench.data.readers.beside import PLANES
from lensbench.data.readers.labels import LABEL_NAMES
from lensbench.data.splits import split_of
from lensbench.errors import DataError

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
_ROLES = {
    "noise": ("noise", "noise_map", "noisemap", "rms", "err", "error", "sigma", "std"),
    "variance": ("var", "variance"),
    "ivar": ("ivar", "invvar"),
    "good": ("goodpix", "good_pixels", "good_mask", "goodmask", "valid_pixels", "valid_mask"),
    "mask": ("mask", "dq", "flags"),
    "psf": ("psf", "psf_kernel", "kernel", "kernel_point_source"),
    "psf_fwhm": ("psf_fwhm", "fwhm", "seeing"),
    "scale": ("scale", *SCALES),
    "matrix": ("transform_pix2angle",),
    "exposure": ("exposure_time", "exposure_map", "exposure", "exptime", "weight", "weights"),
    "bands": ("band", "bands", "filters"),
    "split": ("split", "splits", "fold"),
}
_NO_IMAGES = ("noise", "variance", "ivar", "mask", "good", "psf", "matrix", "exposure")
"""Roles of planes that go with images and are none."""

_PLANES = tuple(role for role in PLANES if role != "psf")
CLASS = re.compile(
    r"(non|not|no)?[\W_]?(strong[\W_]?)?lens(es|ed)?|others?|galax(y|ies)|negatives?|positives?|"
    + "|".join(CANONICAL),
    re.IGNORECASE,
)
"""Names of stacks that are classes."""

_POSITIONAL = re.compile(r"arr_\d+$")
_MOST_CLASSES = 100


@dataclass(frozen=True)
class Shape:
    """An array by its shape and the kind of its numbers."""

    shape: tuple[int, ...]
    kind: str


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
        split, base = _parted(name[above:])
        parts.setdefault(split, {})[base] = name
    if any(_images_in(arrays, names) for split, names in parts.items() if split):
        whole = parts.pop("", {})
    else:  # names that only sound like splits
        whole, parts = {}, {"": {_joined(_tokens(name[above:])): name for name in arrays}}
    groups: list[Group] = []
    used: set[str] = set()
    classes = [
        (split, label, names)
        for split, of_split in parts.items()
        for label, names in (_classes(arrays, of_split, above, key) or {"": of_split}).items()
    ]
    for split, label, names in classes:
        chosen = _chosen(arrays, names, key)
        bands = {} if key else _bands(arrays, names, [base for _, base in chosen])
        for side, base in [(band, "") for band in bands] or chosen:
            own = bands.get(side, (names, base))
            group = _group(arrays, split, *own, labels, len(chosen) > 1 and not bands)
            group = replace(group, pair=side, label="" if group.labels else label)
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
    if role_of_array(_joined(_tokens(name))) == "exposure":
        return "exposure times or weights, which are not used"
    if is_stack(shape) or is_image(shape):
        return "another set of images; take it with --key"
    return "it has not one value an image"


def _common(names: list[str]) -> int:
    """Characters of the groups that all of several arrays are in, up to one named after a split."""
    shared = os.path.commonpath(names) if len(names) > 1 else ""
    kept: list[str] = []
    for group in filter(None, shared.split("/")):
        if any(map(split_of, _tokens(group))):
            break
        kept.append(group)
    return len("/".join((*kept, "")))


def _tokens(name: str) -> list[str]:
    return [token for token in re.split(r"[/_\-. ]+", name.lower()) if token]


def _joined(tokens: list[str]) -> str:
    return "_".join(tokens)


def _parted(name: str) -> tuple[str, str]:
    """Split and the rest of an array's name: `x_train` is `train` and `x`."""
    tokens = _tokens(name)
    for place, token in enumerate(tokens):
        split = split_of(token)
        if split:
            return split, _joined(tokens[:place] + tokens[place + 1 :])
    return "", _joined(tokens)


def role_of_array(base: str) -> str:
    """What an array or a column says of images, by its name; empty where it says nothing known."""
    base = _joined(_tokens(next(iter(columns_and_units([base])[0].values()))))
    for role, words in _ROLES.items():
        if any(base == word or base.endswith("_" + word) for word in words):
            if role == "psf" and base.endswith("fwhm"):
                continue
            return role
    return ""


def _images_in(arrays: Mapping[str, Shape], names: Mapping[str, str]) -> list[str]:
    return [
        base
        for base, name in names.items()
        if arrays[name].kind in "biuf"
        and role_of_array(base) not in _NO_IMAGES
        and (is_stack(arrays[name].shape) or is_image(arrays[name].shape))
    ]


def _chosen(
    arrays: Mapping[str, Shape], names: Mapping[str, str], key: str
) -> list[tuple[str, str]]:
    """Images of one split: the key, both sides of a pair, or the likeliest."""
    found = _images_in(arrays, names)
    if key:
        wanted = _joined(_tokens(key))
        return [("", base) for base, name in names.items() if name == key or base == wanted][:1]
    sides = [(side, base) for side, words in _SIDES.items() for base in found if base in words]
    if len(sides) == 2 and {side for side, _ in sides} in _PAIRS:
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


def _classes(
    arrays: Mapping[str, Shape], names: Mapping[str, str], above: int, key: str
) -> dict[str, dict[str, str]]:
    """Arrays of each class by their base names, where groups or names of stacks are classes.

    Groups are classes where each has a stack under the same name, or images under numbers. Stacks
    outside of groups are where their names are words for lenses, for others or for substructure.
    """
    found: dict[str, dict[str, str]] = {}
    for name in () if key else names.values():
        parts = [_parted(part)[1] if _parted(part)[0] else part for part in name[above:].split("/")]
        label, *inner = filter(None, parts)
        found.setdefault(label, {})[_joined(_tokens("/".join(inner))) or IMAGE_KEYS[0]] = name
    images = {label: _images_in(arrays, own) for label, own in found.items()}
    sides = {word for words in _SIDES.values() for word in words}
    if not 1 < len(found) <= _MOST_CLASSES or not all(images.values()):
        return {}
    if all(BAND.match(label) or label.lower() in sides for label in found):
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


def _bands(
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
        for base in _images_in(arrays, names)
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


_SIDES = {
    "LR": ("lr", "low", "lowres", "low_res", "low_resolution"),
    "HR": ("hr", "high", "highres", "high_res", "high_resolution"),
    "noisy": ("noisy",),
    "clean": ("clean", "denoised"),
}
_PAIRS = ({"LR", "HR"}, {"noisy", "clean"})


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
    own = next((b for b in other if names[b] == labels or b == _joined(_tokens(labels))), "")
    beside = {b: arrays[names[b]] for b in other}
    single = is_image(shape) and not _is_counted(shape[0], list(beside.values()))
    prefix = base.rpartition("_")[0]
    if single and prefix and several:  # one group an object
        beside = {b: one for b, one in beside.items() if b.rpartition("_")[0].startswith(prefix)}
        other = list(beside)
    count = 1 if single else shape[0]
    fitting = {b for b, it in beside.items() if it.shape[:1] == (count,)}
    if single and (prefix or not several):  # one value beside one image
        scalars = {b for b, it in beside.items() if it.shape == ()}
        fitting |= {b for b in scalars if role_of_array(b) != "exposure"}
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
        if role and role != "exposure" and b != label and goes:
            partners.setdefault(role, names[b])
    shapes = {role: arrays[key].shape for role, key in partners.items()}
    shared = {
        role
        for role, own in shapes.items()
        if not single
        and (own == shape[-2:] if role in _PLANES else role == "psf" and len(own) == 2)
    }
    named = next((b for word in NAME_KEYS for b in flat if b == word or b.endswith(f"_{word}")), "")
    columns = {
        _in_its_case(names[b], b): names[b]
        for b in sorted(flat)
        if b not in (label, named) and names[b] not in partners.values() and kinds[b] in "biufSUO"
    }
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


def _in_its_case(name: str, base: str) -> str:
    """A base name in capitals where the array's name has such."""
    start = name.lower().rfind(base)
    return name[start : start + len(base)] if start >= 0 else base


def _is_label(array: Shape) -> bool:
    return len(array.shape) <= 1 or (len(array.shape) == 2 and array.shape[1] <= _MOST_CLASSES)


def _is_counted(count: int, beside: list[Shape]) -> bool:
    """Whether the first axis of what could be one image counts: labels are as many."""
    return any(one.shape in ((count,), (count, 1)) for one in beside)


def as_column(values: np.ndarray, unit: str = "") -> Column:
    """A column of numbers, or of texts, from one value an image."""
    flat = np.asarray(values).reshape(-1)
    if flat.dtype.kind in "biuf":
        return Column(flat.astype(np.float64), unit)
    texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in flat]
    return Column(np.array(texts, dtype=str), unit)
