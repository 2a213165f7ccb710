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
    open_images,
    take_census,
    widened_psf,
)
from lensbench_reference.datasets.stored_choice import choose, sampling
from lensbench_reference.datasets.stored_frames import (
    Frames,
    check_scales,
    common_side,
    several,
    without_nan,
)
from lensbench_reference.datasets.stored_splits import SHARES, UNLABELLED, share_out
from lensbench_reference.datasets.stored_targets import (
    check_splits,
    drop_unknown,
    hints_of,
    imbalance,
    targets_of,
)

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


class StoredImages(ObservedDataset):
    """Images with their labels, in every layout that `lensbench data inspect` knows.

    Targets are what the files have: `class`, `substructure` and `lens` from their classes, numbers
    and further classes from the columns of tables, `sky` from pairs of images.

    An image is cropped about its centre to sides that are multiples of 8, and brought to units of
    its noise, band by band. The noise is that of its noise map, else 1.4826 × the median absolute
    deviation of the border (the outer tenth of each side), whose median is taken off first. Where
    that is below 1e-4 of the image's peak there is no noise to speak of, and σ is a hundredth of
    the peak. Images that state σ as their unit stay as they are. Pixels that a mask or a noise map
    rules out are empty sky. Each image keeps the pixel scale of its file, and the PSF or the width
    of that; `sizes=resample` brings all to one pixel scale.

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
            sizes: What to do with images of several sizes: refuse them, crop them to the smallest,
                or resample them to the coarsest pixels.
            nan: Whether pixels that are not finite are refused or masked, where no mask or noise
                map marks them.
            bands: Whether bands are channels or added up; images may then have different bands.
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
        nan: Literal["error", "mask"] = "error"
        bands: Literal["channels", "sum"] = "channels"
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
        if options.nan == "mask":
            self._source = without_nan(self._source)
        choice = choose(self._source, options.condition)
        self._chosen = choice.places
        self._census = take_census(self._source, self._chosen)
        scales = self._census.pixel_scales
        check_scales(options.path, scales)
        self._several = several(scales) and options.sizes != "resample"
        self._scale = scales[-1] if scales else options.pixel_scale or None
        any_bands = options.channel is not None or options.bands == "sum"
        side = common_side(options.path, self._census, options.sizes, any_bands)
        self.side = side
        self.targets, self._values = targets_of(self._source, self._chosen, options.positive)
        items = [self._source.items[i] for i in self._chosen]
        known = bool(self.targets)
        self.upsample = sampling(self._source, choice)
        self._frames = Frames(
            self._source,
            choice,
            options.sizes,
            options.channel,
            options.bands == "sum",
            side,
            self._scale,
            self.upsample,
        )
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
        check_splits(options.path, self.targets, self._values, self._splits, self._census.groups)
        self.hints = {} if "lens" in self.targets else hints_of(self.targets)
        self.notes = (
            *(f"Left out: {what}." for what in self._source.left_out),
            *self._census.notes,
            *imbalance(self.targets, self._values, self._splits["train"]),
            *drop_unknown(self.targets, self._values, self._splits),
        )
        if self._several:
            self.notes += (
                f"Pixels are from {scales[0]}″ to {scales[-1]}″ and stay as they are: methods that "
                "do not use the pixel scale see rings of one radius in several sizes. "
                "sizes=resample gives all one scale.",
            )
        self.channels = len(self._frames.image(0, self._source.read(self._chosen[0]))[0])
        self.data_range = self._range()

    def size(self, split: Split) -> int | None:
        """How many images a split has."""
        return len(self._splits[split])

    def observed(self, split: Split, indices: Sequence[int], condition: str) -> ObservedImages:
        """The images of these indices of a split."""
        places = [self._splits[split][index] for index in indices]
        pictures = [self._source.read(self._chosen[place]) for place in places]
        images = [self._frames.image(*pair) for pair in zip(places, pictures, strict=True)]
        skies = [sky for _, sky in images if sky is not None]
        widths, psfs = self._psfs_of(pictures)
        return ObservedImages(
            ids=tuple(self._id(place) for place in places),
            images=torch.from_numpy(np.stack([image for image, _ in images])),
            targets={name: values[places] for name, values in self._values.items()},
            sky=torch.from_numpy(np.stack(skies)) if skies else None,
            psf_fwhm=widths,
            psf=psfs,
            pixel_scale=self._scales_of(pictures),
        )

    def condition(self, nominal: Condition) -> Condition:
        """The condition with the pixel scale and the PSF of the images.

        Where the files say neither, the image is taken to be 6.4″ wide, as simulated lenses are,
        and its PSF two pixels.
        """
        scale = self._scale or _FIELD / self._frames.side
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

    def _range(self) -> float:
        """Full scale of the sky [σ]: the 99.9th percentile of a few; one without pairs."""
        if self.upsample is None:
            return 1.0
        few = range(0, len(self._chosen), max(1, len(self._chosen) // 64))
        pairs = (self._frames.image(i, self._source.read(self._chosen[i])) for i in few)
        bright = [np.quantile(sky, 0.999) for _, sky in pairs if sky is not None]
        return float(np.max(bright))

    def _id(self, place: int) -> str:
        """A name of at most 64 bytes, unique over all images; the object's if bands are joined."""
        item = self._source.items[self._chosen[place]]
        joined = self._frames.choice.beside[place] and self._frames.choice.pair is None
        name = item.scene if joined else item.name
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

    def _scales_of(self, pictures: Sequence[Any]) -> np.ndarray | None:
        """Sides of pixels (B,) [arcsec], where those of the files differ."""
        if not self._several or not pictures:
            return None
        nominal = self.options.pixel_scale or self._scale
        return np.array([picture.pixel_scale or nominal for picture in pictures])
