"""Views that predict their common mean, held apart by a normal distribution (LeJEPA)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from lensbench import Pretraining, Samples, Target, encode, feature_shape
from lensbench_reference.pretraining.contrast import projector
from lensbench_reference.pretraining.gaussianity import gaussianity_loss
from lensbench_reference.pretraining.views import ViewOptions, check_no_planes, view


class LeJEPA(Pretraining):
    """Vectors of an image's views are to be their mean, and those of all images standard normal.

    After Balestriero & LeCun 2025 (arXiv:2511.08544): (1 − λ) of the squared distance of each
    view's vector from the mean of the views, and λ of `gaussianity_loss`. There is no teacher, no
    stop of gradients and no schedule. The small crops of the paper are left out, as in `dino`.
    """

    learning_rate = 1e-3
    weight_decay = 0.05
    batch_size = 64

    @dataclass(frozen=True)
    class Options(ViewOptions):
        """Options of `lejepa`.

        Attributes:
            views: Of each image.
            width: Of the vectors.
            balance: λ.
            directions: On which vectors are compared with a normal distribution, at each step.
        """

        views: Annotated[int, Ge(2)] = 4
        width: Annotated[int, Ge(4)] = 32
        balance: Annotated[float, Gt(0), Lt(1)] = 0.05
        directions: Annotated[int, Ge(1)] = 256

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(self, encoder: Any, channels: int, targets: Mapping[str, Target]) -> LeJEPALoss:
        """The encoder with a projector behind it."""
        check_no_planes(encoder, "lejepa")
        return LeJEPALoss(encoder, channels, self.options)


class LeJEPALoss(nn.Module):
    """Encoder and projector; called for prediction and regularisation."""

    def __init__(self, encoder: Any, channels: int, options: LeJEPA.Options) -> None:
        super().__init__()
        self.encoder = encoder
        self.options = options
        self.project = projector(feature_shape(encoder, channels).pooled, options.width)

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Loss of a batch."""
        options = self.options
        views = [view(batch.images, options, generator) for _ in range(options.views)]
        pooled = encode(self.encoder, replace(batch, images=torch.cat(views))).pooled
        vectors = self.project(pooled).unflatten(0, (options.views, len(batch)))
        return predictive_loss(vectors, options.balance, options.directions, generator)


def predictive_loss(
    vectors: Tensor, balance: float, directions: int, generator: torch.Generator
) -> Tensor:
    """(1 − λ) of the views' squared distance from their mean, and λ of `gaussianity_loss`.

    Args:
        vectors: Of the views of each image (V, B, D).
        balance: λ.
        directions: Of the regularisation.
        generator: Likewise.
    """
    apart = (vectors - vectors.mean(0)).square().mean()
    normal = torch.stack([gaussianity_loss(one, directions, generator) for one in vectors]).mean()
    return (1 - balance) * apart + balance * normal
