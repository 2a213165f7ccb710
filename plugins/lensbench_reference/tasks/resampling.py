"""Metrics of a whole test set that are written for many bootstrap resamples of it at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lensbench import Metric, Predictions, Samples

Resampled = Callable[[Predictions, Samples, np.ndarray], np.ndarray]
"""From predictions, samples and indices of samples (R, N) to one value a row (R,)."""


def resampled_metric(name: str, resampled: Resampled, **more: Any) -> Metric:
    """A metric that is one number for all: the one of the row that takes each sample once.

    Args:
        name: As it stands in records.
        resampled: Its values on resamples.
        more: Other fields of the metric.
    """

    def compute(predictions: Predictions, samples: Samples) -> float:
        return float(resampled(predictions, samples, np.arange(len(samples))[None])[0])

    return Metric(name, compute, resampled=resampled, **more)
