"""Which substructure a lens has: three classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lensbench import Features, FeatureShape, Metric, Predictions, Samples, SkyTarget, Target


class Morphology:
    """Classifies the substructure; ranked by the mean one-against-rest AUROC."""

    version = "1"
    targets = ("substructure",)
    sky: SkyTarget | None = None
    needs_maps = False

    def __init__(self) -> None:
        self.metrics = (
            Metric("auroc", _auroc, chance=0.5),
            Metric("accuracy", _accuracy, per_sample=True, chance=1 / 3),
            Metric("ece", _calibration_error, higher_is_better=False),
        )

    def head(self, shape: FeatureShape, targets: Mapping[str, Target]) -> ClassHead:
        """One linear layer on the normalised pooled features."""
        return ClassHead(shape.pooled, len(targets["substructure"].classes))

    def loss(self, output: Tensor, batch: Samples) -> Tensor:
        """Cross-entropy."""
        return nn.functional.cross_entropy(output, batch.targets["substructure"])

    def predict(self, output: Tensor, batch: Samples) -> Predictions:
        """Probabilities (B, classes)."""
        return {"probability": output.softmax(1)}


class ClassHead(nn.Module):
    """Batch normalisation without weights, then a linear layer."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width, affine=False)
        self.linear = nn.Linear(width, classes)

    def forward(self, features: Features, batch: Samples) -> Any:
        """Logits (B, classes)."""
        return self.linear(self.norm(features.pooled))


def _probability(predictions: Predictions) -> Tensor:
    return torch.as_tensor(predictions["probability"])


def _auroc(predictions: Predictions, samples: Samples) -> float:
    from torchmetrics.functional.classification import multiclass_auroc

    probability, wanted = _probability(predictions), samples.targets["substructure"]
    if len(wanted.unique()) < probability.shape[1]:
        return float("nan")
    return float(multiclass_auroc(probability, wanted, probability.shape[1], validate_args=False))


def _accuracy(predictions: Predictions, samples: Samples) -> Any:
    return (_probability(predictions).argmax(1) == samples.targets["substructure"]).numpy()


def _calibration_error(predictions: Predictions, samples: Samples) -> float:
    """Expected calibration error in 15 bins (Guo et al. 2017, arXiv:1706.04599)."""
    from torchmetrics.functional.classification import multiclass_calibration_error

    probability, wanted = _probability(predictions), samples.targets["substructure"]
    classes = probability.shape[1]
    return float(
        multiclass_calibration_error(probability, wanted, classes, 15, validate_args=False)
    )
