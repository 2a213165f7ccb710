"""Metrics against independent implementations, heads at their starting point."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import accuracy_score, roc_auc_score

from lensbench import Features, FeatureShape
from lensbench.testing import made_samples
from lensbench_reference.deconvolution import deconvolved
from lensbench_reference.tasks.morphology import Morphology
from lensbench_reference.tasks.superres import SuperResolution


def metric(task, name):
    return next(one.compute for one in task.metrics if one.name == name)


@pytest.fixture
def superres():
    return SuperResolution(SuperResolution.Options(scale="2"))


@pytest.fixture
def answer():
    """Samples with a wrong answer to them."""
    samples = made_samples(count=4)
    noise = torch.randn(samples.targets["sky"].shape, generator=torch.Generator().manual_seed(1))
    return samples, {"sky": (samples.targets["sky"] + 0.3 * noise).numpy()}


def test_psnr_agrees_with_scikit_image(superres, answer):
    """Image by image, with the same data range."""
    samples, predictions = answer
    ours = metric(superres, "psnr")(predictions, samples)
    theirs = [
        peak_signal_noise_ratio(truth, mine, data_range=samples.data_range)
        for truth, mine in zip(samples.targets["sky"].numpy(), predictions["sky"], strict=True)
    ]
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_ssim_agrees_with_scikit_image_inside(superres, answer):
    """With Gaussian weights; images are large enough that borders matter little."""
    samples, predictions = answer
    ours = metric(superres, "ssim")(predictions, replace(samples, data_range=2.0))
    theirs = [
        structural_similarity(
            truth[0], mine[0], data_range=2.0, gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False,
        )
        for truth, mine in zip(samples.targets["sky"].numpy(), predictions["sky"], strict=True)
    ]  # fmt: skip
    assert ours == pytest.approx(theirs, abs=0.02)


def test_unknown_truth_counts_for_nothing(superres, answer):
    """PSNR of a half that is known is that of the half alone; the loss has a gradient."""
    samples, predictions = answer
    half = samples.targets["sky"].clone()
    half[..., 32:] = torch.nan
    masked = replace(samples, targets={"sky": half})
    alone = replace(samples, targets={"sky": half[..., :32]})
    psnr = metric(superres, "psnr")
    assert psnr(predictions, masked) == pytest.approx(
        psnr({"sky": predictions["sky"][..., :32]}, alone), rel=1e-5
    )
    output = torch.tensor(predictions["sky"], requires_grad=True)
    superres.loss(output, masked).backward()
    assert torch.isfinite(output.grad).all()
    assert not output.grad[..., 32:].any()
    assert np.isfinite(metric(superres, "ssim")(predictions, masked)).all()


@pytest.mark.parametrize("scale", ["", "2", "4"])
def test_super_resolution_starts_at_the_deconvolution(scale):
    """Before training the answer is the deconvolved image; after a step it is another one."""
    task = SuperResolution(SuperResolution.Options(scale=scale))
    head = task.head(FeatureShape(6, ((6, 8), (4, 2)), channels=1), {})
    samples = made_samples(size=32, sky=task.sky)
    maps = (torch.randn(6, 6, 4, 4), torch.randn(6, 4, 16, 16))
    features = Features(torch.randn(6, 6), maps)
    output = head(features, samples)
    start = deconvolved(samples, task.sky)
    assert torch.allclose(output, start, rtol=1e-3, atol=1e-3)
    before = task.loss(output, samples)
    before.backward()
    assert head.out.weight.grad.abs().max() > 0
    torch.optim.SGD(head.parameters(), 1e-3).step()
    changed = head(features, samples)
    assert task.loss(changed, samples) < before
    task.loss(changed, samples).backward()
    assert all(project.weight.grad.abs().max() > 0 for project in head.maps)


def test_auroc_and_accuracy_agree_with_scikit_learn():
    """Mean one-against-rest AUROC, and the share of right answers."""
    random = np.random.default_rng(0)
    samples = made_samples(count=60)
    wanted = samples.targets["substructure"].numpy()
    probability = random.dirichlet(np.ones(3), 60).astype(np.float32)
    probability[np.arange(60), wanted] += 0.3
    probability /= probability.sum(1, keepdims=True)
    task, predictions = Morphology(), {"probability": probability}
    ours = metric(task, "auroc")(predictions, samples)
    assert ours == pytest.approx(roc_auc_score(wanted, probability, multi_class="ovr"), abs=1e-6)
    right = metric(task, "accuracy")(predictions, samples)
    assert right.mean() == pytest.approx(accuracy_score(wanted, probability.argmax(1)))


def test_a_sure_and_right_answer_is_calibrated():
    """The calibration error is zero, and that of a sure guess is one minus its accuracy."""
    samples = made_samples(count=60)
    wanted = samples.targets["substructure"]
    ece = metric(Morphology(), "ece")
    sure = torch.nn.functional.one_hot(wanted, 3).float().numpy()
    assert ece({"probability": sure}, samples) == pytest.approx(0.0, abs=1e-6)
    guess = np.tile(np.array([1.0, 0.0, 0.0], np.float32), (60, 1))
    assert ece({"probability": guess}, samples) == pytest.approx(2 / 3, abs=1e-5)


def calibrated(count, seed):
    """Answers whose probabilities are right, to labels drawn from them."""
    random = np.random.default_rng(seed)
    probability = random.dirichlet(np.ones(3) * 2, count)
    labels = (random.random((count, 1)) > probability.cumsum(1)).sum(1)
    samples = made_samples(count=count, size=8)
    samples = replace(samples, targets={"substructure": torch.from_numpy(labels)})
    return {"probability": probability.astype(np.float32)}, samples


def test_a_calibrated_method_has_no_excess_whatever_the_number_of_scenes():
    """At 300 scenes its ECE reads 0.06, of chance alone; the excess over that is zero."""
    ece, excess, surplus = (
        np.mean([metric(Morphology(), name)(*calibrated(300, seed)) for seed in range(200)])
        for name in ("ece", "ece_excess", "overconfidence")
    )
    assert ece == pytest.approx(0.06, abs=0.01)
    assert excess == pytest.approx(0, abs=0.004)
    assert surplus == pytest.approx(0, abs=0.006)


def test_overconfidence_shows_in_the_excess_and_has_a_sign():
    """Probabilities that are sharpened say more than they know; flattened ones say less."""
    predictions, samples = calibrated(2000, 0)
    for power, sign in ((3.0, 1), (0.3, -1)):
        bent = predictions["probability"] ** power
        answer = {"probability": bent / bent.sum(1, keepdims=True)}
        assert metric(Morphology(), "ece_excess")(answer, samples) > 0.05
        assert sign * metric(Morphology(), "overconfidence")(answer, samples).mean() > 0.05
