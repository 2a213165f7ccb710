"""Neighbours, distances and reconstructions, against computations by hand and scikit-learn."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from lensbench import Features, IncompatibleError, Target
from lensbench.testing import made_samples
from lensbench_reference.transfers.knn import NearestNeighbours
from lensbench_reference.transfers.outliers import (
    Mahalanobis,
    NeighbourDistance,
    OneClassMachine,
)
from lensbench_reference.transfers.reconstruction import Reconstruction

NUMBERS = SimpleNamespace(version="1", targets=("theta_E",), sky=None, metrics=())
ANOMALY = SimpleNamespace(version="1", targets=("substructure",), sky=None, metrics=())


def featured(features: torch.Tensor, **targets: torch.Tensor):
    """Samples that carry these features."""
    made = made_samples(count=3)
    return replace(
        made,
        ids=tuple(f"f-{i}" for i in range(len(features))),
        images=torch.zeros(len(features), 1, 8, 8),
        targets=targets,
        features=Features(features),
    )


def clouds(count: int, seed: int):
    """Three clouds of features in directions of their own, of very different units."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centres = torch.eye(3)[labels] * 3
    features = centres + torch.randn(count, 3, generator=random)
    return featured(features * torch.tensor([1.0, 1e3, 1e-3]) + 7, substructure=labels)


def test_neighbours_vote_as_those_of_scikit_learn(context):
    """Cosine, weights exp(s/T), five neighbours, on the standardised features."""
    from sklearn.neighbors import KNeighborsClassifier

    train, test = clouds(90, 0), clouds(30, 1)
    knn = NearestNeighbours(NearestNeighbours.Options(k=5, temperature=0.2))
    found = knn.fit(None, context(train))(replace(test, targets={}))["probability"]
    values = train.features.pooled.double().numpy()
    mean, scale = values.mean(0), values.std(0)
    theirs = KNeighborsClassifier(
        5, metric="cosine", algorithm="brute", weights=lambda d: np.exp((1 - d) / 0.2)
    )
    theirs.fit((values - mean) / scale, train.targets["substructure"].numpy())
    wanted = theirs.predict_proba((test.features.pooled.double().numpy() - mean) / scale)
    assert np.allclose(found.numpy(), wanted, atol=1e-5)


def test_numbers_get_the_mean_and_scatter_of_their_neighbours(context):
    """Two equal neighbours: their mean, and half their difference times √2."""
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.5], [-1.0, -0.5]])
    train = featured(features, theta_E=torch.tensor([1.0, 2.0, 5.0, 9.0]))
    ctx = context(train, task=NUMBERS)
    knn = NearestNeighbours(NearestNeighbours.Options(k=2))
    answers = knn.fit(None, ctx)(featured(torch.tensor([[2.0, 0.0]])))
    assert answers["mean"].item() == pytest.approx(1.5)
    assert answers["sigma"].item() == pytest.approx(0.5 * 2**0.5)


def test_labels_that_are_unknown_do_not_vote(context):
    """The known neighbour's label counts alone; where none is known, the mean of all."""
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.5], [-1.0, 0.5]])
    nan = float("nan")
    train = featured(features, theta_E=torch.tensor([1.0, nan, nan, nan]))
    knn = NearestNeighbours(NearestNeighbours.Options(k=2))
    answers = knn.fit(None, context(train, task=NUMBERS))(featured(features[[0, 2]]))
    assert answers["mean"][:, 0].tolist() == pytest.approx([1.0, 1.0])
    assert bool(torch.isfinite(answers["sigma"]).all())


def test_k_is_chosen_on_validation_images(context):
    """One label of noise in each direction: few neighbours are right; and the other way round."""
    train, validation = clouds(90, 0), clouds(60, 2)
    noisy = replace(train, targets={"substructure": torch.randint(0, 3, (90,))})
    ks = [
        NearestNeighbours(NearestNeighbours.Options())
        .fit(None, context(its, validation=validation))
        .k
        for its in (train, noisy)
    ]
    assert ks[0] < ks[1]


def test_the_distance_is_that_of_scikit_learn(context):
    """Ledoit–Wolf's covariance of standardised features."""
    from sklearn.covariance import LedoitWolf

    train, test = clouds(60, 0), clouds(20, 1)
    fitted = Mahalanobis(Mahalanobis.Options()).fit(None, context(train, task=ANOMALY))
    found = fitted(replace(test, targets={}))["score"]
    values = train.features.pooled.double().numpy()
    mean, scale = values.mean(0), values.std(0)
    theirs = LedoitWolf(assume_centered=True).fit((values - mean) / scale)
    wanted = theirs.mahalanobis((test.features.pooled.double().numpy() - mean) / scale) ** 0.5
    assert np.allclose(found.numpy(), wanted, rtol=1e-5)


