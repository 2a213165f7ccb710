"""Files of a folder that are an image each: what each is, and how it is read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
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
from lensbench.data.readers.roles import parted_role, role_of_folder

SUFFIXES = (".npy", ".npz", *FITS_SUFFIXES)
ENCODED = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
_WEIGHTS = "weights, which are no noise map"
_LONGEST_FIRST = tuple(sorted(SUFFIXES, key=len, reverse=True))


NO_PARTNERS: Mapping[str, Path] = MappingProxyType({})
NO_GROUPS: Mapping[str, Group] = MappingProxyType({})
"""One for all that have none."""


@dataclass(frozen=True, slots=True)
class Group:
    """Image files directly in one folder, by name.

    Attributes:
        folder: Of the images. `names`: of their files.
        beside: Folders of their PSFs, noise maps and masks, by role.
    """

    folder: Path
    names: list[str]
    beside: Mapping[str, Group] = field(default_factory=lambda: NO_GROUPS)

    def alone(self, name: str) -> Group:
        """One of the images with what goes with it."""
        stem = role_of(name)[1]
        beside = {
            role: Group(one.folder, [n for n in one.names if role_of(n)[1] == stem])
            for role, one in self.beside.items()
        }
        return Group(self.folder, [name], beside)


@dataclass(frozen=True, slots=True)
class Entry:
    """One image file of a folder, with the extension of it that is meant.

    Attributes:
        root: The folder that a user names.
        place: The file, as seen from there.
        partners: Files that hold its PSF, noise or mask, by role.
        scene: Name of the object where it is not the file's own.
        stated: What the headers of a FITS file say.
    """

    root: Path
    place: str
    label: str = ""
    split: str = ""
    condition: str = ""
    band: Band | None = None
    partners: Mapping[str, Path] = field(default_factory=lambda: NO_PARTNERS)
    scene: str = ""
    stated: fits.Stated = fits.NOTHING
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
    return parted_role(stem_of(name))


def with_partners(
    group: Group,
) -> tuple[list[tuple[str, Mapping[str, Path]]], list[tuple[str, str]]]:
    """Images among the files of a folder with the PSF, noise and mask of the same stem.

    They lie in the same folder or in those beside it. Where the folder has one image, all goes with
    it; where a PSF has no stem or a folder to itself, it is of all images.

    Returns:
        Names of images with their partners, and names of files left out with the reason.
    """
    if group.beside:
        return _with_folders(group)
    roles = {name: role_of(name) for name in group.names}
    images = [name for name, (role, _) in roles.items() if role == "image"]
    if not images or len(images) == len(roles):
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
            _WEIGHTS if role == "weight" else f"a {role} of no image here",
        )
        for name, (role, _) in roles.items()
        if name not in used and role != "image"
    ]
    return found, left


def _with_folders(
    group: Group,
) -> tuple[list[tuple[str, Mapping[str, Path]]], list[tuple[str, str]]]:
    """Images with the files of the same stem in the folders beside theirs."""
    found: dict[str, dict[str, Path]] = {name: {} for name in group.names}
    by_stem = {role_of(name)[1]: name for name in group.names}
    left = []
    for role, other in group.beside.items():
        for name in other.names:
            stem, file = role_of(name)[1], other.folder / name
            owners = [by_stem[stem]] if stem in by_stem else []
            if role == "psf" and len(other.names) == 1:
                owners = group.names
            for owner in owners if role != "weight" else ():
                found[owner][role] = file
            if role == "weight" or not owners:
                reason = f"a {role} of no image here" if role != "weight" else _WEIGHTS
                left.append((f"{other.folder.name}/{name}", reason))
    return list(found.items()), left


def with_role_folders(groups: Sequence[Group], root: Path) -> list[Group]:
    """Folders of images with those of their PSFs, noise maps and masks: `images/`, `rms/`, ….

    Such lie beside each other, or at the same place below folders that do.
    """
    parts = {group.folder: group.folder.relative_to(root).parts for group in groups}
    places: dict[tuple[int, tuple[str, ...]], dict[str, Group]] = {}
    for group in groups:
        for level, name in enumerate(parts[group.folder]):
            if role := role_of_folder(name):
                rest = (*parts[group.folder][:level], *parts[group.folder][level + 1 :])
                places.setdefault((level, rest), {}).setdefault(role, group)
    found = {group.folder: group for group in groups}
    for roles in places.values():
        images = roles.pop("image", None)
        fitting = {
            role: other
            for role, other in roles.items()
            if images and ((role == "psf" and len(other.names) == 1) or _have_stems(images, other))
        }
        if images is not None and fitting:
            found[images.folder] = Group(images.folder, images.names, fitting)
            for other in fitting.values():
                del found[other.folder]
    return list(found.values())


def _have_stems(images: Group, other: Group) -> bool:
    """Whether at least half of the files of two folders have the same stems."""
    stems = [{role_of(name)[1] for name in group.names} for group in (images, other)]
    return 2 * len(stems[0] & stems[1]) >= len(stems[1])


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
