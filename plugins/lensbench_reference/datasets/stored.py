"""Images on disk, trained and tested on as they are, with whatever is known of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import torch
from annotated_types import Ge

from lensbench import (
    Condition,
    DataError,
    ObservedDataset,
    ObservedImages,
    OptionError,
    PsfImage,
    Split,
    Target,
    background_and_noise,
    in_units_of_noise,
    open_images,
    resample,
    take_census,
    usable_pixels,
    widened_psf,
)
from lensbench_reference.datasets.stored_splits import SHARES, UNLABELLED, share_out
from lensbench_reference.datasets.stored_targets import check_splits, imbalance, targets_of

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

_ELECTRONS = 100.0
"""Noise of an empty pixel [electrons]: photons of the source then add little to it."""

_FIELD = 6.4
"""Side that an image is taken to have where nothing says its pixel scale [arcsec]."""

_PAIRS = (("LR", "HR"), ("noisy", "clean"))


class StoredImages(ObservedDataset):
    """Images with their labels, in every layout that `lensbench data inspect` knows.

    Targets are what the files have: `class`, `substructure` and `lens` from their classes, numbers
    and further classes from the columns of tables, `sky` from pairs of images.

    An image is cropped about its centre to sides that are multiples of 8, and brought to units of
    its noise, band by band. The noise is that of its noise map, else 1.4826 × the median absolute
    deviation of the border (the outer tenth of each side), whose median is taken off first. Where
    that is below 1e-4 of the image's peak there is no noise to speak of, and σ is a hundredth of
    the peak. Images that state σ as their unit stay as they are. Pixels that a mask or a noise map
    rules out are empty sky. Each image keeps the PSF of its file, or the width of that. Pixels are
    of one scale: images of several are refused, or resampled with `sizes=resample`.

    Splits are the files' own, or follow from the hash of an image's name, and all images of one
    object go to the same. Without a `test` split, `val` is that. Images of which nothing is known
    are for pretraining.
    """

    field_of_view = 0.0

    @dataclass(frozen=True)
    class Options:
        """Options of `stored`: where the images are, and what their files do not say.

        Attributes:
            path: A file or a folder.
            condition: Which of several conditions or bands; joined by +, they are channels.
            key: Array or column of the images.
            labels: The one of the classes.
            extension: Of FITS files.
            table: CSV or FITS table of the images.
            split_column: Its column that names the split of an image.
            channel: The only one to take; all where it is not given.
            positive: Classes of lenses, joined by +, for the target `lens`.
            sizes: What to do with images of several sizes or pixel scales: refuse them, crop them
                to the smallest, or resample them to the coarsest pixels.
            pixel_scale: Side of a pixel, where the files do not say [arcsec].
            psf_fwhm: Width of the PSF, where the files do not say [arcsec].
        """

        path: str
        condition: str = ""
        key: str = ""
        labels: str = ""
        extension: str = ""
        table: str = ""
        split_column: str = ""
        channel: Annotated[int, Ge(0)] | None = None
        positive: str = ""
        sizes: Literal["same", "crop", "resample"] = "same"
        pixel_scale: float = 0.0
        psf_fwhm: float = 0.0

    def __init__(self, options: Options) -> None:
        self.options = options
        if options.pixel_scale < 0 or options.psf_fwhm < 0:
            raise OptionError("pixel_scale and psf_fwhm are lengths", "give them in arcsec")
        self._source = open_images(
            options.path,
            key=options.key,
            labels=options.labels,
            extension=options.extension,
            table=options.table,
            split_column=options.split_column,
        )
        self._refuse_pickles()
        self._chosen, self._beside = self._choose()
        self._census = take_census(self._source, self._chosen)
        self._scale = self._common_scale()
        self._side = self._common_side()
        self.targets, self._values = targets_of(self._source, self._chosen, options.positive)
        items = [self._source.items[i] for i in self._chosen]
        known = bool(self.targets)
        self.upsample = self._sampling()
        if self.upsample is not None:
            self.targets["sky"] = Target("image", unit="σ")
        strata = [item.label for item in items]
        shares = SHARES if known or self.upsample is not None else UNLABELLED
        self._splits = share_out(
            [item.name for item in items],
            self._census.groups.tolist(),
            strata,
            [item.split for item in items],
            shares,
        )
        check_splits(options.path, self.targets, self._values, self._splits)
        self.notes = imbalance(self.targets, self._values, self._splits["train"])
        self.channels = len(self._image(0, self._source.read(self._chosen[0]))[0])
        self.data_range = self._range()

    def size(self, split: Split) -> int | None:
        """How many images a split has."""
        return len(self._splits[split])

    def observed(self, split: Split, indices: Sequence[int], condition: str) -> ObservedImages:
        """The images of these indices of a split."""
        places = [self._splits[split][index] for index in indices]
        pictures = [self._source.read(self._chosen[place]) for place in places]
        images = [self._image(*pair) for pair in zip(places, pictures, strict=True)]
        skies = [sky for _, sky in images if sky is not None]
        widths, psfs = self._psfs_of(pictures)
        return ObservedImages(
            ids=tuple(self._id(place) for place in places),
            images=torch.from_numpy(np.stack([image for image, _ in images])),
            targets={name: values[places] for name, values in self._values.items()},
            sky=torch.from_numpy(np.stack(skies)) if skies else None,
            psf_fwhm=widths,
            psf=psfs,
        )

    def condition(self, nominal: Condition) -> Condition:
        """The condition with the pixel scale and the PSF of the images.

        Where the files say neither, the image is taken to be 6.4″ wide, as simulated lenses are,
        and its PSF two pixels.
        """
        scale = self._scale or _FIELD / self._side
        stated = "of the files" if self._scale else f"as if images were {_FIELD}″ wide"
        width = self._census.psf_fwhm or self.options.psf_fwhm or 2 * scale
        seen = replace(
            nominal,
            pixel_scale=scale,
            psf_fwhm=width,
            zeropoint=23.9 - 5 * np.log10(scale),
            sky_brightness=23.9 - 2.5 * np.log10(_ELECTRONS),
            exposure_time=_ELECTRONS,
            source=f"pixel_scale: {stated}; the rest: so that σ is the unit of the images",
        )
        psf = self._census.psf
        if psf is None or self.options.sizes == "resample":
            return seen
        return replace(seen, psf="image", psf_image=PsfImage(scale, psf))

    def digest(self) -> str:
        """Hash of names, classes, numbers and pixels of all images."""
        return self._census.digest

    def _refuse_pickles(self) -> None:
        pickled = sum(item.pickled for item in self._source.items)
        if pickled:
            path = self.options.path
            raise DataError(
                f"{path!r} holds {pickled} object pickles",
                f"`lensbench data convert {path} images.h5`, then stored:path=images.h5",
            )

    def _choose(self) -> tuple[list[int], list[dict[str, int]]]:
        """Indices of the images that are meant, and of those that go with each by condition.

        Raises:
            DataError: Where there are several conditions and none is named.
        """
        items, path = self._source.items, self.options.path
        held = list(dict.fromkeys(item.condition for item in items))
        asked = self.options.condition.split("+") if self.options.condition else []
        pair = next((pair for pair in _PAIRS if set(pair) == set(held)), None)
        if self._source.layout == "pairs" and pair is None:
            pair = self._sides(held)
        wanted = asked or (list(pair) if pair else held)
        strange = [name for name in wanted if name not in held]
        if strange or (len(wanted) > 1 and not asked and not pair):
            raise DataError(
                f"{path!r} has no condition {strange[0]!r}"
                if strange
                else f"{path!r} holds images under {len(held)} conditions",
                f"give condition= one of {', '.join(held)}, or several joined by + as channels",
            )
        self._pair = pair if pair and not asked else None
        by_scene: dict[str, dict[str, int]] = {}
        for index, item in enumerate(items):
            if item.condition in wanted:
                scene = (item.scene or item.name) if len(wanted) > 1 else f"{index}"
                by_scene.setdefault(scene, {})[item.condition] = index
        whole = [images_of for images_of in by_scene.values() if len(images_of) == len(wanted)]
        if len(whole) < len(by_scene):
            raise DataError(
                f"{path!r} has {len(by_scene) - len(whole)} scenes that are not under all of "
                f"{', '.join(wanted)}",
                "leave them out, or name one condition",
            )
        return [images_of[wanted[0]] for images_of in whole], [
            {name: images_of[name] for name in wanted[1:]} for images_of in whole
        ]

    def _sides(self, held: Sequence[str]) -> tuple[str, str]:
        """The sides of pairs whose names do not say which is which: the smaller is the input."""
        sides = {
            item.condition: self._source.read(index).pixels.shape[-1]
            for index, item in list(enumerate(self._source.items))[:2]
        }
        low, high = sorted(held, key=lambda name: sides.get(name, 0))[:2]
        return low, high

    def _sampling(self) -> int | None:
        """How many times as finely the other side of a pair is sampled; `None` without pairs.

        Raises:
            DataError: Where that is no whole number.
        """
        if self._pair is None:
            return None
        low = self._source.read(self._chosen[0]).pixels.shape[-1]
        high = self._source.read(self._beside[0][self._pair[1]]).pixels.shape[-1]
        if high % low or high < low:
            raise DataError(
                f"the pairs of {self.options.path!r} have {low} and {high} pixels on a side",
                "the larger has to be a multiple of the smaller",
            )
        return int(high // low)

    def _common_scale(self) -> float | None:
        """Side of a pixel [arcsec]; `None` where nothing says it.

        Raises:
            DataError: Where images have several, and are not to be resampled.
        """
        known = self._census.pixel_scales
        if not known:
            return self.options.pixel_scale or None
        if known[-1] >= 100 * known[0]:
            raise DataError(
                f"pixels of {self.options.path!r} are from {known[0]}″ to {known[-1]}″",
                "one of these has another unit: correct the headers",
            )
        if known[-1] > 1.02 * known[0] and self.options.sizes != "resample":
            raise DataError(
                f"pixels of {self.options.path!r} are from {known[0]}″ to {known[-1]}″",
                "add sizes=resample, or name a folder of one instrument",
            )
        return known[-1]

    def _common_side(self) -> int:
        """Pixels on a side of what entrants see.

        Raises:
            DataError: Where sizes differ and are not to be made one, or are too small.
        """
        shapes = {shape[1:] for shape in self._census.shapes}
        bands = {shape[0] for shape in self._census.shapes}
        path = self.options.path
        if len(bands) > 1 and self.options.channel is None:
            raise DataError(
                f"{path!r} holds images of {' and '.join(map(str, sorted(bands)))} bands",
                "keep one kind, or name one with channel=",
            )
        if len(shapes) > 1 and self.options.sizes == "same":
            raise DataError(
                f"{path!r} holds images of {len(shapes)} sizes",
                "add sizes=crop (about the centre, to the smallest) or sizes=resample",
            )
        smallest = min(min(shape) for shape in shapes)
        known = self._census.pixel_scales
        if self.options.sizes == "resample" and known:
            smallest = int(smallest * known[0] / known[-1])
        side = smallest // 8 * 8
        if side < 8:
            raise DataError(f"{path!r} holds images under 8 pixels", "name others")
        return side

    def _range(self) -> float:
        """Full scale of the sky [σ]: the 99.9th percentile of a few; one without pairs."""
        if self.upsample is None:
            return 1.0
        few = range(0, len(self._chosen), max(1, len(self._chosen) // 64))
        pairs = (self._image(place, self._source.read(self._chosen[place])) for place in few)
        bright = [np.quantile(sky, 0.999) for _, sky in pairs if sky is not None]
        return float(np.max(bright))

    def _id(self, place: int) -> str:
        """A name of at most 64 bytes, unique over all images."""
        name = self._source.items[self._chosen[place]].name
        mark = hashlib.sha256(name.encode()).hexdigest()[:12]
        return f"{name.encode()[-51:].decode('utf-8', 'ignore')}-{mark}"

    def _psfs_of(self, pictures: Sequence[Any]) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Widths (B,) and PSFs (B, n, n) of images, where those of the files differ."""
        census, width = self._census, self._census.psf_fwhm
        if not census.psf_varies or not pictures or not width:
            return None, None
        widths = np.array([picture.psf_width() or width for picture in pictures])
        if census.psf is None or self.options.sizes == "resample":
            return widths, None
        squares = [picture.square_psf() for picture in pictures]
        return widths, np.stack([widened_psf(one, len(census.psf)) for one in squares])

    def _image(self, place: int, picture: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """An image (C, S, S) in units of its noise, and the sky of its pair in the same unit."""
        index, beside = self._chosen[place], self._beside[place]
        bad = usable_pixels(self._source.items[index].name, picture)
        noise = None if picture.noise is None else picture.noise[None]
        unusable = bad[None] if bad.any() else None
        scaled = in_units_of_noise(picture.pixels[None], picture.unit, noise, unusable)[0]
        if self._pair is not None:
            level = background_and_noise(picture.pixels[None], picture.unit, noise, unusable)
            background, sigma = (one[0][:, None, None] for one in level)
            sharp = self._source.read(beside[self._pair[1]]).pixels
            sky = ((sharp - background) / sigma).astype(np.float32)
            return self._cut(scaled, self._side), self._cut(sky, self._side * (self.upsample or 1))
        bands = [scaled]
        for other in beside.values():
            bands.append(self._scaled(other))
        joined = np.concatenate(bands)
        if self.options.channel is not None:
            joined = self._channel(index, joined)
        if self.options.sizes == "resample":
            return self._resampled(joined, picture.pixel_scale), None
        return self._cut(joined, self._side), None

    def _scaled(self, index: int) -> np.ndarray:
        """One image in units of its noise, at its own size."""
        picture = self._source.read(index)
        bad = usable_pixels(self._source.items[index].name, picture)
        noise = None if picture.noise is None else picture.noise[None]
        return in_units_of_noise(
            picture.pixels[None], picture.unit, noise, bad[None] if bad.any() else None
        )[0]

    def _channel(self, index: int, pixels: np.ndarray) -> np.ndarray:
        channel = self.options.channel or 0
        if channel >= len(pixels):
            raise DataError(
                f"{self._source.items[index].name!r} has {len(pixels)} channels",
                f"channel={channel} is none of them",
            )
        return pixels[channel : channel + 1]

    def _cut(self, pixels: np.ndarray, side: int) -> np.ndarray:
        """The middle of an image.

        Raises:
            DataError: Where it is smaller than those that were looked at.
        """
        top, left = ((extent - side) // 2 for extent in pixels.shape[1:])
        if min(top, left) < 0:
            raise DataError(
                f"{self.options.path!r} has an image of {pixels.shape[1]} × {pixels.shape[2]} "
                f"pixels, expected {side} or more",
                "leave it out, or put images of its size in a folder of their own",
            )
        return np.ascontiguousarray(pixels[:, top : top + side, left : left + side])

    def _resampled(self, pixels: np.ndarray, scale: float | None) -> np.ndarray:
        """An image at the common pixel scale, still in units of the noise of a pixel."""
        square = self._cut(pixels, min(pixels.shape[1:]))
        if self._scale and scale:
            own, new = scale, self._scale
        else:  # the field is what all have in common
            own, new = 1.0, square.shape[1] / self._side
        found = resample(torch.from_numpy(square), own, new, self._side) * (new / own)
        return np.asarray(found.numpy(), dtype=np.float32)
