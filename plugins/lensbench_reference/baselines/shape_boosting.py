"""Shape statistics into gradient boosting: what a morphologist would try first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from lensbench import Baseline, FitContext, Predictions, Predictor, Progress, Samples
from lensbench_reference.baselines.shapes import shape_features
from lensbench_reference.baselines.trees import BoostedTrees


class ShapeBoosting(Baseline):
    """Gradient-boosted trees on shape statistics, stopped where held-out training loss is least."""

    def fit(self, context: FitContext) -> Predictor:
        """Trains on the training samples."""
        values = shape_features(context.train.images)
        predictor = BoostedShapes(BoostedTrees.fitted(values, context, "shape-boosting"))
        context.report(Progress(1, 1))
        return predictor

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The predictor of this state: the trees grow again from what they learned from."""
        return BoostedShapes(BoostedTrees.restored(state, context, "shape-boosting"))


@dataclass(frozen=True)
class BoostedShapes:
    """Probabilities of classes from shape statistics."""

    trees: BoostedTrees

    def __call__(self, samples: Samples) -> Predictions:
        """Probabilities (N, classes), zero for classes never seen in training."""
        return self.trees.probabilities(shape_features(samples.images))

    def state(self) -> Mapping[str, Tensor]:
        """What the trees follow from."""
        return self.trees.state()
