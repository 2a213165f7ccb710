"""What tasks with a class target share: a head, and metrics of probabilities."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn

from lensbench import Features, Metric, Predictions, Samples
from lensbench_reference.tasks.curves import Counts, auroc, average_precision, threshold_counts
from lensbench_reference.tasks.resampling import resampled_metric

_BINS = 15

Ranking = Callable[[Counts], np.ndarray]
"""A figure of each resample (R,)."""


class ClassHead(nn.Module):
    """Batch normalisation without weights, then a linear layer."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width, affine=False)
        self.linear = nn.Linear(width, classes)

    def forward(self, features: Features, batch: Samples) -> Any:
        """Logits (B, classes)."""
        return self.linear(self.norm(features.pooled))


def class_metrics(target: str, classes: int) -> tuple[Metric, ...]:
    """Metrics of the probabilities of a class target, the AUROC first."""
    chance = 1 / classes
    return (
        resampled_metric("auroc", partial(_one_against_rest, target, auroc), chance=0.5),
        resampled_metric(
            "pr_auc", partial(_one_against_rest, target, average_precision), chance=chance
        ),
        Metric("accuracy", partial(_right, target), per_sample=True, chance=chance),
        resampled_metric("ece", partial(_calibration_error, target), higher_is_better=False),
    )


def probability_of(predictions: Predictions) -> np.ndarray:
    """Probabilities (N, classes)."""
    return np.asarray(predictions["probability"])


def labels_of(samples: Samples, target: str) -> np.ndarray:
    """Classes (N,)."""
    labels: Tensor = samples.targets[target]
    return labels.cpu().numpy()


def _one_against_rest(
    target: str, figure: Ranking, predictions: Predictions, samples: Samples, indices: np.ndarray
) -> np.ndarray:
    """Mean over classes of a figure of each against the rest; of two classes, of the second."""
    probability, wanted = probability_of(predictions), labels_of(samples, target)
    count = probability.shape[1]
    classes = (1,) if count == 2 else range(count)
    each = [
        figure(threshold_counts(probability[:, i], wanted == i, wanted != i, indices))
        for i in classes
    ]
    return np.asarray(np.mean(each, axis=0))


def _right(target: str, predictions: Predictions, samples: Samples) -> np.ndarray:
    return probability_of(predictions).argmax(1) == labels_of(samples, target)


def _calibration_error(
    target: str, predictions: Predictions, samples: Samples, indices: np.ndarray
) -> np.ndarray:
    """Expected calibration error in 15 bins (Guo et al. 2017, arXiv:1706.04599, eq. 3)."""
    probability = probability_of(predictions)
    confidence = probability.max(1).astype(np.float64)
    right = probability.argmax(1) == labels_of(samples, target)
    places = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    boxes = places[indices] + np.arange(len(indices))[:, None] * _BINS
    gap = np.bincount(boxes.ravel(), (right - confidence)[indices].ravel(), len(indices) * _BINS)
    return np.asarray(np.abs(gap).reshape(-1, _BINS).sum(1) / indices.shape[1])
