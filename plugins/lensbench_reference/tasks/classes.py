"""What tasks with a class target share: a head, and metrics of probabilities."""

from __future__ import annotations

import math
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
"""A metric of each resample (R,)."""


class ClassHead(nn.Module):
    """Batch normalisation without weights, then a linear layer."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width, affine=False)
        self.linear = nn.Linear(width, classes)

    def forward(self, features: Features, batch: Samples) -> Any:
        """Logits (B, classes)."""
        return self.linear(self.norm(features.pooled))


def class_loss(output: Tensor, wanted: Tensor, weighted: bool) -> Tensor:
    """Cross-entropy (Bishop 2006, eq. 4.108), where asked for with one weight for each class.

    Args:
        output: Logits (B, classes).
        wanted: Classes (B,).
        weighted: Whether each class that is in the batch counts as much as every other.
    """
    if not weighted:
        return nn.functional.cross_entropy(output, wanted)
    counts = wanted.bincount(minlength=output.shape[1]).clamp(min=1)
    return nn.functional.cross_entropy(output, wanted, weight=1 / counts.to(output))


def class_metrics(target: str, balanced: bool = True) -> tuple[Metric, ...]:
    """Metrics of the probabilities of a class target, the AUROC first.

    Args:
        target: Its name.
        balanced: Whether each of three classes has as many scenes, so that chance levels are known.
    """
    chance = 1 / 3 if balanced else None
    return (
        resampled_metric(
            "auroc", partial(_one_against_rest, target, auroc), chance=0.5, scale="logit"
        ),
        resampled_metric(
            "pr_auc",
            partial(_one_against_rest, target, average_precision),
            chance=chance,
            scale="logit",
        ),
        Metric("accuracy", partial(_right, target), per_sample=True, chance=chance),
        Metric(
            "overconfidence",
            partial(_overconfidence, target),
            higher_is_better=None,
            per_sample=True,
        ),
        Metric("ece", partial(_calibration_error, target), higher_is_better=False, interval=False),
        Metric("ece_excess", partial(_excess, target), higher_is_better=False, interval=False),
    )


def class_auroc(
    target: str,
    name: str,
    score: Callable[[Predictions, int], np.ndarray] | None = None,
    rest: str = "",
) -> Metric:
    """The AUROC of one class as `auroc_NAME`; it does not apply where the data lack the class.

    Args:
        target: The class target.
        name: Of the class.
        score: From predictions and the class's place to what ranks (N,); by default its
            probability.
        rest: The class that it is held against; all others where empty.
    """

    def area(predictions: Predictions, samples: Samples, indices: np.ndarray) -> np.ndarray:
        classes = samples.info[target].classes
        if name not in classes:
            raise NotImplementedError(f"{target} has no class {name!r}, but {', '.join(classes)}")
        which, wanted = classes.index(name), labels_of(samples, target)
        value = score(predictions, which) if score else probability_of(predictions)[:, which]
        others = wanted == classes.index(rest) if rest else wanted != which
        return auroc(threshold_counts(value, wanted == which, others, indices))

    return resampled_metric(f"auroc_{name}", area, chance=0.5, scale="logit")


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
    """Mean over classes of a metric of each against the rest; of two classes, of the second."""
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


def _overconfidence(target: str, predictions: Predictions, samples: Samples) -> np.ndarray:
    """Largest probability less whether it is right (N,): its mean is confidence less accuracy."""
    return _confidence(predictions) - _right(target, predictions, samples)


def _calibration_error(target: str, predictions: Predictions, samples: Samples) -> float:
    """Expected calibration error in 15 bins (Guo et al. 2017, arXiv:1706.04599, eq. 3)."""
    gaps = _binned(predictions, _overconfidence(target, predictions, samples))
    return float(np.abs(gaps).sum() / len(samples))


def _excess(target: str, predictions: Predictions, samples: Samples) -> float:
    """Calibration error less what a calibrated method reads that is as confident in as many scenes.

    The gap of a bin of such a method is the sum of c − Bernoulli(c) over its confidences c, of mean
    zero and variance Σ c(1 − c). Its absolute value has the mean √(2/π) times the standard
    deviation, as for a normal distribution.
    """
    confidence = _confidence(predictions)
    spread = np.sqrt(_binned(predictions, confidence * (1 - confidence)).clip(min=0))
    calibrated = float(math.sqrt(2 / math.pi) * spread.sum() / len(samples))
    return _calibration_error(target, predictions, samples) - calibrated


def _confidence(predictions: Predictions) -> np.ndarray:
    return probability_of(predictions).max(1).astype(np.float64)


def _binned(predictions: Predictions, values: np.ndarray) -> np.ndarray:
    """Sums of values (N,) in 15 bins of the largest probability."""
    places = np.minimum((_confidence(predictions) * _BINS).astype(int), _BINS - 1)
    return np.bincount(places, values, _BINS)
