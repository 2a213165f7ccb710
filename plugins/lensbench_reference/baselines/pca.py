"""Principal components of pixels: a logistic regression on them, and their residual."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lensbench import Baseline, FitContext, Predictions, Predictor, Samples, stretch
from lensbench_reference.baselines.classes import (
    FeatureMap,
    LinearClasses,
    logistic_regression,
    restored,
)

_FITTED = 4096
"""Training images that the components are found from, at most."""

_SIDE = 64
"""Pixels on a side of the images that components are of, at most."""


@dataclass(frozen=True)
class Components:
    """Principal components of stretched images.

    Attributes:
        mean: Of the images (D,).
        axes: Orthonormal (K, D), the one of largest variance first.
        variance: Along the axes (K,).
    """

    mean: Tensor
    axes: Tensor
    variance: Tensor

    def project(self, images: Tensor) -> Tensor:
        """Coordinates (N, K) of images (N, C, H, W) along the axes."""
        return (flattened(images, self.side_of(images)) - self.mean) @ self.axes.T

    def residual(self, images: Tensor) -> Tensor:
        """Mean squared residual a pixel (N,) after all components."""
        values = flattened(images, self.side_of(images)) - self.mean
        left = values - (values @ self.axes.T) @ self.axes
        return left.square().mean(1)

    def side_of(self, images: Tensor) -> int:
        """Pixels on a side of what was fitted, for images of as many bands."""
        return math.isqrt(len(self.mean) // images.shape[1])

    def state(self) -> dict[str, Tensor]:
        """As named tensors."""
        return {
            "features.mean": self.mean,
            "features.axes": self.axes,
            "features.variance": self.variance,
        }

    @classmethod
    def of_state(cls, state: Mapping[str, Tensor]) -> Components:
        """Those whose state this was."""
        return cls(state["features.mean"], state["features.axes"], state["features.variance"])


def flattened(images: Tensor, side: int) -> Tensor:
    """Stretched images (N, C × side²), on a grid of `side` pixels over the same field.

    Where pixels are added up the noise stays one; finer ones are interpolated.
    """
    images, size = images.cpu().float(), images.shape[-1]
    if size > side:
        images = interpolate(images, side, mode="area") * (size / side)
    elif size < side:
        images = interpolate(images, side, mode="bilinear")
    return stretch(images).flatten(1)


def principal_components(images: Tensor, count: int) -> Components:
    """The first `count` components of images (N, C, H, W), or as many as there are."""
    values = flattened(images[:_FITTED], min(_SIDE, images.shape[-1]))
    mean = values.mean(0)
    count = max(1, min(count, len(values) - 1, values.shape[1]))
    # Of the smaller of the two Gram matrices, in double precision: the same every time.
    centred = (values - mean).double()
    wide = len(values) <= values.shape[1]
    gram = centred @ centred.T if wide else centred.T @ centred
    size, vectors = torch.linalg.eigh(gram)
    top = vectors[:, -count:].flip(1)
    axes = (centred.T @ top if wide else top).T
    axes = axes / axes.norm(dim=1, keepdim=True).clamp(min=1e-12)
    variance = size[-count:].flip(0).clamp(min=0) / max(len(values) - 1, 1)
    return Components(mean, axes.float(), variance.float())


class PcaLogisticRegression(Baseline):
    """Principal components of the stretched pixels into a logistic regression."""

    @dataclass(frozen=True)
    class Options:
        """Options of `pca-logreg`."""

        components: int = 64

    def __init__(self, options: Options) -> None:
        self.options = options

    def fit(self, context: FitContext) -> Predictor:
        """Finds components, then chooses the regularisation by cross-validation."""
        components = principal_components(context.train.images, self.options.components)
        linear = logistic_regression(_features(components), context, "pca-logreg")
        return ComponentClasses(components, linear)

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The predictor whose state this was."""
        components = Components.of_state(state)
        linear = restored(_features(components), context, "pca-logreg", state)
        return ComponentClasses(components, linear)


def _features(components: Components) -> FeatureMap:
    def project(images: Tensor) -> np.ndarray:
        return components.project(images).numpy()

    return project


@dataclass(frozen=True)
class ComponentClasses:
    """Components, and the linear scores on them."""

    components: Components
    linear: LinearClasses

    def __call__(self, samples: Samples) -> Predictions:
        """Probabilities (N, classes)."""
        return self.linear(samples)

    def state(self) -> Mapping[str, Tensor]:
        """Of both."""
        return {**self.components.state(), **self.linear.state()}


class PcaResidual(Baseline):
    """Anomaly score: the part of an image that components of normal images do not explain."""

    @dataclass(frozen=True)
    class Options:
        """Options of `pca-residual`."""

        components: int = 64

    def __init__(self, options: Options) -> None:
        self.options = options

    def fit(self, context: FitContext) -> Predictor:
        """Finds the components of the training images, all of them normal."""
        return Residual(principal_components(context.train.images, self.options.components))

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The predictor whose state this was."""
        return Residual(Components.of_state(state))


@dataclass(frozen=True)
class Residual:
    """Scores images by the residual that components do not explain."""

    components: Components

    def __call__(self, samples: Samples) -> Predictions:
        """Scores (N,); the larger, the stranger."""
        return {"score": self.components.residual(samples.images)}

    def state(self) -> Mapping[str, Tensor]:
        """The components."""
        return self.components.state()
