"""Files of a folder that are an image each: what each is, and how it is read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from lensbench.data.picture import Picture, Selection
from lensbench.data.readers import fits
from lensbench.data.readers.beside import with_planes
from lensbench.data.readers.encoded import read_encoded
from lensbench.data.readers.extensions import Band
from lensbench.data.readers.fits import SUFFIXES as FITS_SUFFIXES
from lensbench.data.readers.npy import read_npy
from lensbench.data.readers.npz import read_npz

SUFFIXES = (".npy", ".npz", *FITS_SUFFIXES)
ENCODED = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
_ROLES = {
    "psf": r"psf",
    "noise": r"noise[_-]?map|noise|rms|sigma|err|error|std|uncertainty",
    "variance": r"var|variance",
    "ivar": r"ivar|invvar",
    "good": r"good[_-]?(?:pix|pixels|mask)|valid[_-]?(?:pix|pixels|mask)",
    "mask": r"mask|dq|flags?",
    "weight": r"wht|weights?|exp|exposure",
}
_FORMS = {role: re.compile(rf"(^|[_.-])({form})$", re.IGNORECASE) for role, form in _ROLES.items()}
_ANY = re.compile(rf"(^|[_.-])({'|'.join(_ROLES.values())})$", re.IGNORECASE)
"""Of any role: one look at most names, which have none."""

_LONGEST_FIRST = tuple(sorted(SUFFIXES, key=len, reverse=True))
_IMAGE = re.compile(r"(^|[_.-])(data|image|img|sci|cutout|drz|drc|i2d)$", re.IGNORECASE)


NO_PARTNERS: Mapping[str, Path] = MappingProxyType({})
"""One for all files that have none."""


@dataclass(frozen=True, slots=True)
class Group:
    """Image files directly in one folder, by name."""

    folder: Path
    names: list[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One image file of a folder, with the extension of it that is meant.

    Attributes:
        root: The folder that a user names.
        place: The file, as seen from there.
        partners: Files that hold its PSF, noise or mask, by role.
        scene: Name of the object where it is not the file's own.
    """

    root: Path
    place: str
    label: str = ""
    split: str = ""
    condition: str = ""
    band: Band | None = None
    partners: Mapping[str, Path] = field(default_factory=lambda: NO_PARTNERS)
    scene: str = ""
    position: tuple[float, float] | None = None
    name: str = ""

    @property
    def file(self) -> Path:
        """The file."""
        return self.root / self.place


def image_names(folder: Path, encoded: bool = False) -> list[str]:
    """Names of the image files directly in a folder, sorted; hidden ones are passed over.

    Args:
        folder: The folder.
        encoded: Whether those are meant that are PNG, JPEG or TIFF, and no others.
    """
    suffixes = ENCODED if encoded else SUFFIXES
    with os.scandir(folder) as found:
        return sorted(
            one.name
            for one in found
            if one.name.lower().endswith(suffixes)
            and not one.name.startswith(".")
            and one.is_file()
        )


def stem_of(name: str) -> str:
    """The name of a file without what the format adds."""
    if name.endswith(".npy"):
        return name[:-4]
    lower = name.lower()
    if not lower.endswith(SUFFIXES):
        return Path(name).stem
    return name[: -len(next(one for one in _LONGEST_FIRST if lower.endswith(one)))]


def role_of(name: str) -> tuple[str, str]:
    """What a file is of an object, `image` where it is no PSF, noise or mask; and its stem."""
    stem = stem_of(name)
    if _ANY.search(stem):
        role, form = next((role, form) for role, form in _FORMS.items() if form.search(stem))
        return role, form.sub("", stem)
    return "image", _IMAGE.sub("", stem)


def with_partners(
    group: Group,
) -> tuple[list[tuple[str, Mapping[str, Path]]], list[tuple[str, str]]]:
    """Images among the files of a folder with the PSF, noise and mask of the same stem.

    Where the folder has one image, all goes with it; where a PSF has no stem, it is of all images.

    Returns:
        Names of images with their partners, and names of files left out with the reason.
    """
    if not any(_ANY.search(stem_of(name)) for name in group.names):
        return [(name, NO_PARTNERS) for name in group.names], []
    roles = {name: role_of(name) for name in group.names}
    images = [name for name, (role, _) in roles.items() if role == "image"]
    if not images:
        return [(name, NO_PARTNERS) for name in group.names], []
    by_stem: dict[str, dict[str, Path]] = {}
    for name, (role, stem) in roles.items():
        if role != "image":
            by_stem.setdefault(stem, {})[role] = group.folder / name
    used: set[str] = set()
    found: list[tuple[str, Mapping[str, Path]]] = []
    for name in images:
        own = by_stem.get(roles[name][1], {})
        if not own:
            own = by_stem.get(stem_of(name), {})
        if len(images) == 1:
            own = {role: path for parts in by_stem.values() for role, path in parts.items()}
        shared = {role: path for role, path in by_stem.get("", {}).items() if role == "psf"}
        partners = {role: path for role, path in {**shared, **own}.items() if role != "weight"}
        used |= {path.name for path in partners.values()}
        found.append((name, partners))
    left = [
        (
            name,
            "weights, which are no noise map" if role == "weight" else f"a {role} of no image here",
        )
        for name, (role, _) in roles.items()
        if name not in used and role != "image"
    ]
    return found, left


def read_entry(entry: Entry, selection: Selection) -> Picture:
    """The picture of an entry with what its partners say.

    Raises:
        DataError: Where a noise map or a mask has another shape than its image.
    """
    picture = _read(entry.file, entry.band, selection)
    if not entry.partners:
        return picture
    planes = {role: _read(file, None, Selection()).pixels for role, file in entry.partners.items()}
    names = {role: str(file) for role, file in entry.partners.items()}
    return with_planes(entry.file.name, picture, planes, names)


def _read(file: Path, band: Band | None, selection: Selection) -> Picture:
    name = file.name.lower()
    if band is not None:
        return fits.read_band(file, band, selection)
    if name.endswith(FITS_SUFFIXES):
        return fits.read_fits(file, selection)
    if name.endswith(".npz"):
        return read_npz(file, selection)
    if name.endswith(ENCODED):
        return read_encoded(file)
    return read_npy(file, selection)
