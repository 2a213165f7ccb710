"""A task with a target that only this package's dataset has."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from lensbench import (
    Features,
    FeatureShape,
    Metric,
    Predictions,
    Samples,
    Target,
    Task,
)
from torch import Tensor, nn

_WHOLE = 360.0


def error(predictions: Predictions, samples: Samples) -> np.ndarray:
    """|answer − opening| (N,) [degree]."""
    wanted = samples.targets["opening"].cpu().numpy()
    return np.abs(np.asarray(predictions["mean"])[:, 0] - wanted)


class Opening(Task):
    """Measures the opening angle of an arc, by its mean absolute error."""

    targets = ("opening",)
    predicts = "numbers"
    needs_maps = False
    metrics = (Metric("mae", error, unit="degree", higher_is_better=False, per_sample=True),)

    def head(self, shape: FeatureShape, targets: Mapping[str, Target]) -> OpeningHead:
        """One linear layer on the pooled features."""
        return OpeningHead(shape.pooled)

    def loss(self, output: Tensor, batch: Samples) -> Tensor:
        """Mean absolute error, in turns."""
        return (output - batch.targets["opening"] / _WHOLE).abs().mean()

    def predict(self, output: Tensor, batch: Samples) -> Predictions:
        """`mean` (B, 1) [degree]."""
        return {"mean": output[:, None] * _WHOLE}


class OpeningHead(nn.Module):
    """Features to a share of the whole turn (B,), between 0 and 1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1)

    def forward(self, features: Features, batch: Samples) -> Tensor:
        """Opening angles (B,) in turns."""
        return self.linear(features.pooled)[:, 0].sigmoid()
