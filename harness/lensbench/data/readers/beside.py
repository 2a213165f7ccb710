"""Planes that go with an image: PSF, noise and mask, whatever kind of file they are from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lensbench.data.picture import Picture
from lensbench.data.readers.fits import as_deviation
from lensbench.errors import DataError

PLANES = ("noise", "variance", "ivar", "mask", "good", "psf")
"""Roles of planes that go with an image; `good` marks the pixels that a mask does not."""

NUMBERS = ("psf_fwhm", "scale")
"""Roles of numbers that do."""


def with_planes(
    name: str, picture: Picture, planes: Mapping[str, np.ndarray], names: Mapping[str, str]
) -> Picture:
    """A picture with the planes of these roles; a noise may be one number for all pixels.

    Args:
        name: Of the picture, for errors.
        picture: What is known already.
        planes: (H, W) or (C, H, W), by role; others are no planes of an image and left out.
        names: Of the planes, by role, for errors.

    Raises:
        DataError: Where a noise map or a mask has another shape than its image.
    """
    changes: dict[str, np.ndarray] = {}
    shape = picture.pixels.shape[-2:]
    for role in (role for role in PLANES if role in planes):
        plane = np.asarray(planes[role])
        if role == "psf":
            changes["psf"] = plane if plane.ndim == 2 else plane.mean(0)
            continue
        if plane.ndim == 0:
            plane = np.full(shape, plane)
        if plane.shape[-2:] != shape:
            raise DataError(
                f"{names[role]!r} has {' × '.join(map(str, plane.shape[-2:]))} pixels, its image "
                f"{name!r} has {shape[0]} × {shape[1]}",
                "give both one shape, or leave it out",
            )
        plane = plane[0] if plane.ndim == 3 and len(plane) == 1 else plane
        if role == "mask":
            flagged = np.nan_to_num(plane) != 0
            changes["mask"] = np.zeros_like(flagged) if flagged.all() else flagged
        elif role == "good":
            changes["mask"] = (np.nan_to_num(plane) == 0) | changes.get("mask", np.False_)
        elif "noise" not in changes:
            changes["noise"] = as_deviation(role, [plane.astype(np.float32)])
    return replace(picture, **changes)  # type: ignore[arg-type]


def with_channels(name: str, pictures: Sequence[Picture]) -> Picture:
    """Pictures of one scene as one, their channels behind each other.

    A unit, a pixel scale or a PSF is that of the first; noise is known where all have it.

    Raises:
        DataError: Where they have different sizes.
    """
    first, *others = pictures
    if not others:
        return first
    sizes = {one.pixels.shape[-2:] for one in pictures}
    if len(sizes) > 1:
        raise DataError(f"{name!r} has bands of {len(sizes)} sizes", "name one band")

    def joined(planes: Sequence[np.ndarray | None]) -> np.ndarray:
        """Planes of all channels; False where a picture has none."""
        known = [np.False_ if plane is None else plane for plane in planes]
        shapes = [one.pixels.shape for one in pictures]
        return np.concatenate(list(map(np.broadcast_to, known, shapes)))

    noises = [one.noise for one in pictures]
    masks = [one.mask for one in pictures]
    return replace(
        first,
        pixels=np.concatenate([one.pixels for one in pictures]),
        noise=None if any(noise is None for noise in noises) else joined(noises),
        mask=None if all(mask is None for mask in masks) else joined(masks),
        bands=(),
    )
