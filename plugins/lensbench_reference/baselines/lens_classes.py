"""Classes and anomalies from lens fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lensbench import FitContext, Measurements, Predictions, Samples
from lensbench_reference.baselines.classes import LinearClasses, regression_on
from lensbench_reference.baselines.trees import BoostedTrees
from lensbench_reference.lens_fitting.lens_images import Fitting, fits_of
from lensbench_reference.lens_fitting.lens_residual import GAINS
from lensbench_reference.lens_fitting.lens_statistics import described_lenses, statistics_of
from lensbench_reference.lens_fitting.lens_verdict import edges


@dataclass(frozen=True)
class _OfFits:
    """Answers from lens fits.

    Attributes:
        fitting: How lenses are fitted.
        measurements: Where fits are found.
    """

    fitting: Fitting
    measurements: Measurements

    def flags(self, samples: Samples, predictions: Predictions) -> list[str]:
        """Fits that are not trusted: parameters far out in their priors."""
        return edges(samples, self.fitting, self.measurements)

    def state(self) -> Mapping[str, Tensor]:
        """Components of the light of lens galaxies."""
        return {"features.light": torch.tensor(self.fitting.light)}


@dataclass(frozen=True)
class LensClasses(_OfFits):
    """Probabilities from lens fits, by a logistic regression.

    Attributes:
        linear: The regression.
    """

    linear: LinearClasses

    def __call__(self, samples: Samples) -> Predictions:
        """Probabilities (N, classes)."""
        found = statistics_of(samples, self.fitting, self.measurements)
        return self.linear.probabilities(found.numpy())

    def state(self) -> Mapping[str, Tensor]:
        """The regression, and components of the light of lens galaxies."""
        return {**self.linear.state(), **super().state()}

    @classmethod
    def trained(cls, fitting: Fitting, context: FitContext) -> LensClasses:
        """Fits lenses to the training images, and a regression to what is found."""
        found = statistics_of(context.train, fitting, context.measurements)
        linear = regression_on(found.numpy(), context, "lens-model")
        return cls(fitting, context.measurements, linear)


@dataclass(frozen=True)
class LensTrees(_OfFits):
    """Probabilities from lens fits, by trees on their statistics and on what they say of the lens.

    Attributes:
        trees: Fitted to the training images.
    """

    trees: BoostedTrees

    def __call__(self, samples: Samples) -> Predictions:
        """Probabilities (N, classes)."""
        return self.trees.probabilities(self.values(samples, self.fitting, self.measurements))

    def state(self) -> Mapping[str, Tensor]:
        """What the trees follow from, and components of the light of lens galaxies."""
        return {**self.trees.state(), **super().state()}

    @staticmethod
    def values(samples: Samples, fitting: Fitting, measurements: Measurements) -> np.ndarray:
        """Numbers (N, D) of each fit."""
        found = statistics_of(samples, fitting, measurements)
        theta = fits_of(samples, fitting, measurements).theta
        return torch.cat([found, described_lenses(theta)], 1).nan_to_num().numpy()

    @classmethod
    def trained(cls, fitting: Fitting, context: FitContext) -> LensTrees:
        """Fits lenses to the training images, and trees to what is found."""
        values = cls.values(context.train, fitting, context.measurements)
        trees = BoostedTrees.fitted(values, context, "lens-model")
        return cls(fitting, context.measurements, trees)


@dataclass(frozen=True)
class LensAnomalies(_OfFits):
    """Scores an image by what a perturbing mass beside the smooth lens explains."""

    def __call__(self, samples: Samples) -> Predictions:
        """Scores (N,): the larger gain in χ² of a line and of a compact mass, by logarithm."""
        return {"score": anomaly_score(statistics_of(samples, self.fitting, self.measurements))}


def anomaly_score(statistics: Tensor) -> Tensor:
    """The larger of the gains (N,) of perturbers in statistics of fits (N, D)."""
    return statistics[:, list(GAINS)].amax(1)
