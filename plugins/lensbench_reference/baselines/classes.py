"""From features to the probabilities of classes: linear, and so kept as tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from lensbench import FitContext, IncompatibleError, Predictions, Progress, Samples

FeatureMap = Callable[[Tensor], np.ndarray]
"""From images (N, C, H, W) in units of σ to features (N, D)."""


def no_features(images: Tensor) -> np.ndarray:
    """In place of a feature map, where features are given and not found from images."""
    raise TypeError("features are found elsewhere")


def class_target(context: FitContext, baseline: str) -> str:
    """The class that the task asks for.

    Raises:
        IncompatibleError: Where it asks for none.
    """
    info = context.train.info
    for name in context.task.targets:
        if name in info and info[name].kind == "class":
            return name
    raise IncompatibleError(f"baseline {baseline!r} needs a class target", "try morphology")


def labels_of(samples: Samples, target: str) -> np.ndarray:
    """Classes (N,) of samples."""
    labels: np.ndarray = samples.targets[target].cpu().numpy()
    return labels


@dataclass(frozen=True)
class LinearClasses:
    """Standardised features, one linear score a class, and what makes these probabilities.

    Attributes:
        features: From images to features.
        mean, scale: Of the training features (D,).
        weights: (K, D) of K scores.
        bias: (K,).
        classes: Which class each probability is of (L,); L is K, or 2 where K is 1.
        slopes, offsets: Platt's, where each score has a sigmoid of its own (K,); else empty, and
            scores go through a softmax.
        count: How many classes the target has.
    """

    features: FeatureMap
    mean: Tensor
    scale: Tensor
    weights: Tensor
    bias: Tensor
    classes: Tensor
    count: int
    slopes: Tensor
    offsets: Tensor

    def __call__(self, samples: Samples) -> Predictions:
        """Probabilities (N, classes); see `probabilities`."""
        return self.probabilities(self.features(samples.images))

    def probabilities(self, features: np.ndarray) -> Predictions:
        """Of features (N, D): (N, classes), zero for classes never seen in training."""
        values = torch.from_numpy(features).double()
        scores = ((values - self.mean) / self.scale) @ self.weights.T + self.bias
        if len(self.slopes):
            shares = torch.sigmoid(scores * self.slopes + self.offsets)
            if shares.shape[1] < len(self.classes):
                shares = torch.cat([1 - shares, shares], 1)
            shares = shares.clamp(min=1e-12)
            shares = shares / shares.sum(1, keepdim=True)
        else:
            if scores.shape[1] < len(self.classes):
                scores = torch.cat([torch.zeros_like(scores), scores], 1)
            shares = scores.softmax(1)
        probability = torch.zeros(len(values), self.count, dtype=torch.float64)
        probability[:, self.classes.long()] = shares
        return {"probability": probability.float()}

    def state(self) -> Mapping[str, Tensor]:
        """All that was fitted."""
        names = ("mean", "scale", "weights", "bias", "classes", "slopes", "offsets")
        return {name: getattr(self, name) for name in names}


def restored(
    features: FeatureMap, context: FitContext, baseline: str, state: Mapping[str, Tensor]
) -> LinearClasses:
    """The predictor whose state this was."""
    count = len(context.train.info[class_target(context, baseline)].classes)
    own = {name: value for name, value in state.items() if not name.startswith("features.")}
    return LinearClasses(features=features, count=count, **own)


def standardised(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (D,) of features; one where a feature never changes."""
    scale = values.std(0)
    return values.mean(0), np.where(scale > 1e-9, scale, 1.0)


def always(features: FeatureMap, width: int, only: int, count: int) -> LinearClasses:
    """The predictor where training had one class alone: always that one."""
    zero = torch.zeros(width, dtype=torch.float64)
    return LinearClasses(
        features,
        zero,
        zero + 1,
        zero[None],
        zero[:1],
        torch.tensor([only]),
        count,
        zero[:0],
        zero[:0],
    )


def logistic_regression(features: FeatureMap, context: FitContext, baseline: str) -> LinearClasses:
    """Multinomial logistic regression, its regularisation chosen by cross-validation."""
    linear = regression_on(features(context.train.images), context, baseline)
    return replace(linear, features=features)


def regression_on(values: np.ndarray, context: FitContext, baseline: str) -> LinearClasses:
    """Likewise, on features (N, D) of the training samples that are there already."""
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

    target = class_target(context, baseline)
    count = len(context.train.info[target].classes)
    wanted = labels_of(context.train, target)
    mean, scale = standardised(values)
    present, sizes = np.unique(wanted, return_counts=True)
    if len(present) == 1:
        return always(no_features, values.shape[1], int(present[0]), count)
    folds = min(4, int(sizes.min()))
    model = (
        LogisticRegressionCV(
            Cs=8,
            cv=folds,
            max_iter=2000,
            scoring="neg_log_loss",
            l1_ratios=(0.0,),
            use_legacy_attributes=False,
        )
        if folds > 1
        else LogisticRegression(C=0.1, max_iter=2000)
    )
    model.fit((values - mean) / scale, wanted)
    context.report(Progress(1, 1))
    empty = torch.zeros(0, dtype=torch.float64)
    return LinearClasses(
        no_features,
        torch.from_numpy(mean).double(),
        torch.from_numpy(scale).double(),
        torch.from_numpy(model.coef_).double(),
        torch.from_numpy(model.intercept_).double(),
        torch.from_numpy(present),
        count,
        empty,
        empty,
    )
