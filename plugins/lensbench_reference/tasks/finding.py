"""Lens finding: is it a lens, or a galaxy that looks like one?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from torch import Tensor, nn

from lensbench import FeatureShape, Predictions, Samples, SkyTarget, Target
from lensbench_reference.tasks.classes import (
    ClassHead,
    Ranking,
    class_metrics,
    labels_of,
    probability_of,
)
from lensbench_reference.tasks.curves import (
    completeness_at_purity,
    purity_at_prevalence,
    threshold_counts,
    true_positive_rate,
)
from lensbench_reference.tasks.resampling import resampled_metric


class Finding:
    """Tells lenses from look-alikes; ranked by the AUROC.

    Completeness at a purity is that of the test set, with its own share of lenses; purity at a
    prevalence is what a survey would see at half of its lenses found.
    """

    version = "1"
    targets = ("lens",)
    sky: SkyTarget | None = None
    needs_maps = False

    def __init__(self) -> None:
        figures: dict[str, Ranking] = {
            "completeness_at_purity_0.9": partial(completeness_at_purity, purity=0.9),
            "completeness_at_purity_0.99": partial(completeness_at_purity, purity=0.99),
            "purity_at_prevalence_1e-3": partial(purity_at_prevalence, prevalence=1e-3),
            "purity_at_prevalence_1e-4": partial(purity_at_prevalence, prevalence=1e-4),
            "tpr_at_fpr_1e-3": partial(true_positive_rate, false_rate=1e-3),
            "tpr_at_fpr_0": partial(true_positive_rate, false_rate=0.0),
        }
        ranked = (
            resampled_metric(name, partial(_found, figure)) for name, figure in figures.items()
        )
        self.metrics = (*class_metrics("lens", 2), *ranked)

    def head(self, shape: FeatureShape, targets: Mapping[str, Target]) -> ClassHead:
        """One linear layer on the normalised pooled features."""
        return ClassHead(shape.pooled, len(targets["lens"].classes))

    def loss(self, output: Tensor, batch: Samples) -> Tensor:
        """Cross-entropy."""
        return nn.functional.cross_entropy(output, batch.targets["lens"])

    def predict(self, output: Tensor, batch: Samples) -> Predictions:
        """Probabilities (B, 2) of no lens and of a lens."""
        return {"probability": output.softmax(1)}


def _found(
    figure: Ranking, predictions: Predictions, samples: Samples, indices: np.ndarray
) -> np.ndarray:
    lens = labels_of(samples, "lens") == 1
    return figure(threshold_counts(probability_of(predictions)[:, 1], lens, ~lens, indices))
