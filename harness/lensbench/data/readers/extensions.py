"""What the extensions of a FITS file are, from their names: images, and what goes with each."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lensbench.data.readers.roles import parted_role

_MORE = {
    "good": re.compile(r"(^|_)(GOOD|VALID)$", re.IGNORECASE),
    "weight": re.compile(r"(^|_)COV$", re.IGNORECASE),
    "context": re.compile(
        r"(^|_)(CON|CTX|SEG|SEGM|SEGMENTATION|SAMP|TIME|AREA|WAVELENGTH)$", re.IGNORECASE
    ),
}
"""Names of extensions that files and arrays would not have with the same meaning."""

_PARTNERS = ("psf", "noise", "variance", "ivar", "mask", "good", "part")
_REASONS = {
    "psf": "a PSF of no image here",
    "noise": "a noise map of no image here",
    "variance": "a variance map of no image here",
    "ivar": "an inverse variance of no image here",
    "mask": "a mask of no image here",
    "good": "a mask of no image here",
    "part": "a component of the variance, and the whole is there",
    "weight": "weights, which are no noise map without their meaning",
    "context": "neither an image nor its noise",
    "other": "it goes with no image here",
}


@dataclass(frozen=True)
class Extension:
    """An extension that holds an array.

    Attributes:
        number: In the file. `name`: EXTNAME. `version`: EXTVER.
        shape: Of the array.
        role: `image`, or what it says of an image.
        stem: The name without the words of the role: the band, or empty.
    """

    number: int
    name: str
    version: int
    shape: tuple[int, ...]
    role: str = "image"
    stem: str = ""


@dataclass(frozen=True)
class Band:
    """An image extension with the numbers of the extensions that go with it, by role."""

    name: str
    image: int
    stem: str = ""
    version: int = 1
    partners: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def named(
    number: int, name: str, version: int, shape: tuple[int, ...], stated: str = ""
) -> Extension:
    """An extension with its role and band, from its name, and from what its header states."""
    role, stem = parted_role(name)
    more = ((role, form.sub("", name)) for role, form in _MORE.items() if form.search(name))
    if role == "image":
        role, stem = next(more, (role, stem))
    if (said := parted_role(stated)[0]) != "image":
        role = said
    return Extension(number, name, version, shape, role, stem.upper())


def bands_of(found: list[Extension], chosen: list[Extension]) -> list[Band]:
    """The chosen images, each with what goes with it: of its band and version.

    What is of no band goes with the image where that is alone. Where images have one name and one
    version, the first goes with the first noise map of their band, and so on.
    """
    groups = _Groups(found)
    stems = {one.stem for one in chosen}
    versions = {one.version for one in chosen}
    bands = []
    for image in chosen:
        name = image.stem or image.name
        if len(versions) > 1 and len(stems) < len(chosen):
            name = f"{name},{image.version}"
        partners: dict[str, tuple[int, ...]] = {}
        for role in _PARTNERS:
            own = groups.partners(image, role, len(chosen) == 1, len(versions) == 1)
            fitting = [one for one in own if role == "psf" or _plane(one) == _plane(image)]
            if fitting:
                partners[role] = tuple(one.number for one in fitting)
        bands.append(Band(name, image.number, image.stem, image.version, partners))
    return bands


class _Groups:
    """Extensions of a file by role, band and version, each looked at once."""

    def __init__(self, found: list[Extension]) -> None:
        self._groups: dict[tuple[str | int, ...], list[Extension]] = defaultdict(list)
        self._namesakes: dict[tuple[str, int], list[int]] = defaultdict(list)
        self._rank: dict[int, int] = {}
        for one in found:
            for key in ((one.role,), (one.role, one.stem), (one.role, one.stem, one.version)):
                self._groups[key].append(one)
            namesakes = self._namesakes[one.name.upper(), one.version]
            self._rank[one.number] = len(namesakes)
            namesakes.append(one.number)

    def partners(
        self, image: Extension, role: str, alone: bool, one_version: bool
    ) -> list[Extension]:
        """Extensions of a role that go with an image.

        Args:
            image: The image.
            role: Another than its own.
            alone: Whether no other image is chosen.
            one_version: Whether all images that are chosen have the same version.
        """
        if role == image.role:
            return []
        own = self._groups.get((role, image.stem, image.version), [])
        if not own and one_version:
            own = self._groups.get((role, image.stem), [])
        of_role = self._groups.get((role,), [])
        if not own and alone and (len(of_role) == 1 or role == "part"):
            own = of_role
        namesakes = len(self._namesakes[image.name.upper(), image.version])
        if namesakes == 1 or len(own) <= 1:
            return own
        rank = self._rank[image.number]
        return own[rank : rank + 1] if len(own) == namesakes else []


def with_noise_once(band: Band) -> Band:
    """The band with one source of its noise, the most direct: what is used is what is kept."""
    kept = dict(band.partners)
    order = [role for role in ("noise", "variance", "ivar", "part") if role in kept]
    for role in order[1:]:
        del kept[role]
    return replace(band, partners=kept)


def unused(found: list[Extension], bands: list[Band]) -> list[str]:
    """What is left out of a file, an extension each, with the reason."""
    used = {number for band in bands for numbers in band.partners.values() for number in numbers}
    used |= {band.image for band in bands}
    reasons = dict(_REASONS)
    if any({"noise", "variance"} & set(band.partners) for band in bands):
        reasons |= dict.fromkeys(("variance", "ivar"), "another source of the noise is used")
    return [
        f"{one.name} [{one.number}]: "
        + reasons.get(one.role, "another image, left out by --extension")
        for one in found
        if one.number not in used
    ]


def is_named(one: Extension, asked: str) -> bool:
    """Whether a user means an extension: by number, name, band, or `NAME,VERSION`."""
    name, _, version = asked.partition(",")
    if version and version.strip() != str(one.version):
        return False
    wanted = name.strip().upper()
    band = one.stem if one.role == "image" else ""
    return asked == str(one.number) or wanted in (one.name.upper(), band or one.name.upper())


def _plane(one: Extension) -> tuple[int, ...]:
    return one.shape[-2:]
