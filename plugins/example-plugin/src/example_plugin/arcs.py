"""A dataset of arcs, drawn without end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, get_args

import numpy as np
import torch
from annotated_types import Gt
from lensbench import Dataset, Scenes, Split, Target

_PIXEL_SCALE = 0.05  # arcsec
_SIZE = 144
_PEAK = 10.0  # µJy/arcsec²


class Arcs(Dataset):
    """Arcs of a ring of light: radius, direction and opening angle are drawn uniformly.

    Every scene has a generator of its own, seeded by seed, split and index.
    """

    channels = 1
    field_of_view = 6.4  # arcsec
    data_range = _PEAK
    targets = {  # noqa: RUF012
        "sky": Target("image", unit="µJy/arcsec²"),
        "opening": Target("real", unit="degree"),
    }

    @dataclass(frozen=True)
    class Options:
        """Options: `width` is the standard deviation of the light across an arc [arcsec]."""

        width: Annotated[float, Gt(0)] = 0.15

    def __init__(self, options: Options) -> None:
        self.width = options.width

    def size(self, split: Split) -> int | None:
        """Without end."""
        return None

    def scenes(self, split: Split, indices: Sequence[int], seed: int) -> Scenes:
        """Scenes: sky (B, 1, 144, 144) [µJy/arcsec²] with pixels of 0.05″."""
        stream = get_args(Split).index(split)
        draws = [np.random.default_rng((seed, stream, index)) for index in indices]
        radius = np.array([draw.uniform(0.8, 2.0) for draw in draws])
        direction = np.array([draw.uniform(-180, 180) for draw in draws])
        opening = np.array([draw.uniform(30, 360) for draw in draws])
        return Scenes(
            ids=tuple(f"arc-{split}-{seed}-{index}" for index in indices),
            sky=torch.from_numpy(self.light(radius, direction, opening))[:, None].float(),
            pixel_scale=_PIXEL_SCALE,
            psf_fwhm=np.zeros(len(indices)),
            targets={"opening": opening.astype(np.float32)},
            parameters={"radius": radius, "direction": direction},
        )

    def light(self, radius: np.ndarray, direction: np.ndarray, opening: np.ndarray) -> np.ndarray:
        """Skies (B, 144, 144) of arcs: radius [arcsec], direction and opening [degree]."""
        axis = (np.arange(_SIZE) - (_SIZE - 1) / 2) * _PIXEL_SCALE
        distance = np.hypot(axis[:, None], axis[None])
        angle = np.degrees(np.arctan2(axis[:, None], axis[None]))
        away = (angle - direction[:, None, None] + 180) % 360 - 180
        inside = np.abs(away) <= opening[:, None, None] / 2
        ring = np.exp(-(((distance - radius[:, None, None]) / self.width) ** 2) / 2)
        return _PEAK * ring * inside
