"""Real galaxies as sources: images from the caller, put in the source plane of any population."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from lensbench.errors import DataError
from lensbench.sky.components import GalaxyImage, SceneModel
from lensbench.sky.light import Interpolation
from lensbench.sky.population import ScenePopulation


@dataclass(frozen=True)
class SourceImages:
    """Images of galaxies as they are on the sky, blur and noise included.

    Attributes:
        pixels: One (C, h, w) a galaxy [µJy/arcsec²].
        pixel_scale: Side of their pixels [arcsec].
        shrink: By how much farther, and so smaller, the galaxies are taken to be.
        interpolation: Between pixels.
    """

    pixels: tuple[Tensor, ...]
    pixel_scale: float
    shrink: float = 1.0
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        if not self.pixels:
            raise DataError("no source image was given", "pass at least one (C, h, w) image")
        for index, image in enumerate(self.pixels):
            if image.ndim != 3 or not bool(image.isfinite().all()):
                raise DataError(
                    f"source image {index} of shape {tuple(image.shape)} is not a finite (C, h, w)",
                    "add a channel dimension, and mask what is unknown",
                )


@dataclass(frozen=True)
class WithSourceImages(ScenePopulation):
    """A population whose sources are images instead of profiles; all else stays as it is.

    A split needs galaxies of its own: give each split other images.

    Attributes:
        population: Draws everything else.
        images: The galaxies.
    """

    population: ScenePopulation
    images: SourceImages

    @property
    def target(self) -> str:  # type: ignore[override]  # of the population within
        """Name of the class target."""
        return self.population.target

    @property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]  # of the population within
        """Classes in the order of their labels."""
        return self.population.classes

    @property
    def source_scale(self) -> str:  # type: ignore[override]  # of the population within
        """The unit in which sources are placed."""
        return self.population.source_scale

    def draw(self, label: int, random: np.random.Generator) -> dict[str, float | np.ndarray]:
        """The population's parameters, and which image at which angle."""
        return {
            **self.population.draw(label, random),
            "source_image": float(random.integers(len(self.images.pixels))),
            "source_image_phi": random.uniform(0, 2 * math.pi),
        }

    def model(self, parameters: Mapping[str, Any], label: int) -> SceneModel:
        """The population's scene with the image at the place of its (last) source."""
        model: SceneModel = self.population.model(parameters, label)
        if not model.sources:
            return model
        place: Any = model.sources[-1]
        image = GalaxyImage(
            self.images.pixels[int(parameters["source_image"])],
            self.images.pixel_scale / self.images.shrink,
            parameters["source_image_phi"],
            place.x,
            place.y,
            self.images.interpolation,
        )
        return replace(model, sources=(image,))
