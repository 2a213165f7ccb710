"""Learning from a slow copy of oneself (Grill et al. 2020, arXiv:2006.07733)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn

from lensbench import Pretraining, Samples, Target, encode, feature_shape
from lensbench_reference.pretraining.momentum import Follower
from lensbench_reference.pretraining.views import ViewOptions, check_no_planes, view


class BYOL(Pretraining):
    """One view has to predict what a slow copy of the encoder makes of another.

    There is nothing to contrast with, so that small batches do.
    """

    learning_rate = 1e-3
    weight_decay = 0.05
    batch_size = 64

    @dataclass(frozen=True)
    class Options(ViewOptions):
        """Options of `byol`; a momentum of m has a memory of 1/(1 − m) steps."""

        momentum: Annotated[float, Ge(0), Le(1)] = 0.99
        width: Annotated[int, Ge(4)] = 64
        hidden: Annotated[int, Ge(4)] = 256

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(self, encoder: Any, channels: int, targets: Mapping[str, Target]) -> BYOLLoss:
        """The encoder with projector and predictor, and the slow copies of the first two."""
        check_no_planes(encoder, "byol")
        return BYOLLoss(encoder, channels, self.options)


class BYOLLoss(nn.Module):
    """Online and target networks; called for the distance of prediction and target."""

    def __init__(self, encoder: Any, channels: int, options: BYOL.Options) -> None:
        super().__init__()
        self.options = options
        self.encoder = encoder
        features = feature_shape(encoder, channels).pooled
        self.project = _perceptron(features, options.hidden, options.width)
        self.predict = _perceptron(options.width, options.hidden, options.width)
        self.slow_encoder = Follower(encoder, options.momentum)
        self.slow_project = Follower(self.project, options.momentum)

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Mean of 2 − 2 cos over both directions (their eqs. 2 and 3, halved)."""
        self.slow_encoder.follow(self.encoder)
        self.slow_project.follow(self.project)
        views = torch.cat([view(batch.images, self.options, generator) for _ in range(2)])
        both = replace(batch, images=views)
        predicted = self.predict(self.project(encode(self.encoder, both).pooled))
        with torch.no_grad():
            target = self.slow_project.copy(encode(self.slow_encoder.copy, both).pooled)
        likeness = nn.functional.cosine_similarity(predicted, target.roll(len(batch), 0))
        return 2 - 2 * likeness.mean()


def _perceptron(features: int, hidden: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(features, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, width)
    )
