"""A linear head that is held back where labels are few."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lensbench import FitContext, Predictions, Progress, Samples, Transfer
from lensbench_reference.transfers.asked import asked, labels_of
from lensbench_reference.transfers.standardising import Standardisation, pooled_features

_PENALTIES = np.logspace(-1, 6, 29)
_INVERSE_PENALTIES = np.logspace(-6, 0, 9)
_FOLDS = 5
_SHARES = (0.0, 0.1, 0.3, 1.0)
"""Sizes of learned features beside those that need no weights: the smaller, the more held back."""

_DOUBT = 0.5
"""Standard errors by which a larger share must be the better one: chosen, like the shares, on
scenes that no table tests on."""

_NEVER = -1e4
"""Logit of a class that no training image has."""


class RidgeProbe(Transfer):
    """Linear functions of standardised pooled features, with a penalty on squared weights.

    Numbers get the least squares of Hoerl & Kennard 1970, the penalty by leave-one-out, whose
    error is the `sigma` of every answer; classes get the multinomial logistic regression of Le
    Cessie & Van Houwelingen 1992, the penalty by five-fold cross-validation of the likelihood.
    Labels of the training images alone are read, the validation images not.

    Where an encoder says that the last of its features need no weights (`unlearned`), the learned
    ones are made smaller for classes, so that the penalty holds them back more, or left out: as
    much as the cross-validation does not speak against it by more than half a standard error of
    the difference over the folds (after the rule of one standard error of Breiman et al. 1984).
    """

    frozen = True

    def fit(self, encoder: Any, context: FitContext) -> LinearAnswers:
        """Solves for the weights."""
        classes, names = asked(context, "ridge")
        features = pooled_features(encoder, context.train)
        unit = Standardisation.of(features)
        values, labels = unit(features).numpy(), labels_of(context.train, classes, names).numpy()
        unlearned = encoder.unlearned
        fitted = (
            _logistic(values, labels, unlearned, context.seed)
            if classes
            else _ridges(values, labels)
        )
        weights, bias, sigma = (torch.from_numpy(array) for array in fitted)
        context.report(Progress(1, 1))
        return LinearAnswers(encoder, unit, weights, bias, sigma, bool(classes))

    def restore(
        self, encoder: Any, context: FitContext, state: Mapping[str, Tensor]
    ) -> LinearAnswers:
        """The predictor whose state this was."""
        classes, _ = asked(context, "ridge")
        unit = Standardisation(state["mean"], state["scale"])
        return LinearAnswers(
            encoder, unit, state["weights"], state["bias"], state["sigma"], bool(classes)
        )


@dataclass(frozen=True)
class LinearAnswers:
    """A linear function of features (D,).

    Attributes:
        encoder: For samples without features.
        unit: Of the features.
        weights: (K, D), of classes or of numbers.
        bias: (K,).
        sigma: Standard error (K,) of numbers; zero for classes.
        classes: Whether the predictions are probabilities.
    """

    encoder: Any
    unit: Standardisation
    weights: Tensor
    bias: Tensor
    sigma: Tensor
    classes: bool

    def __call__(self, samples: Samples) -> Predictions:
        """Probabilities (N, K), or mean and sigma (N, K)."""
        values = self.unit(pooled_features(self.encoder, samples)) @ self.weights.T + self.bias
        if self.classes:
            return {"probability": torch.softmax(values, 1).float()}
        return {"mean": values.float(), "sigma": self.sigma.expand_as(values).float()}

    def state(self) -> Mapping[str, Tensor]:
        """Unit of the features, weights and errors."""
        return {
            **self.unit.state(),
            "weights": self.weights,
            "bias": self.bias,
            "sigma": self.sigma,
        }


_Fitted = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Weights (K, D), bias (K,) and errors (K,)."""


def _ridges(values: np.ndarray, labels: np.ndarray) -> _Fitted:
    """Of features (N, D) and numbers (N, T), each over the images where it is known."""
    from sklearn.linear_model import RidgeCV

    count, width = labels.shape[1], values.shape[1]
    weights, bias, sigma = np.zeros((count, width)), np.zeros(count), np.zeros(count)
    for i, wanted in enumerate(labels.T):
        known = np.isfinite(wanted)
        if known.sum() < 3:
            bias[i] = wanted[known].mean() if known.any() else 0.0
            continue
        model = RidgeCV(_PENALTIES).fit(values[known], wanted[known])
        weights[i], bias[i] = model.coef_, model.intercept_
        sigma[i] = np.sqrt(-model.best_score_)
    return weights, bias, sigma


def _logistic(values: np.ndarray, labels: np.ndarray, unlearned: int, seed: int) -> _Fitted:
    """Of features (N, D), the last of which are unlearned, and classes (N, K), ones and zeros."""
    count, width = labels.shape[1], values.shape[1]
    wanted = labels.argmax(1)
    present, sizes = np.unique(wanted, return_counts=True)
    weights, bias = np.zeros((count, width)), np.full(count, _NEVER)
    bias[present] = 0.0
    if len(present) > 1:
        size, model = _classifier(values, wanted, unlearned, min(_FOLDS, int(sizes.min())), seed)
        places = present[1:] if len(present) == 2 else present
        weights[places], bias[places] = model.coef_ * size, model.intercept_
    return weights, bias, np.zeros(count)


def _classifier(
    values: np.ndarray, wanted: np.ndarray, unlearned: int, folds: int, seed: int
) -> tuple[np.ndarray, Any]:
    """Sizes (D,) of features, and the regression on features of these sizes."""
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
    from sklearn.model_selection import StratifiedKFold

    width = values.shape[1]
    learned = np.arange(width) < width - unlearned
    if folds < 2:
        return np.ones(width), LogisticRegression(C=1e-3, max_iter=1000).fit(values, wanted)
    tried = []
    for share in _SHARES if unlearned and learned.any() else (1.0,):
        size = np.where(learned, share, 1.0)
        model = LogisticRegressionCV(
            Cs=_INVERSE_PENALTIES,
            max_iter=1000,
            scoring="neg_log_loss",
            l1_ratios=(0.0,),
            cv=StratifiedKFold(folds, shuffle=True, random_state=seed % 2**32),
            use_legacy_attributes=False,
        ).fit(values * size, wanted)
        scores = model.scores_.reshape(folds, -1)
        tried.append((scores[:, scores.mean(0).argmax()], size, model))
    best = max((scores for scores, _, _ in tried), key=np.mean)
    return next(
        (size, model)
        for scores, size, model in tried
        if np.mean(best - scores) <= _DOUBT * np.std(best - scores, ddof=1) / np.sqrt(folds)
    )
