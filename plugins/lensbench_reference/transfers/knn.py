"""The nearest neighbours vote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from lensbench import FitContext, Predictions, Progress, Samples, Transfer
from lensbench_reference.transfers.asked import asked, labels_of
from lensbench_reference.transfers.standardising import Standardisation, pooled_features

_CHUNK = 512
_CHOICES = (2, 5, 10, 20, 50, 100, 200)
_LEAST_SIGMA = 1e-3


class NearestNeighbours(Transfer):
    """The labels of the k most similar training images, weighted by how similar they are.

    Similarity is the cosine between standardised pooled features, and a neighbour's weight
    exp(similarity / temperature), as in Wu et al. 2018 (arXiv:1805.01978, section 3.4). Classes get
    shares of the weight; a number gets the weighted mean and scatter of the neighbours'. Where k
    is not given, that of least squared error on the validation images is taken.
    """

    frozen = True

    @dataclass(frozen=True)
    class Options:
        """Options of `knn`; `k=0` is for the validation images to choose."""

        k: Annotated[int, Ge(0)] = 0
        temperature: Annotated[float, Gt(0)] = 0.07

    def __init__(self, options: Options) -> None:
        self.options = options

    def fit(self, encoder: Any, context: FitContext) -> Neighbours:
        """Keeps the training features and their labels, and chooses k."""
        classes, names = asked(context, "knn")
        features = pooled_features(encoder, context.train)
        unit = Standardisation.of(features)
        neighbours = Neighbours(
            encoder,
            unit,
            unit.direction(features),
            labels_of(context.train, classes, names),
            classes,
            max(1, self.options.k),
            self.options.temperature,
        )
        if not self.options.k:
            wanted = labels_of(context.validation, classes, names)
            neighbours = _chosen(neighbours, context.validation, wanted)
        context.report(Progress(1, 1, note=f"k={neighbours.k}"))
        return neighbours

    def restore(self, encoder: Any, context: FitContext, state: Mapping[str, Tensor]) -> Neighbours:
        """The predictor whose state this was."""
        classes, _ = asked(context, "knn")
        return Neighbours(
            encoder,
            Standardisation(state["mean"], state["scale"]),
            state["directions"],
            state["labels"],
            classes,
            int(state["k"]),
            self.options.temperature,
        )


@dataclass(frozen=True)
class Neighbours:
    """Directions (N, D) of the training features, and what is known of each image.

    Attributes:
        encoder: For samples without features.
        unit: Of the features.
        directions: (N, D).
        labels: (N, K): ones and zeros of classes, or numbers, NaN where unknown.
        classes: How many classes; zero where numbers are asked for.
        k: How many neighbours vote.
        temperature: Of the weights.
    """

    encoder: Any
    unit: Standardisation
    directions: Tensor
    labels: Tensor
    classes: int
    k: int
    temperature: float

    def __call__(self, samples: Samples) -> Predictions:
        """Probabilities (N, classes), or mean and sigma (N, T)."""
        mean, sigma = self.vote(self.unit.direction(pooled_features(self.encoder, samples)))
        if self.classes:
            return {"probability": mean.float()}
        return {"mean": mean.float(), "sigma": sigma.float()}

    def vote(self, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Weighted mean and scatter (N, K) of the labels of the neighbours of directions (N, D)."""
        parts = [self._vote(chunk) for chunk in directions.split(_CHUNK)]
        return torch.cat([mean for mean, _ in parts]), torch.cat([sigma for _, sigma in parts])

    def _vote(self, directions: Tensor) -> tuple[Tensor, Tensor]:
        k = min(self.k, len(self.directions))
        similarity, nearest = (directions @ self.directions.T).topk(k, dim=1)
        weight = torch.softmax(similarity / self.temperature, 1)[:, :, None]
        labels = self.labels[nearest]
        known = labels.isfinite()
        share = weight * known
        total = share.sum(1, keepdim=True)
        usual, spread = self._usual
        share = share / total.clamp(min=1e-12)
        values = torch.where(known, labels, 0.0)
        mean = torch.where(total[:, 0] > 0, (share * values).sum(1), usual)
        squared = (share * (values - mean[:, None]).square()).sum(1)
        # Weighted as it is, the scatter of few is too small by one minus the sum of squares.
        freedom = 1 - share.square().sum(1)
        scatter = (squared / freedom.clamp(min=1e-12)).sqrt()
        sigma = torch.where(freedom > 1e-6, scatter, spread)
        return mean, torch.maximum(sigma, (_LEAST_SIGMA * spread).clamp(min=1e-9))

    @property
    def _usual(self) -> tuple[Tensor, Tensor]:
        """Mean and scatter (K,) of all labels that are known."""
        mean = self.labels.nanmean(0).nan_to_num()
        return mean, (self.labels - mean).square().nanmean(0).nan_to_num().sqrt()

    def state(self) -> Mapping[str, Tensor]:
        """Features, labels and k."""
        return {
            **self.unit.state(),
            "directions": self.directions,
            "labels": self.labels,
            "k": torch.tensor(self.k),
        }


def _chosen(neighbours: Neighbours, validation: Samples, wanted: Tensor) -> Neighbours:
    """With the k of least squared error on validation images, in units of the labels' scatter.

    For classes that is the Brier score. The smallest of equals is taken, and all images where
    there are no others to choose by.
    """
    count = len(neighbours.directions)
    choices = [k for k in _CHOICES if k < count] or [count]
    if not len(validation):
        return replace(neighbours, k=choices[-1])
    features = pooled_features(neighbours.encoder, validation)
    directions = neighbours.unit.direction(features)
    _, spread = neighbours._usual
    unit = torch.ones_like(spread) if neighbours.classes else spread.clamp(min=1e-9)
    errors = []
    for k in choices:
        mean, _ = replace(neighbours, k=k).vote(directions)
        errors.append(((mean - wanted) / unit).square().nanmean().nan_to_num().item())
    return replace(neighbours, k=choices[errors.index(min(errors))])
