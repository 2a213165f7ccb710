"""Classes and anomalies from lens fits: what a smooth lens explains, and what it leaves over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lensbench import Condition, FitContext, Predictions, Progress, Samples
from lensbench_reference.baselines.classes import LinearClasses, regression_on
from lensbench_reference.baselines.lens_fit import Fit, Optics, descend
from lensbench_reference.baselines.lens_images import (
    Fitting,
    chunks,
    fit_lenses,
    one_image,
    plainly_seen,
)
from lensbench_reference.baselines.lens_residual import GAINS, Residual, residual_features
from lensbench_reference.baselines.smooth_lens import CENTRE, NAMES, without_mass

_STEPS = 8
"""Of the fit of a galaxy without lens."""


def lens_vectors(
    samples: Samples, fitting: Fitting, context: FitContext | None = None
) -> np.ndarray:
    """Statistics (N, D) of lens fits to images; progress goes to the context."""
    images = one_image(samples.images).cpu()
    places, rows = [], []
    for condition, chosen in chunks(samples):
        places.append(chosen)
        rows.append(_vector(images[chosen], condition, fitting))
        if context is not None:
            done = sum(map(len, places))
            context.report(Progress(done, len(images), note="lenses"))
    found: np.ndarray = torch.cat(rows)[torch.cat(places).argsort()].numpy()
    return found


def _vector(images: Tensor, condition: Condition, fitting: Fitting) -> Tensor:
    fit = fit_lenses(images, condition, fitting)
    found = Residual.of(*plainly_seen(condition, images, fit.theta), fit.theta)
    evidence = torch.stack(_evidence(found, fit), 1)
    return torch.cat([residual_features(found), evidence], 1).nan_to_num().clamp(-50, 50)


def _evidence(found: Residual, fit: Fit) -> list[Tensor]:
    """How much better the lens is than an empty sky and than a galaxy, in χ², by logarithms."""
    images, pixels = found.images, found.images[0].numel()
    empty = images.double().square().sum((1, 2))
    galaxy = _galaxy(found.optics, images, fit.theta.shape[1])
    lens = found.chi_squared.clamp(min=1.0)
    return [
        (empty / pixels).clamp(min=1e-6).log(),
        (empty / lens).clamp(min=1e-6).log(),
        (galaxy / lens).clamp(min=1e-6).log(),
        (galaxy / pixels).clamp(min=1e-6).log(),
        fit.theta[:, 0],
    ]


def _galaxy(optics: Optics, images: Tensor, count: int) -> Tensor:
    """χ² (B,) of a galaxy that lenses nothing, a disc and perhaps a bulge about one place."""
    alone = Optics(optics.condition, optics.size, 1, lensless=True)
    centre, _ = without_mass(CENTRE[:count], CENTRE[:count])
    start = centre.repeat(len(images), 1)
    start[:, NAMES.index("magnitude")] = 21.0
    start[:, NAMES.index("ln_radius")] = -0.3
    smooth = images.clamp(min=0)
    theta, _ = descend(alone, images, start, _STEPS, smooth)
    model = alone.images(theta)
    left = (images - model).double().square() / alone.variance(model)
    return left.sum((1, 2)).nan_to_num(nan=1e12, posinf=1e12)


@dataclass(frozen=True)
class LensClasses:
    """Probabilities from lens fits, by a logistic regression.

    Attributes:
        fitting: How lenses are fitted.
        linear: The regression.
    """

    fitting: Fitting
    linear: LinearClasses

    def __call__(self, samples: Samples) -> Predictions:
        """Probabilities (N, classes)."""
        return self.linear.probabilities(lens_vectors(samples, self.fitting))

    def state(self) -> Mapping[str, Tensor]:
        """The regression, and whether lens galaxies shine."""
        return {**self.linear.state(), "features.light": torch.tensor(int(self.fitting.light))}

    @classmethod
    def trained(cls, fitting: Fitting, context: FitContext) -> LensClasses:
        """Fits lenses to the training images, and a regression to what is found."""
        vectors = lens_vectors(context.train, fitting, context)
        return cls(fitting, regression_on(vectors, context, "lens-model"))


@dataclass(frozen=True)
class LensAnomalies:
    """Scores an image by what a perturbing mass beside the smooth lens explains.

    Attributes:
        fitting: How lenses are fitted.
    """

    fitting: Fitting

    def __call__(self, samples: Samples) -> Predictions:
        """Scores (N,): the larger gain in χ² of a line and of a compact mass, by logarithm."""
        return {"score": torch.from_numpy(anomaly_score(lens_vectors(samples, self.fitting)))}

    def state(self) -> Mapping[str, Tensor]:
        """Whether lens galaxies shine."""
        return {"features.light": torch.tensor(int(self.fitting.light))}


def anomaly_score(vectors: np.ndarray) -> np.ndarray:
    """The larger of the gains (N,) of perturbers in vectors of fits (N, D)."""
    score: np.ndarray = vectors[:, list(GAINS)].max(1)
    return score
