"""Labelled images on disk, trained and tested on as they are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lensbench import (
    Condition,
    DataError,
    Dataset,
    Observed,
    Scenes,
    Split,
    Target,
    in_units_of_noise,
    open_images,
)

CLASSES = ("no_sub", "cdm", "vortex")
ALIASES = {"no": "no_sub", "sphere": "cdm", "vort": "vortex", "axion": "vortex"}
SHARES: dict[Split, float] = {"pretraining": 0.35, "train": 0.35, "validation": 0.1, "test": 0.2}
"""Shares of the images that the splits get where the files have no test split of their own."""

AS_STORED = Condition(
    name="as-stored",
    pixel_scale=1.0,
    psf_fwhm=1.0,
    zeropoint=23.9,
    sky_brightness=23.9,
    exposure_time=1.0,
    num_exposures=1,
    read_noise=0.0,
    summary="Images on disk as they are, under the condition that made them.",
    source="nominal numbers: the files say neither pixel scale nor depth",
)


class Stored(Dataset):
    """Images with their substructure class, in every layout that `lensbench data inspect` knows.

    An image is cropped about its centre to sides that are multiples of 8, and brought to units of
    its noise: the median of its border is taken off and it is divided by σ = 1.4826 × the median
    absolute deviation of the border (the outer tenth of each side). Where that is below 1e-4 of
    the image's peak there is no noise to speak of, and σ is a hundredth of the peak. Images that
    state σ as their unit stay as they are.

    Splits follow from the hash of an image's name, and all copies of one image go to the same. A
    split `val` or `test` of the files' own is the test split, and the rest is shared out.
    """

    version = "1"
    channels = 1
    targets = {"substructure": Target("class", classes=CLASSES)}  # noqa: RUF012 (read only)
    field_of_view = 0.0
    data_range = 1.0

    @dataclass(frozen=True)
    class Options:
        """Options of `stored`: where the images are, and what their files do not say."""

        path: str
        condition: str = ""
        key: str = ""
        labels: str = ""
        channel: int = 0

    def __init__(self, options: Options) -> None:
        self.options = options
        self._source = open_images(options.path, key=options.key, labels=options.labels)
        chosen = self._choose()
        contents = {index: self._content(index) for index in chosen}
        self._side = self._common_side(chosen)
        self._ids = {i: f"{self._source.items[i].name[-40:]}-{contents[i][:12]}" for i in chosen}
        self._splits = self._share_out(contents)
        digest = hashlib.sha256()
        for index in chosen:
            item = self._source.items[index]
            digest.update(f"{item.name}\0{item.label}\0{contents[index]}\0".encode())
        self._digest = digest.hexdigest()

    def size(self, split: Split) -> int | None:
        """How many images a split has."""
        return len(self._splits[split])

    def scenes(self, split: Split, indices: Sequence[int], seed: int) -> Scenes:
        """There is no sky behind stored images."""
        raise DataError(f"{self.options.path!r} holds images, not skies", "name another dataset")

    def observed(self, split: Split, indices: Sequence[int], condition: str) -> Observed:
        """The images of these indices of a split."""
        chosen = [self._splits[split][index] for index in indices]
        labels = [CLASSES.index(self._label(index)) for index in chosen]
        return Observed(
            ids=tuple(
                self._ids[index].encode()[-64:].decode("utf-8", "replace") for index in chosen
            ),
            images=torch.stack([self._image(index) for index in chosen]),
            targets={"substructure": np.array(labels, dtype=np.int64)},
        )

    def digest(self) -> str:
        """Hash of names, classes and pixels of all images."""
        return self._digest

    def _choose(self) -> list[int]:
        """Indices of the images that are meant.

        Raises:
            DataError: Where they are pickled, of several conditions, or not of our classes.
        """
        items, path = self._source.items, self.options.path
        pickled = sum(item.pickled for item in items)
        if pickled:
            raise DataError(
                f"{path!r} holds {pickled} object pickles",
                f"`lensbench data convert {path} images.h5`, then stored:path=images.h5",
            )
        conditions = sorted({item.condition for item in items})
        if self.options.condition not in conditions and (
            self.options.condition or len(conditions) > 1
        ):
            raise DataError(
                f"{path!r} has no condition {self.options.condition!r}",
                f"give condition= one of {', '.join(conditions)}",
            )
        wanted = self.options.condition or conditions[0]
        chosen = [index for index, item in enumerate(items) if item.condition == wanted]
        strange = sorted({self._label(index) for index in chosen} - set(CLASSES))
        if strange:
            raise DataError(
                f"{path!r} has images of class {strange[0] or 'unknown'!r}",
                f"known are {', '.join((*CLASSES, *ALIASES))}",
            )
        return chosen

    def _label(self, index: int) -> str:
        label = self._source.items[index].label.lower()
        return ALIASES.get(label, label)

    def _content(self, index: int) -> str:
        """Hash of an image's pixels.

        Raises:
            DataError: Where it cannot be used.
        """
        pixels = self._plane(index)
        name = self._source.items[index].name
        if not np.isfinite(pixels).all():
            raise DataError(f"{name!r} has pixels that are NaN or infinite", "leave it out")
        if np.ptp(pixels) == 0:
            raise DataError(f"{name!r} is constant", "leave it out of the folder")
        return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()

    def _plane(self, index: int) -> np.ndarray:
        pixels = self._source.read(index).pixels
        if not 0 <= self.options.channel < len(pixels):
            raise DataError(
                f"{self._source.items[index].name!r} has {len(pixels)} channels",
                f"channel={self.options.channel} is none of them",
            )
        return pixels[self.options.channel]

    def _common_side(self, chosen: Sequence[int]) -> int:
        shapes = {self._plane(index).shape for index in chosen}
        if len(shapes) > 1:
            raise DataError(
                f"{self.options.path!r} holds images of {len(shapes)} sizes", "keep one of them"
            )
        side = min(shapes.pop()) // 8 * 8
        if side < 8:
            raise DataError(f"{self.options.path!r} holds images under 8 pixels", "name others")
        return side

    def _share_out(self, contents: dict[int, str]) -> dict[Split, list[int]]:
        """Indices by split; copies of one image stay together, in the order of their hashes."""
        groups: dict[str, list[int]] = {}
        for index, content in contents.items():
            groups.setdefault(content, []).append(index)
        items = self._source.items
        own = {items[i].split for i in contents} & {"val", "valid", "validation", "test"}
        splits: dict[Split, list[int]] = {name: [] for name in SHARES}
        hashed = [
            (hashlib.sha256(min(items[i].name for i in group).encode()).hexdigest(), group)
            for group in groups.values()
        ]
        for place, group in sorted(hashed):
            if own:
                held_out = any(items[i].split in own for i in group)
                chance = 1.0 if held_out else int(place[:12], 16) / 16**12 * (1 - SHARES["test"])
            else:
                chance = int(place[:12], 16) / 16**12
            splits[_split_at(chance)] += group
        return splits

    def _image(self, index: int) -> torch.Tensor:
        """One image (1, S, S) in units of its noise."""
        plane = self._plane(index)[None, None]
        pixels = in_units_of_noise(plane, self._source.read(index).unit)[0]
        top, left = ((side - self._side) // 2 for side in pixels.shape[1:])
        return torch.from_numpy(pixels[:, top : top + self._side, left : left + self._side])


def _split_at(chance: float) -> Split:
    """The split whose share of [0, 1] a number lies in."""
    reached = 0.0
    for name, share in SHARES.items():
        reached += share
        if chance < reached - 1e-12:
            return name
    return "test"
