"""Shape statistics into gradient boosting: what a morphologist would try first."""

from __future__ import annotations

import numpy as np
import torch

from lensbench import Baseline, FitContext, Predictions, Predictor, Progress, Samples
from lensbench_reference.baselines.classes import class_target, labels_of
from lensbench_reference.baselines.shapes import shape_features


class ShapeBoosting(Baseline):
    """Gradient-boosted trees on shape statistics, stopped where held-out training loss is least.

    A fit of trees has no `state`: it takes seconds, and is done again where it is wanted.
    """

    def fit(self, context: FitContext) -> Predictor:
        """Trains on the training samples."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        target = class_target(context, "shape-boosting")
        count = len(context.train.info[target].classes)
        wanted, values = labels_of(context.train, target), shape_features(context.train.images)
        present, sizes = np.unique(wanted, return_counts=True)
        model = None
        if len(present) > 1:
            model = HistGradientBoostingClassifier(
                learning_rate=0.05,
                max_iter=400,
                max_leaf_nodes=15,
                min_samples_leaf=10,
                l2_regularization=1.0,
                early_stopping=bool(sizes.min() >= 20),
                random_state=context.seed % 2**32,
            )
            if sizes.min() < 20:
                model.set_params(max_iter=60)
            model.fit(values, wanted)
        context.report(Progress(1, 1))

        def predict(samples: Samples) -> Predictions:
            probability = torch.zeros(len(samples), count)
            shares = (
                np.ones((len(samples), 1))
                if model is None
                else model.predict_proba(shape_features(samples.images))
            )
            probability[:, torch.from_numpy(present)] = torch.from_numpy(shares).float()
            return {"probability": probability}

        return predict
