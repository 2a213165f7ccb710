"""Histograms of oriented gradients into a linear SVM: object recognition before networks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lensbench import Baseline, FitContext, Predictor, Progress, stretch
from lensbench_reference.baselines.classes import (
    LinearClasses,
    always,
    class_target,
    labels_of,
    restored,
    standardised,
)
from lensbench_reference.baselines.gradients import CELLS, at_least, cell_of, oriented_gradients

_STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2)
_CHUNK = 128


class HogSvm(Baseline):
    """One linear SVM a class against the rest, with probabilities after Platt (1999).

    The regularisation is the one of the best accuracy in cross-validation, and the sigmoids are
    fitted to the scores of folds that the SVM did not see.
    """

    def fit(self, context: FitContext) -> Predictor:
        """Trains and calibrates on the training samples."""
        target = class_target(context, "hog-svm")
        count = len(context.train.info[target].classes)
        wanted, values = labels_of(context.train, target), hog_features(context.train.images)
        mean, scale = standardised(values)
        present = np.unique(wanted)
        if len(present) == 1:
            return always(hog_features, values.shape[1], int(present[0]), count)
        weights, bias, slopes, offsets = _calibrated(
            (values - mean) / scale, wanted, context.seed % 2**32
        )
        context.report(Progress(1, 1))
        return LinearClasses(
            hog_features,
            mean=torch.from_numpy(mean),
            scale=torch.from_numpy(scale),
            weights=torch.from_numpy(weights),
            bias=torch.from_numpy(bias),
            classes=torch.from_numpy(present),
            count=count,
            slopes=torch.from_numpy(slopes),
            offsets=torch.from_numpy(offsets),
        )

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The predictor whose state this was."""
        return restored(hog_features, context, "hog-svm", state)


def hog_features(images: Tensor) -> np.ndarray:
    """HOG descriptors (N, D) of stretched images (N, C, H, W), bands averaged.

    Of as many cells whatever the sampling of the field, so that conditions compare.
    """
    cell = cell_of(max(images.shape[-1], 2 * CELLS))
    parts = [
        oriented_gradients(at_least(stretch(chunk), 2 * CELLS).mean(1), cell)
        for chunk in images.cpu().float().split(_CHUNK)
    ]
    features: np.ndarray = torch.cat(parts).double().numpy()
    return features


def _calibrated(
    values: np.ndarray, wanted: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weights (K, D) and bias (K,) of the SVMs, slopes and offsets (K,) of their sigmoids."""
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.svm import LinearSVC

    def machine(strength: float) -> LinearSVC:
        return LinearSVC(C=strength, dual="auto", max_iter=5000, tol=1e-3, random_state=seed)

    present, sizes = np.unique(wanted, return_counts=True)
    folds = min(4, int(sizes.min()))
    strength, held_out = 1e-3, None
    if folds > 1:
        split = StratifiedKFold(folds, shuffle=True, random_state=seed)
        scores = {
            each: cross_val_predict(
                machine(each), values, wanted, cv=split, method="decision_function"
            ).reshape(len(values), -1)
            for each in _STRENGTHS
        }
        strength = max(_STRENGTHS, key=lambda each: float(_right(scores[each], wanted, present)))
        held_out = scores[strength]
    model = machine(strength).fit(values, wanted)
    own = held_out if held_out is not None else model.decision_function(values)
    own = own.reshape(len(values), -1)
    positive = present[1:] if own.shape[1] == 1 else present
    sigmoids = np.array([_platt(own[:, i], wanted == one) for i, one in enumerate(positive)])
    return model.coef_, model.intercept_, sigmoids[:, 0].copy(), sigmoids[:, 1].copy()


def _right(scores: np.ndarray, wanted: np.ndarray, present: np.ndarray) -> float:
    """Share of right answers."""
    best = (scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else scores.argmax(1)
    return float((present[best] == wanted).mean())


def _platt(scores: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
    """Slope and offset of the sigmoid (Platt 1999: a logistic regression on smoothed targets)."""
    from sklearn.linear_model import LogisticRegression

    spread = max(float(scores.std()), 1e-9)
    ahead, behind = int(positive.sum()), int((~positive).sum())
    high, low = (ahead + 1) / (ahead + 2), 1 / (behind + 2)
    share = np.where(positive, high, low)
    model = LogisticRegression(C=1e6, max_iter=1000)
    model.fit(
        np.concatenate([scores, scores])[:, None] / spread,
        np.repeat([1, 0], len(scores)),
        sample_weight=np.concatenate([share, 1 - share]),
    )
    return float(model.coef_[0, 0]) / spread, float(model.intercept_[0])
