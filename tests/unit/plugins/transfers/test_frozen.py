"""Neighbours, distances and reconstructions, against computations by hand and scikit-learn."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from lensbench import Encoder, Features, IncompatibleError, Target
from lensbench.testing import made_samples
from lensbench_reference.transfers.knn import NearestNeighbours
from lensbench_reference.transfers.outliers import (
    Mahalanobis,
    NeighbourDistance,
    OneClassMachine,
)
from lensbench_reference.transfers.reconstruction import Reconstruction
from lensbench_reference.transfers.ridge import RidgeProbe

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
        .fit(None, context(samples, validation=validation))
        .k
        for samples in (train, noisy)
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


@pytest.mark.parametrize("transfer", OUTLIERS, ids=lambda one: type(one).__name__)
def test_what_is_far_away_is_stranger(context, transfer):
    """Another direction has a larger score than every normal image of the same cloud."""
    random = torch.Generator().manual_seed(0)
    normal = torch.randn(200, 6, generator=random) * 0.3 + torch.tensor([1.0, 2, 3, 0, 0, 0])
    strange = normal[:50] + 3 * torch.tensor([0.0, 0, 0, 1, -1, 1])
    fitted = transfer.fit(None, context(featured(normal[:150]), task=ANOMALY))
    known, other = (fitted(featured(images))["score"] for images in (normal[150:], strange))
    assert (other[:, None] > known).float().mean() > 0.99


class Halving(Encoder, nn.Module):
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


def test_what_has_no_class_or_number_is_refused(context):
    """An image target is refused."""
    samples = replace(made_samples(8), info={"sky": Target("image")})
    task = SimpleNamespace(version="1", targets=("sky",), sky=None, metrics=())
    with pytest.raises(IncompatibleError, match="a class or numbers"):
        NearestNeighbours(NearestNeighbours.Options()).fit(None, context(samples, task=task))


@pytest.mark.parametrize("classes", [2, 3])
def test_classes_are_those_of_scikit_learn(context, classes):
    """Logistic regression on standardised features, at the penalty that it chose."""
    from sklearn.linear_model import LogisticRegression

    train, test = clouds(120, 0), clouds(30, 1)
    if classes == 2:
        train = train.take(torch.arange(120)[train.targets["substructure"] < 2])
    answers = RidgeProbe().fit(Encoder(), context(train))
    found = answers(replace(test, targets={}))["probability"].numpy()
    values = train.features.pooled.double().numpy()
    mean, scale = values.mean(0), values.std(0)
    new = (test.features.pooled.double().numpy() - mean) / scale
    labels = train.targets["substructure"].numpy()
    penalties = np.logspace(-6, 0, 9)
    theirs = [
        LogisticRegression(C=c, max_iter=1000).fit((values - mean) / scale, labels)
        for c in penalties
    ]
    apart = [np.abs(model.predict_proba(new) - found[:, :classes]).max() for model in theirs]
    assert min(apart) < 1e-3
    assert found[:, classes:].max(initial=0) < 1e-30


def test_numbers_are_those_of_the_closed_form(context):
    """(XᵀX + λ)⁻¹ Xᵀy with the λ of least leave-one-out error, which is the error it states."""
    random = torch.Generator().manual_seed(3)
    features = torch.randn(40, 30, generator=random)
    noise = torch.randn(40, generator=random)
    train = featured(features, theta_E=2 + features[:, 0] - features[:, 1] + noise)
    answers = RidgeProbe().fit(Encoder(), context(train, task=NUMBERS))
    x = features.double().numpy()
    x = (x - x.mean(0)) / x.std(0)
    y = train.targets["theta_E"].double().numpy()
    best = (np.inf, None)
    for penalty in np.logspace(-1, 6, 29):
        inverse = np.linalg.inv(x.T @ x + penalty * np.eye(30)) @ x.T
        weights = inverse @ (y - y.mean())
        hat = x @ inverse + 1 / len(x)
        left_out = (y - y.mean() - x @ weights) / (1 - np.diag(hat))
        best = min(best, (np.mean(left_out**2) ** 0.5, tuple(weights)))
    given = answers(replace(train, targets={}))
    assert given["sigma"][:, 0].tolist() == pytest.approx([best[0]] * 40, rel=1e-4)
    assert np.allclose(given["mean"][:, 0].numpy(), y.mean() + x @ best[1], atol=1e-4)


def test_unknown_numbers_teach_nothing(context):
    """The same answers as without the images that have no label; with one label, that."""
    train = featured(torch.randn(30, 4), theta_E=torch.arange(30.0))
    train.targets["theta_E"][20:] = float("nan")
    ridge = RidgeProbe()
    answers = ridge.fit(Encoder(), context(train, task=NUMBERS))(train)
    assert bool(torch.isfinite(answers["mean"]).all())
    assert (answers["sigma"] > 0).all()
    train.targets["theta_E"][1:] = float("nan")
    train.targets["theta_E"][0] = 7.0
    assert ridge.fit(Encoder(), context(train, task=NUMBERS))(train)["mean"].unique().tolist() == [
        7.0
    ]


def test_learned_features_count_where_they_foretell(context):
    """Beside clouds that need no weights, learned noise is left out; beside noise, not clouds."""
    told, noise = clouds(60, 0), torch.randn(60, 300, generator=torch.Generator().manual_seed(4))
    tests, other = clouds(60, 1), torch.randn(60, 300, generator=torch.Generator().manual_seed(5))
    truth = tests.targets["substructure"]

    def answered(train, test, unlearned):
        encoder = SimpleNamespace(unlearned=unlearned, eval=lambda: None)
        train = featured(train, substructure=told.targets["substructure"])
        answers = RidgeProbe().fit(encoder, context(train))
        return answers, answers(featured(test))["probability"]

    clouded = (
        torch.cat([noise, told.features.pooled], 1),
        torch.cat([other, tests.features.pooled], 1),
    )
    without, shares = answered(*clouded, 3)
    assert not without.weights[:, :300].any()
    alone = answered(told.features.pooled, tests.features.pooled, 0)[1]
    assert torch.allclose(shares, alone, atol=1e-5)
    held, noisy = answered(*clouded, 0)
    assert held.weights[:, :300].any()
    assert (noisy.argmax(1) == truth).float().mean() < (alone.argmax(1) == truth).float().mean()
    turned = (
        torch.cat([told.features.pooled, noise[:, :30]], 1),
        torch.cat([tests.features.pooled, other[:, :30]], 1),
    )
    kept, right = answered(*turned, 30)
    assert kept.weights[:, :3].abs().amax() > kept.weights[:, 3:].abs().amax()
    assert (right.argmax(1) == truth).float().mean() > 0.8
