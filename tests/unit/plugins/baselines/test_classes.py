"""Features and classifiers against scikit-image and scikit-learn."""

import numpy as np
import pytest
import torch
from skimage.feature import hog
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.svm import OneClassSVM

from lensbench import Target
from lensbench.testing import made_samples
from lensbench_reference.baselines.classes import LinearClasses, standardised
from lensbench_reference.baselines.gradients import oriented_gradients
from lensbench_reference.baselines.hog_svm import HogSvm
from lensbench_reference.baselines.ocsvm import OneClassSvm, whitened
from lensbench_reference.baselines.pca import (
    PcaLogisticRegression,
    flattened,
    principal_components,
)
from lensbench_reference.baselines.shape_boosting import ShapeBoosting
from lensbench_reference.baselines.spectrum import (
    RADIAL_BINS,
    SpectrumLogisticRegression,
    spectrum_features,
)

CLASSIFIERS = [
    lambda: SpectrumLogisticRegression(SpectrumLogisticRegression.Options()),
    HogSvm,
    lambda: PcaLogisticRegression(PcaLogisticRegression.Options()),
    ShapeBoosting,
]
NAMES = ["spectrum-logreg", "hog-svm", "pca-logreg", "shape-boosting"]


def told_apart(count, classes, seed=0):
    """Samples whose class is the width of a bright spot, under a target of another name."""
    samples = made_samples(count=count, size=32, seed=seed)
    label = torch.arange(count) % classes
    axis = torch.arange(32) - 15.5
    squared = axis[:, None] ** 2 + axis[None, :] ** 2
    width = 2.0 + 2.5 * label
    spot = 60 * torch.exp(-squared / (2 * width[:, None, None] ** 2))
    noise = torch.randn(count, 1, 32, 32, generator=torch.Generator().manual_seed(seed))
    info = {"is_lens": Target("class", classes=tuple("abc"[:classes]))}
    changed = {"images": spot[:, None] + noise, "targets": {"is_lens": label}, "info": info}
    return type(samples)(**{**vars(samples), **changed})


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("make", CLASSIFIERS, ids=NAMES)
def test_what_differs_is_told_apart(context, make, classes):
    """Any class target does, of two classes or more; probabilities sum to one; fits are kept."""
    train, other = told_apart(60, classes), told_apart(30, classes, seed=1)
    fit = context(train, "is_lens")
    predict = make().fit(fit)
    probability = torch.as_tensor(predict(other)["probability"])
    assert probability.shape == (30, classes)
    assert torch.allclose(probability.sum(1), torch.ones(()), atol=1e-5)
    assert float((probability.argmax(1) == other.targets["is_lens"]).float().mean()) > 0.9
    again = make().restore(context(train.take(torch.arange(0)), "is_lens"), predict.state())
    assert torch.equal(again(other)["probability"], probability)


@pytest.mark.parametrize("make", CLASSIFIERS, ids=NAMES)
def test_a_class_without_examples_gets_nothing(context, make):
    """Of three classes two are in the training samples; or one alone."""
    train = told_apart(45, 3)
    for present in (2, 1):
        known = train.take(torch.where(train.targets["is_lens"] < present)[0])
        probability = torch.as_tensor(make().fit(context(known, "is_lens"))(train)["probability"])
        assert probability.shape == (45, 3)
        assert not probability[:, present:].any()
        assert torch.allclose(probability.sum(1), torch.ones(()), atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_linear_probabilities_are_those_of_scikit_learn(classes):
    """Softmax of the scores, for two classes the logistic function."""
    random = np.random.default_rng(0)
    values, wanted = random.normal(size=(40, 5)), np.arange(40) % classes
    mean, scale = standardised(values)
    model = LogisticRegression().fit((values - mean) / scale, wanted)
    empty = torch.zeros(0, dtype=torch.float64)
    fitted = (mean, scale, model.coef_, model.intercept_, model.classes_)
    ours = LinearClasses(
        lambda images: images.flatten(1).numpy(),
        *(torch.from_numpy(one) for one in fitted),
        classes,
        empty,
        empty,
    )
    samples = made_samples(count=40, size=8)
    images = torch.from_numpy(values)[:, None, None, :]
    probability = ours(type(samples)(**{**vars(samples), "images": images}))["probability"]
    assert np.allclose(probability, model.predict_proba((values - mean) / scale), atol=1e-6)


@pytest.mark.parametrize(("size", "cell"), [(32, 8), (40, 5), (30, 4)])
def test_oriented_gradients_are_those_of_scikit_image(size, cell):
    """Dalal & Triggs's descriptor with L2-Hys blocks."""
    images = torch.randn(2, size, size, generator=torch.Generator().manual_seed(0)).double()
    theirs = [hog(i.numpy(), 9, (cell, cell), (2, 2), block_norm="L2-Hys") for i in images]
    assert np.allclose(oriented_gradients(images, cell), theirs, atol=1e-6)


def test_components_are_those_of_scikit_learn():
    """Axes but for their sign, variances, and what they leave over."""
    images = made_samples(count=30, size=16).images
    ours = principal_components(images, 5)
    values = flattened(images, 16).double().numpy()
    theirs = PCA(5, svd_solver="full").fit(values)
    assert np.allclose(ours.variance, theirs.explained_variance_, rtol=1e-4)
    assert np.allclose(np.abs(ours.axes @ theirs.components_.T.astype("f4")), np.eye(5), atol=1e-3)
    left = values - theirs.inverse_transform(theirs.transform(values))
    assert np.allclose(ours.residual(images), (left**2).mean(1), rtol=1e-3)


def test_one_class_scores_order_as_those_of_scikit_learn(context):
    """The score is minus the decision function but for a constant."""
    train, other = made_samples(count=40, size=16), made_samples(count=20, size=16, seed=1)
    predict = OneClassSvm(OneClassSvm.Options(components=6)).fit(context(train, "substructure"))
    values = whitened(predict.components, train.images).numpy()
    model = OneClassSVM(gamma=1 / 6, nu=0.1).fit(values)
    theirs = model.decision_function(whitened(predict.components, other.images).numpy())
    total = predict(other)["score"].numpy() + theirs
    assert np.ptp(total) < 1e-6


def test_the_spectrum_is_the_mean_power_in_rings():
    """Against a sum over the whole Fourier plane, for even and odd sides."""
    for size in (24, 25):
        image = torch.randn(1, 1, size, size, generator=torch.Generator().manual_seed(0))
        power = np.abs(np.fft.fft2(np.arcsinh(image[0, 0].numpy() / 3))) ** 2
        axis = np.fft.fftfreq(size)
        ring = (np.hypot(axis[:, None], axis) * 2 * RADIAL_BINS).astype(int)
        for at in (2, 9):
            expected = np.log(power[ring == at].mean() + 1e-6)
            assert spectrum_features(image)[0, at] == pytest.approx(expected, rel=1e-4)
