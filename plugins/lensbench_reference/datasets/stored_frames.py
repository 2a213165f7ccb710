"""Pixels of stored images: cut or resampled to one size, in units of their noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from lensbench import (
    DataError,
    background_and_noise,
    in_units_of_noise,
    resample,
    usable_pixels,
)
from lensbench_reference.datasets.stored_choice import Choice

_SAME = 1.02
"""Pixel scales within this factor count as one."""

_FARTHEST = 100
"""Pixel scales that differ by this factor cannot be of one unit."""


@dataclass(frozen=True)
class Frames:
    """How images become arrays of one shape.

    Attributes:
        source: Of the images.
        choice: Which of them are meant.
        sizes: `same` and `crop` cut the middle out, `resample` brings to common pixels.
        channel: The only one to take, where one is named.
        summed: Whether bands are added up.
        side: Pixels on a side of what entrants see.
        scale: Side of a pixel, where images are resampled to a known one [arcsec].
        upsample: How many times as finely the sky of a pair is sampled.
    """

    source: Any
    choice: Choice
    sizes: str
    channel: int | None
    summed: bool
    side: int
    scale: float | None
    upsample: int | None

    def image(self, place: int, picture: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """An image (C, S, S) in units of its noise, and the sky of its pair in the same unit."""
        index, beside = self.choice.places[place], self.choice.beside[place]
        if self.choice.pair is not None:
            return self._pair(index, picture, beside[self.choice.pair[1]])
        bands = [self._scaled(index, picture)]
        bands += [self._scaled(other, self.source.read(other)) for other in beside.values()]
        joined = np.concatenate(bands)
        if self.channel is not None:
            joined = self._channel(index, joined)
        if self.summed:
            joined = joined.sum(0, keepdims=True) / math.sqrt(len(joined))
        if self.sizes == "resample":
            return self._resampled(joined, picture.pixel_scale), None
        return self._cut(joined, self.side), None

    def _pair(self, index: int, picture: Any, other: int) -> tuple[np.ndarray, np.ndarray]:
        """An image and its sky, less the background of the image and in units of its noise."""
        noise, unusable = self._known_of(index, picture)
        pixels = picture.pixels[None]
        level = background_and_noise(pixels, picture.unit, noise, unusable)
        background, sigma = (one[0][:, None, None] for one in level)
        scaled = in_units_of_noise(pixels, picture.unit, noise, unusable)[0]
        sky = ((self.source.read(other).pixels - background) / sigma).astype(np.float32)
        return self._cut(scaled, self.side), self._cut(sky, self.side * (self.upsample or 1))

    def _scaled(self, index: int, picture: Any) -> np.ndarray:
        """One image in units of its noise, at its own size."""
        noise, unusable = self._known_of(index, picture)
        return in_units_of_noise(picture.pixels[None], picture.unit, noise, unusable)[0]

    def _known_of(self, index: int, picture: Any) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Noise map and unusable pixels of an image as a batch of one, where it has such."""
        bad = usable_pixels(self.source.items[index].name, picture)
        noise = None if picture.noise is None else picture.noise[None]
        return noise, bad[None] if bad.any() else None

    def _channel(self, index: int, pixels: np.ndarray) -> np.ndarray:
        channel = self.channel or 0
        if channel >= len(pixels):
            raise DataError(
                f"{self.source.items[index].name!r} has {len(pixels)} channels",
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
                f"{self.source.path!r} has an image of {pixels.shape[1]} × {pixels.shape[2]} "
                f"pixels, expected {side} or more",
                "leave it out, or put images of its size in a folder of their own",
            )
        return np.ascontiguousarray(pixels[:, top : top + side, left : left + side])

    def _resampled(self, pixels: np.ndarray, scale: float | None) -> np.ndarray:
        """An image at the common pixel scale, still in units of the noise of a pixel."""
        square = self._cut(pixels, min(pixels.shape[1:]))
        if self.scale and scale:
            own, new = scale, self.scale
        else:  # the field is what all have in common
            own, new = 1.0, square.shape[1] / self.side
        found = resample(torch.from_numpy(square), own, new, self.side) * (new / own)
        return np.asarray(found.numpy(), dtype=np.float32)


def without_nan(source: Any) -> Any:
    """A source whose images mask their pixels that are not finite."""

    def read(index: int) -> Any:
        picture = source.read(index)
        bad = ~np.isfinite(picture.pixels)
        return replace(picture, mask=bad | (False if picture.mask is None else picture.mask))

    return replace(source, read=read)


def several(scales: tuple[float, ...]) -> bool:
    """Whether pixel scales [arcsec], in rising order, are more than one."""
    return bool(scales) and scales[-1] > _SAME * scales[0]


def check_scales(path: str, scales: tuple[float, ...]) -> None:
    """Refuses pixel scales [arcsec], in rising order, that cannot be of one unit.

    Raises:
        DataError: Naming both ends.
    """
    if scales and scales[-1] >= _FARTHEST * scales[0]:
        raise DataError(
            f"pixels of {path!r} are from {scales[0]}″ to {scales[-1]}″",
            "one of these has another unit: correct the headers",
        )


def common_side(path: str, census: Any, sizes: str, any_bands: bool) -> int:
    """Pixels on a side of what entrants see.

    Args:
        path: Where the images are, for messages.
        census: What they are.
        sizes: What to do where they are of several sizes.
        any_bands: Whether they may have different numbers of bands.

    Raises:
        DataError: Where sizes or bands differ and are not to be made one, or are too small.
    """
    shapes = {shape[1:] for shape in census.shapes}
    bands = {shape[0] for shape in census.shapes}
    if len(bands) > 1 and not any_bands:
        raise DataError(
            f"{path!r} holds images of {' and '.join(map(str, sorted(bands)))} bands",
            "add bands=sum, name one with channel=, or keep one kind",
        )
    smallest = min(min(shape) for shape in shapes)
    if len(shapes) > 1 and sizes == "same":
        raise DataError(
            f"{path!r} holds images of {len(shapes)} sizes",
            f"add sizes=crop (the middle {max(smallest // 8 * 8, 8)} pixels of each) or "
            "sizes=resample (one pixel scale)",
        )
    scales = census.pixel_scales
    if sizes == "resample" and scales:
        smallest = int(smallest * scales[0] / scales[-1])
    side = smallest // 8 * 8
    if side < 8:
        raise DataError(
            f"the smallest of the images in {path!r} has {smallest} pixels on a side; 8 are needed",
            "leave the smallest out" + (", or take sizes=crop" if sizes == "resample" else ""),
        )
    return side