def test_the_kth_distance_by_hand():
    """On a line: the second nearest of four."""
    transfer = NeighbourDistance(NeighbourDistance.Options(k=2))
    distance = transfer.distance(transfer.fitted(torch.tensor([[0.0], [1.0], [3.0], [9.0]])))
    assert distance(torch.tensor([[0.0], [2.0], [10.0]])).tolist() == [1.0, 1.0, 7.0]


def test_the_machine_is_that_of_scikit_learn(context):
    """Minus its decision function, but for a constant."""
    from sklearn.svm import OneClassSVM

    train, test = clouds(60, 0), clouds(20, 1)
    fitted = OneClassMachine(OneClassMachine.Options(nu=0.2))
    found = fitted.fit(None, context(train, task=ANOMALY))(replace(test, targets={}))["score"]
    values = train.features.pooled.double().numpy()
    mean, scale = values.mean(0), values.std(0)
    theirs = OneClassSVM(gamma=1 / 3, nu=0.2).fit((values - mean) / scale)
    wanted = -theirs.score_samples((test.features.pooled.double().numpy() - mean) / scale)
    assert np.allclose(found.numpy(), wanted, atol=1e-6)


OUTLIERS = [
    Mahalanobis(Mahalanobis.Options()),
    NeighbourDistance(NeighbourDistance.Options()),
    OneClassMachine(OneClassMachine.Options()),
]


@pytest.mark.parametrize("transfer", OUTLIERS, ids=lambda its: type(its).__name__)
def test_what_is_far_away_is_stranger(context, transfer):
    """Another direction has a larger score than every normal image of the same cloud."""
    random = torch.Generator().manual_seed(0)
    normal = torch.randn(200, 6, generator=random) * 0.3 + torch.tensor([1.0, 2, 3, 0, 0, 0])
    strange = normal[:50] + 3 * torch.tensor([0.0, 0, 0, 1, -1, 1])
    fitted = transfer.fit(None, context(featured(normal[:150]), task=ANOMALY))
    known, other = (fitted(featured(its))["score"] for its in (normal[150:], strange))
    assert (other[:, None] > known).float().mean() > 0.99


class Halving(nn.Module):
    """Gives back half of what it was shown."""

    def reconstruct(self, images):
        return images / 2


def test_the_error_of_a_reconstruction(context):
    """The mean square of half the stretched image."""
    samples = made_samples(5)
    fitted = Reconstruction(Reconstruction.Options()).fit(Halving(), context(samples, task=ANOMALY))
    wanted = torch.asinh(samples.images / 3).square().mean((1, 2, 3)) / 4
    assert torch.allclose(fitted(samples)["score"], wanted)


def test_the_free_energy_is_the_machines(context, catalogue):
    """Of the visible units of the stretched images."""
    encoder, samples = catalogue.build("encoder", "rbm:hidden=8", channels=1), made_samples(5)
    transfer = Reconstruction(Reconstruction.Options(score="free-energy"))
    found = transfer.fit(encoder, context(samples, task=ANOMALY))(samples)["score"]
    wanted = encoder.free_energy(encoder.visible(torch.asinh(samples.images / 3)))
    assert torch.allclose(found, wanted)


@pytest.mark.parametrize(
    ("score", "name"), [("error", "resnet18:width=8"), ("free-energy", "dcae")]
)
def test_an_encoder_that_cannot_is_refused(catalogue, score, name):
    """With the encoders that can."""
    encoder = catalogue.build("encoder", name, channels=1)
    with pytest.raises(IncompatibleError) as caught:
        Reconstruction(Reconstruction.Options(score=score)).check(encoder, "none")
    assert "rbm" in caught.value.hint


def test_neighbours_need_something_to_vote_on(context):
    """An image target is refused."""
    samples = replace(made_samples(8), info={"sky": Target("image")})
    task = SimpleNamespace(version="1", targets=("sky",), sky=None, metrics=())
    with pytest.raises(IncompatibleError, match="vote"):
        NearestNeighbours(NearestNeighbours.Options()).fit(None, context(samples, task=task))
