"""Gradient-boosted trees on a few numbers of each image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lensbench import FitContext, Predictions
from lensbench_reference.baselines.classes import class_target, labels_of


@dataclass(frozen=True)
class BoostedTrees:
    """Probabilities of classes, by trees that stop where held-out training loss is least.

    Trees are no tensors. What is kept is what they learned from: they grow again from it.

    Attributes:
        values: Numbers of the training images (N, D).
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
    def fitted(cls, values: np.ndarray, context: FitContext, baseline: str) -> BoostedTrees:
        """Trees for the training samples of a fit, of which the numbers (N, D) are known."""
        target = class_target(context, baseline)
        count = len(context.train.info[target].classes)
        return cls.trained(values, labels_of(context.train, target), context.seed % 2**32, count)

    @classmethod
    def restored(
        cls, state: Mapping[str, Tensor], context: FitContext, baseline: str
    ) -> BoostedTrees:
        """The trees of this state."""
        count = len(context.train.info[class_target(context, baseline)].classes)
        values, labels = state["values"].numpy(), state["labels"].numpy()
        return cls.trained(values, labels, int(state["seed"]), count)

    @classmethod
    def trained(cls, values: np.ndarray, labels: np.ndarray, seed: int, count: int) -> BoostedTrees:
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

    def probabilities(self, values: np.ndarray) -> Predictions:
        """Of images with these numbers (N, D): (N, classes), zero for classes never seen."""
        shares = (
            np.ones((len(values), 1)) if self.model is None else self.model.predict_proba(values)
        )
        probability = torch.zeros(len(values), self.count)
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
