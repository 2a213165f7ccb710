"""One-class SVM: the smallest region that holds most normal images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from lensbench import Baseline, FitContext, OptionError, Predictions, Predictor, Progress, Samples
from lensbench_reference.baselines.pca import Components, principal_components

_FITTED = 4096
"""Training images that the machine is fitted to, at most: its cost grows with their square."""


class OneClassSvm(Baseline):
    """One-class SVM with a Gaussian kernel on whitened principal components.

    After Schölkopf et al. 2001; the row OC-SVM of Alexander et al. 2020 (arXiv:2008.12731). The
    kernel's width is one over the number of components, as whitened coordinates vary by one.
    """

    @dataclass(frozen=True)
    class Options:
        """Options of `ocsvm`."""

        components: int = 32
        nu: float = 0.1

    def __init__(self, options: Options) -> None:
        if not 0 < options.nu <= 1:
            raise OptionError(f"nu={options.nu}, expected above 0 and at most 1", "try nu=0.1")
        self.options = options

    def fit(self, context: FitContext) -> Predictor:
        """Fits components and machine to the training images, all of them normal."""
        from sklearn.svm import OneClassSVM

        images = context.train.images[:_FITTED]
        components = principal_components(images, self.options.components)
        values = whitened(components, images).numpy()
        gamma = 1 / values.shape[1]
        model = OneClassSVM(kernel="rbf", gamma=gamma, nu=self.options.nu).fit(values)
        context.report(Progress(1, 1))
        return Region(
            components,
            torch.from_numpy(model.support_vectors_).double(),
            torch.from_numpy(model.dual_coef_[0]).double(),
        )

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The predictor whose state this was."""
        return Region(Components.of_state(state), state["support"], state["weights"])


def whitened(components: Components, images: Tensor) -> Tensor:
    """Coordinates (N, K), float64, of unit variance over the images that made the components."""
    scale = components.variance.sqrt()
    scale = torch.where(scale > 1e-6, scale, torch.ones_like(scale))
    return (components.project(images) / scale).double()


@dataclass(frozen=True)
class Region:
    """Support vectors (V, K) and their weights (V,)."""

    components: Components
    support: Tensor
    weights: Tensor

    def __call__(self, samples: Samples) -> Predictions:
        """Scores (N,): minus the density that the support vectors add up to.

        Far from all of them that is zero in double precision; the squared distance to the
        nearest, times a number below what counts elsewhere, keeps far images in order.
        """
        values = whitened(self.components, samples.images)
        squared = torch.cdist(values, self.support).square()
        density = torch.exp(-squared / values.shape[1]) @ self.weights
        nearest = squared.min(1).values
        return {"score": -density + 1e-9 * torch.log1p(nearest)}

    def state(self) -> Mapping[str, Tensor]:
        """Components, support vectors and weights."""
        return {**self.components.state(), "support": self.support, "weights": self.weights}
