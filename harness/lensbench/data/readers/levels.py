"""What the levels of a tree of folders mean: splits, classes, bands, sides of a pair, objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lensbench.data.names import BAND, PAIRS, SIDES
from lensbench.data.picture import CANONICAL
from lensbench.data.readers.entries import Group, role_of, stem_of
from lensbench.data.readers.roles import role_of_folder
from lensbench.data.splits import split_of

_MARK = re.compile(r"(^|[_.-])(hr|lr|150|75|x2|x4|noisy|clean)(?=$|[_.-])", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """What the folders of a file say of it."""

    label: str = ""
    split: str = ""
    condition: str = ""
    object: str = ""


@dataclass(frozen=True)
class Tree:
    """Image files that all lie at the same depth below a folder, and what each level means.

    Attributes:
        groups: Folders with image files directly in them, by their paths.
        kinds: Of each level: split, class, split-class, band, pair or object; empty where it is
            not known.
    """

    root: Path
    groups: Sequence[Group]
    kinds: tuple[str, ...]

    def place(self, folder: Path) -> Place:
        """What the names of a folder and of those above it say."""
        said: dict[str, str] = {"label": "", "split": "", "condition": "", "object": ""}
        for kind, name in zip(self.kinds, folder.relative_to(self.root).parts, strict=True):
            if kind == "split":
                said["split"] = split_of(name)
            elif kind == "split-class":
                said["split"], said["label"] = parted(name)
            elif kind == "class":
                said["label"] = name
            elif kind == "band":
                said["condition"] = name
            elif kind == "pair":
                said["condition"] = PAIRS[name.lower()]
            elif kind == "object":
                said["object"] = name
        return Place(**said)


def levels_of(root: Path, groups: Sequence[Group], classes: Callable[[set[str]], bool]) -> Tree:
    """The meaning of each level of folders between a root and files of one depth.

    Args:
        root: The folder.
        groups: Folders of files below it.
        classes: Whether folders of these names can be classes.
    """
    parts = [group.folder.relative_to(root).parts for group in groups]
    depth = len(parts[0])
    kinds: list[str] = []
    for level in range(depth):
        names = {part[level] for part in parts}
        kinds.append(_kind(names, level == depth - 1, groups, kinds, classes))
    return Tree(root, groups, tuple(kinds))


def parted(name: str) -> tuple[str, str]:
    """Split and class of a folder such as `train_lenses`; empty texts where it is none."""
    tokens = re.split(r"[\W_]+", name)
    for place in (0, len(tokens) - 1):
        split = split_of(tokens[place])
        if split and len(tokens) > 1:
            start, end = re.match(r"[^\W_]+[\W_]+", name), re.search(r"[\W_]+[^\W_]+$", name)
            if place == 0 and start:
                return split, name[start.end() :]
            if end:
                return split, name[: end.start()]
    return "", ""


def _kind(
    names: set[str],
    deepest: bool,
    groups: Sequence[Group],
    before: Sequence[str],
    classes: Callable[[set[str]], bool],
) -> str:
    both = [parted(name) for name in names]
    sides = {PAIRS.get(name.lower(), "") for name in names}
    several = len(names) > 1
    canonical = names <= set(CANONICAL) and several
    can_be_classes = (several or "split" in before) and "class" not in before and classes(names)
    can_be_classes &= {role_of_folder(name) for name in names} != {"image"}
    meanings = {
        "split": all(split_of(name) for name in names),
        "split-class": all(map(all, both)) and len(names) > len({split for split, _ in both}),
        "pair": deepest and sides in SIDES,
        "object": deepest and _are_objects(groups),
        "band": several and all(map(BAND.match, names)) and _same_objects(groups),
        "class": can_be_classes or canonical,
    }
    return next((kind for kind, fits in meanings.items() if fits), "")


def _are_objects(groups: Sequence[Group]) -> bool:
    """Whether folders are of one object each, with a PSF or a noise map in any of them.

    Each then has one image, or one for each band by its name: `g.fits`, `data_F814W.fits`.
    """
    roles = [[(role_of(name)[0], stem_of(name)) for name in group.names] for group in groups]
    if not any(role in ("psf", "noise") for folder in roles for role, _ in folder):
        return False
    images = [[stem for role, stem in folder if role == "image"] for folder in roles]
    return all(
        len(stems) <= 1 or all(BAND.match(re.split(r"[_.-]", stem)[-1]) for stem in stems)
        for stems in images
    )


def _same_objects(groups: Sequence[Group]) -> bool:
    """Whether folders hold the same objects, by their numbers or stems."""
    sets = [set(map(object_of, group.names)) for group in groups]
    return len(sets) > 1 and len(set.intersection(*sets)) * 2 >= len(sets[0])


def object_of(name: str) -> str:
    """The object that a file of one band shows: its last number, else its stem."""
    numbers = re.findall(r"\d+", stem_of(name))
    return numbers[-1] if numbers else stem_of(name)


def sides_of(names: Sequence[str]) -> Mapping[str, tuple[str, str]]:
    """The object and the band, or side of a pair, of each file; empty where not all names say it.

    The word of one place in every name says it: `a_g.fits` and `a_r.fits`, `lr_1.npy` and
    `hr_1.npy`. Every object has to have all of the bands or sides.
    """
    words = [re.split(r"[_.-]", stem_of(name)) for name in names]
    shortest = min(map(len, words), default=0)
    for place in (-1, *range(shortest - 1), *range(-2, -shortest, -1)):
        found: dict[str, tuple[str, str]] = {}
        for name, own in zip(names, words, strict=True):
            side = PAIRS.get(own[place].lower(), own[place] if BAND.match(own[place]) else "")
            rest = own[: place % len(own)] + own[place % len(own) + 1 :]
            if not side or not any(rest):
                break
            found[name] = "_".join(rest), side
        else:
            sides = {side for _, side in found.values()}
            objects = {one for one, _ in found.values()}
            alike = sides in SIDES or not sides & set(PAIRS.values())
            whole = len(set(found.values())) == len(found) == len(sides) * len(objects)
            if len(sides) > 1 and alike and whole:
                return found
    return {}


def bare_stems(first: Sequence[str], second: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names of scenes on both sides of a pair: stems, without what tells the sides apart.

    Numbers such as 75 are taken off only where the plain stems do not agree.
    """
    plain = list(map(stem_of, first)), list(map(stem_of, second))
    if set(plain[0]) & set(plain[1]):
        return plain
    bare = tuple([_MARK.sub("", stem).strip("_.-") for stem in side] for side in plain)
    if all(len(set(side)) == len(side) for side in bare):
        return bare[0], bare[1]
    return plain
