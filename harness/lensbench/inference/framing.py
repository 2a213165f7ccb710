"""What images have to be for encoders to be shown them: whole, and of sides of eight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lensbench.data.picture import Selection

SIDE_STEP = 8
"""Sides of what encoders are shown are multiples of this."""


def cropped(images: np.ndarray) -> np.ndarray:
    """Images (B, C, H, W) about their centre, to sides that are multiples of eight."""
    height, width = (side // SIDE_STEP * SIDE_STEP for side in images.shape[-2:])
    top, left = (images.shape[-2] - height) // 2, (images.shape[-1] - width) // 2
    return images[..., top : top + height, left : left + width]


def flaws(pixels: np.ndarray) -> list[str]:
    """Why each image (B, C, H, W) cannot be used; empty where it can."""
    flat = pixels.reshape(len(pixels), -1)
    if flat.shape[1] == 0 or min(pixels.shape[-2:]) < SIDE_STEP:
        return [f"it has {pixels.shape[-2]} × {pixels.shape[-1]} pixels"] * len(pixels)
    finite = np.isfinite(flat).all(1)
    constant = flat.max(1) == flat.min(1)
    return [
        "pixels are NaN or infinite" if not good else "it is constant" if same else ""
        for good, same in zip(finite.tolist(), constant.tolist(), strict=True)
    ]


@dataclass(frozen=True)
class Framing:
    """What of files is shown to an encoder, and how: as the dataset did that it was trained on.

    Attributes:
        bands: Bands or conditions of the files that become channels, in this order; the only one
            that there is where it is empty.
        key, extension: See `Selection`.
        channel: The only channel to take, where one is named.
        summed: Whether channels are added up.
        masks_nan: Whether pixels that are not finite are masked.
        side: Pixels on a side that larger images are cut to; zero where they stay as they are.
    """

    bands: tuple[str, ...] = ()
    key: str = ""
    extension: str = ""
    channel: int | None = None
    summed: bool = False
    masks_nan: bool = False
    side: int = 0

    @classmethod
    def of(cls, dataset: Any) -> Framing:
        """That of a dataset of files, by its options of these names; the plain one of others."""
        options = getattr(dataset, "options", None)

        def stated(name: str) -> Any:
            return getattr(options, name, None)

        return cls(
            tuple(filter(None, (stated("condition") or "").split("+"))),
            stated("key") or "",
            stated("extension") or "",
            stated("channel"),
            stated("bands") == "sum",
            stated("nan") == "mask",
            dataset.side if stated("sizes") == "crop" else 0,
        )

    def selection(self, named: Selection) -> Selection:
        """What a user says; where that is nothing, what was said of the training images."""
        return replace(
            named, key=named.key or self.key, extension=named.extension or self.extension
        )

    def left_out(self, read: tuple[int, ...], shown: tuple[int, ...]) -> tuple[str, ...]:
        """What of images (B, C, H, W) of the first shape is not in those of the second."""
        said = []
        if not self.summed and shown[1] < read[1]:
            said.append(f"{read[1] - shown[1]} of {read[1]} channels: channel={self.channel}")
        if shown[-2:] != read[-2:]:
            sizes = " to ".join(f"{height} × {width}" for *_, height, width in (read, shown))
            said.append(f"margins: images are cut about their centre from {sizes} pixels")
        return tuple(said)

    def framed(self, images: np.ndarray) -> np.ndarray:
        """Images (B, C, H, W) in units of the noise as the encoder is to see them."""
        if self.channel is not None and self.channel < images.shape[1]:
            images = images[:, self.channel : self.channel + 1]
        if self.summed:
            images = images.sum(1, keepdims=True) / np.sqrt(images.shape[1])
        top, left = ((extent - self.side) // 2 for extent in images.shape[-2:])
        if self.side and min(top, left) >= 0:
            images = images[..., top : top + self.side, left : left + self.side]
        return cropped(images)
