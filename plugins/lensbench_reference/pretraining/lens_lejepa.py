"""LeJEPA with views and correspondences that are right for lenses (Lens-LeJEPA)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from lensbench import IncompatibleError, Pretraining, Samples, Target, encode, feature_shape
from lensbench_reference.pretraining.contrast import projector
from lensbench_reference.pretraining.lejepa import predictive_loss
from lensbench_reference.pretraining.views import (
    ViewOptions,
    blurred,
    check_no_planes,
    disturbed,
    draw_symmetries,
    symmetric,
)

_RINGS = 3


class LensLeJEPA(Pretraining):
    """Views differ in PSF, noise and symmetry alone, and correspond place by place.

    Re-made from what is published of Lens-LeJEPA (Google Summer of Code 2026, "The Einstein
    radius is not an augmentation"): no view zooms, crops or shifts; one of the two is under one of
    the eight symmetries of the square, and its map of features, turned back, has to agree with the
    other's place by place; so have the features of three rings, weighted by the light of the arcs.
    The whole image, places and rings each have a projector and the loss of `lejepa`.
    """

    learning_rate = 1e-3
    weight_decay = 0.05
    batch_size = 64

    @dataclass(frozen=True)
    class Options:
        """Options of `lens-lejepa`.

        Attributes:
            blur: Largest FWHM of a further blur [pixels].
            noise: Deviation of the noise that is added [σ of an empty pixel].
            width: Of the vectors.
            balance: λ of `lejepa`.
            directions: As of `lejepa`.
            places: Weight of the agreement of places, beside that of whole images.
            rings: Weight of the agreement of rings.
        """

        blur: Annotated[float, Ge(0)] = 2.0
        noise: Annotated[float, Ge(0)] = 0.5
        width: Annotated[int, Ge(4)] = 32
        balance: Annotated[float, Gt(0), Lt(1)] = 0.05
        directions: Annotated[int, Ge(1)] = 256
        places: Annotated[float, Ge(0)] = 1.0
        rings: Annotated[float, Ge(0)] = 1.0

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(
        self, encoder: Any, channels: int, targets: Mapping[str, Target]
    ) -> LensLeJEPALoss:
        """The encoder with three projectors behind it.

        Raises:
            IncompatibleError: Where the encoder has no maps of features.
        """
        check_no_planes(encoder, "lens-lejepa")
        if not feature_shape(encoder, channels).maps:
            raise IncompatibleError(
                f"pretraining 'lens-lejepa' compares places, and {type(encoder).__name__} has no "
                "maps of features",
                "take another encoder, or pretraining lejepa",
            )
        return LensLeJEPALoss(encoder, channels, self.options)


class LensLeJEPALoss(nn.Module):
    """Encoder and projectors; called for prediction and regularisation."""

    def __init__(self, encoder: Any, channels: int, options: LensLeJEPA.Options) -> None:
        super().__init__()
        self.encoder = encoder
        self.options = options
        shape = feature_shape(encoder, channels)
        depth = shape.maps[0][0]
        self.whole = projector(shape.pooled, options.width)
        self.place = projector(depth, options.width)
        self.ring = projector(depth, options.width)

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Loss of a batch."""
        count, options = len(batch), self.options
        symmetries = draw_symmetries(count, generator)
        views = [
            self._degraded(images, generator)
            for images in (batch.images, symmetric(batch.images, symmetries))
        ]
        features = encode(self.encoder, replace(batch, images=torch.cat(views)))
        one, other = features.maps[0].chunk(2)
        maps = torch.stack([one, turned_back(other, symmetries)])  # (2, B, D, h, w)
        place = torch.randint(maps.shape[3] * maps.shape[4], (count,), generator=generator)
        at = maps.flatten(3)[:, torch.arange(count), :, place.to(maps.device)]
        return (
            self._agree(self.whole(features.pooled).unflatten(0, (2, count)), generator)
            + options.places * self._agree(self.place(at), generator)
            + options.rings * self._agree(self._rings(maps, batch.images), generator)
        )

    def _degraded(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images behind a wider PSF each, and noisier."""
        fwhm = self.options.blur * torch.rand(len(images), generator=generator)
        options = ViewOptions(shift=0.0, noise=self.options.noise)
        return disturbed(blurred(images, fwhm, generator), options, generator)

    def _rings(self, maps: Tensor, images: Tensor) -> Tensor:
        """Vectors (2, 3 B, width) of rings."""
        rows, columns = maps.shape[3:]
        light = nn.functional.adaptive_avg_pool2d(images.mean(1, keepdim=True), (rows, columns))
        pooled = ring_means(maps, light[:, 0].clamp(min=0))
        vectors: Tensor = self.ring(pooled.flatten(1, 2))
        return vectors

    def _agree(self, vectors: Tensor, generator: torch.Generator) -> Tensor:
        return predictive_loss(vectors, self.options.balance, self.options.directions, generator)


def turned_back(maps: Tensor, symmetries: Tensor) -> Tensor:
    """Maps (B, D, H, W) of images under `symmetric`, as they lie in the images before."""
    transpose, vertical, horizontal = symmetries.to(maps.device)[:, :, None, None, None].unbind(1)
    maps = torch.where(horizontal, maps.flip(3), maps)
    maps = torch.where(vertical, maps.flip(2), maps)
    return torch.where(transpose, maps.mT, maps) if maps.shape[2] == maps.shape[3] else maps


def ring_means(maps: Tensor, light: Tensor) -> Tensor:
    """Means (V, B, 3, D) of maps (V, B, D, h, w) over three rings, weighted by light (B, h, w).

    The rings are equally wide and end at the edge of the field. Where a ring has no light, all of
    it counts alike.
    """
    height, width = light.shape[1:]
    y, x = (
        (2 * torch.arange(side, device=light.device) + 1 - side) / side for side in (height, width)
    )
    radius = torch.hypot(y[:, None], x[None]).clamp(max=1 - 1e-6)
    inside = torch.stack([(radius * _RINGS).long() == ring for ring in range(_RINGS)])
    weights = inside * (light[:, None] + 1e-3)
    weights = weights / weights.sum((2, 3), keepdim=True).clamp(min=1e-12)
    return torch.einsum("vbdhw,brhw->vbrd", maps, weights.to(maps))
