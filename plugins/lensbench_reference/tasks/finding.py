"""Lens finding: is it a lens, or a galaxy that looks like one?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from torch import Tensor

from lensbench import FeatureShape, Predictions, Samples, Target, Task, UndefinedError
from lensbench_reference.tasks.classes import (
    ClassHead,
    class_loss,
    class_metrics,
    labels_of,
    probability_of,
)
from lensbench_reference.tasks.curves import partial_auroc, threshold_counts
from lensbench_reference.tasks.operating import (
    ENOUGH,
    RankedSamples,
    operating_metrics,
    survey_metrics,
)
from lensbench_reference.tasks.resampling import resampled_metric

_RATES = ("1e-2", "1e-3")
"""False positive rates at which a search is measured; a partial area goes up to the first."""

_PREVALENCES = ("1e-3", "1e-4")
"""Shares of lenses among all objects, about those of ground and space surveys."""


class Finding(Task):
    """Distinguishes lenses from galaxies that look like them.

    Ranked by the AUROC, or by what `rank` says: a search of a survey works at false positive rates
    of a thousandth and below, which take 20,000 non-lenses to measure.
    """

    predicts = "classes"
    targets = ("lens",)
    needs_maps = False

    @dataclass(frozen=True)
    class Options:
        """Options of `finding`.

        Attributes:
            rank: The metric that ranks.
            weighted: Whether lenses count as much as non-lenses in training, however rare.
        """

        rank: Literal["auroc", "partial_auroc_1e-2", "tpr_at_fpr_1e-3"] = "auroc"
        weighted: bool = False

    def __init__(self, options: Options) -> None:
        self._weighted = options.weighted
        metrics = (
            *class_metrics("lens", balanced=False),
            resampled_metric(
                f"partial_auroc_{_RATES[0]}", _partial_area, chance=0.5, scale="logit"
            ),
            *operating_metrics(_ranked, _RATES),
            *(metric for share in _PREVALENCES for metric in survey_metrics(_ranked, share)),
        )
        self.metrics = tuple(sorted(metrics, key=lambda metric: metric.name != options.rank))

    def head(self, shape: FeatureShape, targets: Mapping[str, Target]) -> ClassHead:
        """One linear layer on the normalised pooled features."""
        return ClassHead(shape.pooled, len(targets["lens"].classes))

    def loss(self, output: Tensor, batch: Samples) -> Tensor:
        """Cross-entropy, weighted where asked for."""
        return class_loss(output, batch.targets["lens"], self._weighted)

    def predict(self, output: Tensor, batch: Samples) -> Predictions:
        """Probabilities (B, 2) of no lens and of a lens."""
        return {"probability": output.softmax(1)}


def _ranked(predictions: Predictions | None, samples: Samples) -> RankedSamples:
    lens = labels_of(samples, "lens") == 1
    score = np.zeros(len(lens)) if predictions is None else probability_of(predictions)[:, 1]
    return RankedSamples(score, lens, ~lens)


def _partial_area(predictions: Predictions, samples: Samples, indices: np.ndarray) -> np.ndarray:
    """Area under the ROC curve up to the largest of the false positive rates, standardised."""
    ranked, most = _ranked(predictions, samples), float(_RATES[0])
    if ranked.negative.sum() * most < ENOUGH:
        raise UndefinedError(
            f"{ranked.negative.sum()} negatives do not measure the ROC curve below a false "
            f"positive rate of {most:g}, expected {round(ENOUGH / most)} or more"
        )
    counts = threshold_counts(ranked.score, ranked.positive, ranked.negative, indices)
    return partial_auroc(counts, most)
