"""How far an image's features are from those of normal images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from lensbench import FitContext, Predictions, Progress, Samples, Transfer
from lensbench_reference.transfers.standardising import Standardisation, pooled_features

_CHUNK = 512
_FITTED = 4096
"""Images that a one-class SVM is fitted to, at most: its cost grows with their square."""

Distance = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Outliers:
    """Scores images by a distance of their features.

    Attributes:
        encoder: For samples without features.
        unit: Of the features.
        distance: From standardised features (N, D) to scores (N,).
        fitted: What the distance was made of.
    """

    encoder: Any
    unit: Standardisation
    distance: Distance
    fitted: Mapping[str, Tensor]

    def __call__(self, samples: Samples) -> Predictions:
        """Scores (N,), the larger the stranger."""
        features = self.unit(pooled_features(self.encoder, samples))
        return {"score": torch.cat([self.distance(chunk) for chunk in features.split(_CHUNK)])}

    def state(self) -> Mapping[str, Tensor]:
        """All that was fitted."""
        return {**self.unit.state(), **self.fitted}


class _OutlierTransfer(Transfer):
    """Fits to features of normal images: subclasses say what, and what distance comes of it."""

    frozen = True

    def fit(self, encoder: Any, context: FitContext) -> Outliers:
        """Fits to the training images, all of them normal."""
        features = pooled_features(encoder, context.train)
        unit = Standardisation.of(features)
        fitted = self.fitted(unit(features))
        context.report(Progress(1, 1))
        return Outliers(encoder, unit, self.distance(fitted), fitted)

    def restore(self, encoder: Any, context: FitContext, state: Mapping[str, Tensor]) -> Outliers:
        """The predictor whose state this was."""
        fitted = {name: value for name, value in state.items() if name not in ("mean", "scale")}
        unit = Standardisation(state["mean"], state["scale"])
        return Outliers(encoder, unit, self.distance(fitted), fitted)

    def fitted(self, features: Tensor) -> Mapping[str, Tensor]:
        """What is kept of standardised features (N, D) of normal images."""
        raise NotImplementedError

    def distance(self, fitted: Mapping[str, Tensor]) -> Distance:
        """From standardised features (N, D) to scores (N,)."""
        raise NotImplementedError


class Mahalanobis(_OutlierTransfer):
    """Distance from the mean in units of the covariance, shrunk after Ledoit & Wolf 2004.

    As Lee et al. 2018 (arXiv:1807.03888, eq. 2) with one class. Shrinkage makes the covariance
    invertible where there are fewer images than features.
    """

    @dataclass(frozen=True)
    class Options:
        """`mahalanobis` has none."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def fitted(self, features: Tensor) -> Mapping[str, Tensor]:
        """The lower triangle L of the covariance L Lᵀ."""
        from sklearn.covariance import ledoit_wolf

        covariance, _ = ledoit_wolf(features.numpy(), assume_centered=True)
        matrix = torch.from_numpy(covariance).double()
        # Features that never change have no variance and, standardised, the unit one.
        least = torch.where(features.std(0, correction=0) > 0, 1e-9, 1.0)
        return {"triangle": torch.linalg.cholesky(matrix + torch.diag(least))}

    def distance(self, fitted: Mapping[str, Tensor]) -> Distance:
        """√(xᵀ Σ⁻¹ x)."""
        triangle = fitted["triangle"]

        def distance(features: Tensor) -> Tensor:
            return torch.linalg.solve_triangular(triangle, features.T, upper=False).norm(dim=0)

        return distance


class NeighbourDistance(_OutlierTransfer):
    """Distance to the k-th nearest normal image, in standardised features.

    After Ramaswamy et al. 2000 (doi:10.1145/342009.335437, definition 2.1). Features are not
    brought to length one, as Sun et al. 2022 (arXiv:2204.06507) do with several classes: about the
    mean of one class all directions are normal.
    """

    @dataclass(frozen=True)
    class Options:
        """Options of `knn-distance`."""

        k: Annotated[int, Ge(1)] = 5

    def __init__(self, options: Options) -> None:
        self.options = options

    def fitted(self, features: Tensor) -> Mapping[str, Tensor]:
        """All training features (N, D)."""
        return {"features": features}

    def distance(self, fitted: Mapping[str, Tensor]) -> Distance:
        """To the k-th nearest of the training features."""
        known = fitted["features"]
        k = min(self.options.k, len(known))

        def distance(features: Tensor) -> Tensor:
            return torch.cdist(features, known).kthvalue(k, dim=1).values

        return distance


class OneClassMachine(_OutlierTransfer):
    """One-class SVM with a Gaussian kernel on standardised features (Schölkopf et al. 2001).

    The kernel's exponent is the mean squared difference of the features. Far from all support
    vectors the density is zero in double precision: the distance to the nearest, times a number
    below what counts elsewhere, keeps far images in order.
    """

    @dataclass(frozen=True)
    class Options:
        """Options of `one-class-svm`: the share of normal images that may be outside."""

        nu: Annotated[float, Gt(0), Le(1)] = 0.1

    def __init__(self, options: Options) -> None:
        self.options = options

    def fitted(self, features: Tensor) -> Mapping[str, Tensor]:
        """Support vectors (V, D) and their weights (V,)."""
        from sklearn.svm import OneClassSVM

        values = features[:_FITTED].numpy()
        model = OneClassSVM(kernel="rbf", gamma=1 / values.shape[1], nu=self.options.nu).fit(values)
        return {
            "support": torch.from_numpy(model.support_vectors_).double(),
            "weights": torch.from_numpy(model.dual_coef_[0]).double(),
        }

    def distance(self, fitted: Mapping[str, Tensor]) -> Distance:
        """Minus the density that the support vectors add up to."""
        support, weights = fitted["support"], fitted["weights"]

        def distance(features: Tensor) -> Tensor:
            squared = torch.cdist(features, support).square()
            density = torch.exp(-squared / features.shape[1]) @ weights
            return -density + 1e-9 * torch.log1p(squared.min(1).values)

        return distance
