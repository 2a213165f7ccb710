"""Shape statistics into gradient boosting: what a morphologist would try first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lensbench import Baseline, FitContext, Predictions, Predictor, Progress, Samples
from lensbench_reference.baselines.classes import class_target, labels_of
from lensbench_reference.baselines.shapes import shape_features


class ShapeBoosting(Baseline):
    """Gradient-boosted trees on shape statistics, stopped where held-out training loss is least."""

    def fit(self, context: FitContext) -> Predictor:
        """Trains on the training samples."""
        target = class_target(context, "shape-boosting")
        values, labels = shape_features(context.train.images), labels_of(context.train, target)
        predictor = BoostedShapes.trained(values, labels, context.seed % 2**32, _count(context))
        context.report(Progress(1, 1))
        return predictor

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The predictor of this state: the trees grow again from what they learned from."""
        values, labels = state["values"].numpy(), state["labels"].numpy()
        return BoostedShapes.trained(values, labels, int(state["seed"]), _count(context))


@dataclass(frozen=True)
class BoostedShapes:
    """Probabilities of classes from shape statistics.

    Attributes:
        values: Shape statistics of the training images (N, D).
        labels: Their classes (N,).
        seed: Of the trees.
        count: Classes of the target.
        model: The trees; `None` where all training images are of one class.
    """

    values: np.ndarray
    labels: np.ndarray
    seed: int
    count: int
    model: Any

    @classmethod
    def trained(
        cls, values: np.ndarray, labels: np.ndarray, seed: int, count: int
    ) -> BoostedShapes:
        """Grows the trees; the same arguments give the same trees."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        present, sizes = np.unique(labels, return_counts=True)
        if len(present) < 2:
            return cls(values, labels, seed, count, None)
        many = bool(sizes.min() >= 20)
        model = HistGradientBoostingClassifier(
            learning_rate=0.05,
            max_iter=400 if many else 60,
            max_leaf_nodes=15,
            min_samples_leaf=10,
            l2_regularization=1.0,
            early_stopping=many,
            random_state=seed,
        )
        return cls(values, labels, seed, count, model.fit(values, labels))

    def __call__(self, samples: Samples) -> Predictions:
        """Probabilities (N, classes), zero for classes never seen in training."""
        shares = (
            np.ones((len(samples), 1))
            if self.model is None
            else self.model.predict_proba(shape_features(samples.images))
        )
        probability = torch.zeros(len(samples), self.count)
        present = torch.from_numpy(np.unique(self.labels))
        probability[:, present] = torch.from_numpy(shares).float()
        return {"probability": probability}

    def state(self) -> Mapping[str, Tensor]:
        """What the trees follow from."""
        return {
            "values": torch.from_numpy(self.values),
            "labels": torch.from_numpy(self.labels),
            "seed": torch.tensor(self.seed),
        }


def _count(context: FitContext) -> int:
    return len(context.train.info[class_target(context, "shape-boosting")].classes)
