"""Regression: its figures against closed forms, its head against the labels' statistics."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.metrics import root_mean_squared_error

from lensbench import Features, FeatureShape, OptionError, Target
from lensbench.cells.score import UndefinedError, score
from lensbench.testing import made_samples
from lensbench_reference.tasks.regression import Regression
from lensbench_reference.tasks.residuals import coverage, outlier_fraction, scatter

INFO = {"theta_E": Target("real", unit="arcsec"), "f_sub": Target("real")}


def task(targets="theta_E"):
    return Regression(Regression.Options(targets=targets))


def measured(count=4000, sigma=0.1, offset=0.02):
    """Samples of a target, and answers that scatter by `sigma` about it."""
    samples = made_samples(count=count, size=8)
    random = np.random.default_rng(0)
    mean = samples.targets["theta_E"].numpy() + random.normal(offset, sigma, count)
    answer = {"mean": mean[:, None], "sigma": np.full((count, 1), sigma)}
    return samples, answer


def values_of(answer, samples):
    scored = {m.name: score(m, answer, samples, 20) for m in task().metrics}
    return {name: interval.value for name, interval in scored.items() if interval}


def test_figures_of_normal_errors_are_the_normal_ones():
    """RMSE, bias, scatter and likelihood of N(0.02, 0.1), and hardly an outlier."""
    samples, answer = measured()
    found = values_of(answer, samples)
    truth = samples.targets["theta_E"].numpy()
    expected = root_mean_squared_error(truth, answer["mean"][:, 0])
    assert found["rmse_theta_E"] == pytest.approx(expected, rel=1e-6)
    assert found["bias_theta_E"] == pytest.approx(0.02, abs=0.005)
    assert found["scatter_theta_E"] == pytest.approx(0.1, rel=0.05)
    assert found["outliers_theta_E"] == 0
    assert found["coverage_error_68_theta_E"] < 0.03
    assert found["coverage_error_95_theta_E"] < 0.02
    expected = -scipy.stats.norm.logpdf(truth, answer["mean"][:, 0], 0.1).mean()
    assert found["nll_theta_E"] == pytest.approx(expected, rel=1e-5)


def test_scatter_agrees_with_scipy_and_counts_no_outlier():
    """The normalised median absolute deviation, and the share of what lies far away."""
    residual = np.random.default_rng(1).normal(0, 1, 2000)
    residual[:50] = 40
    expected = scipy.stats.median_abs_deviation(residual, scale="normal")
    assert scatter(residual) == pytest.approx(expected, rel=1e-4)
    assert outlier_fraction(residual) == pytest.approx(0.025)


def test_coverage_is_the_share_within_the_stated_error():
    """To both sides, the edge included."""
    assert coverage(np.array([-2.0, -1.0, 0.5, 1.5]), np.ones(4), 1.0) == 0.5


def test_too_small_and_too_large_errors_are_both_wrong():
    """The distance from the stated share has no sign."""
    samples, answer = measured()
    for factor in (0.2, 5.0):
        wrong = answer | {"sigma": answer["sigma"] * factor}
        assert values_of(wrong, samples)["coverage_error_68_theta_E"] > 0.25


def test_what_states_no_error_is_not_asked_for_it():
    """Coverage and likelihood do not apply; the RMSE does."""
    samples, answer = measured(50)
    found = values_of({"mean": answer["mean"]}, samples)
    assert set(found) == {f"{name}_theta_E" for name in ("rmse", "bias", "scatter", "outliers")}


def test_scenes_without_the_target_count_for_nothing():
    """Figures are those of the others alone, and so is their number."""
    samples, answer = measured(40)
    truth = samples.targets["theta_E"].clone()
    truth[::4] = torch.nan
    partial = replace(samples, targets={"theta_E": truth})
    known = torch.isfinite(truth)
    alone = {name: values[known.numpy()] for name, values in answer.items()}
    for metric in task().metrics:
        interval = score(metric, answer, partial, 20)
        assert interval == score(metric, alone, samples.take(known.nonzero()[:, 0]), 20)
        assert interval.n == 30


def test_a_target_that_no_scene_has_is_undefined():
    """An explicit absence with its reason."""
    samples, answer = measured(10)
    nothing = replace(samples, targets={"theta_E": torch.full((10,), torch.nan)})
    with pytest.raises(UndefinedError, match="theta_E"):
        score(task().metrics[0], answer, nothing, 20)


def gathered(batches, names=("theta_E", "f_sub")):
    head = task("+".join(names)).head(FeatureShape(4, (), 1), INFO)
    samples = made_samples(size=8)
    for values in batches:
        targets = dict(zip(names, values.T, strict=True))
        batch = replace(samples.take(torch.arange(1)), targets=targets)
        head(Features(torch.randn(len(values), 4)), batch)
    return head


def test_a_head_gathers_mean_and_scatter_of_the_labels():
    """From batches of any size, without what is not defined; and keeps them with its weights."""
    labels = torch.randn(60, 2) * torch.tensor([0.3, 20.0]) + torch.tensor([1.0, -50.0])
    labels[::3, 1] = torch.nan
    head = gathered(labels.split([7, 13, 40]))
    assert head.centre == pytest.approx(np.nanmean(labels, 0), rel=1e-4)
    spread = (head.squares / head.count).sqrt()
    assert spread == pytest.approx(np.nanstd(labels, 0), rel=1e-4)
    again = task("theta_E+f_sub").head(FeatureShape(4, (), 1), INFO)
    again.load_state_dict(head.state_dict())
    features = Features(torch.randn(5, 4))
    one, other = head.eval()(features, made_samples(5)), again.eval()(features, made_samples(5))
    assert torch.equal(one["mean"], other["mean"])
    assert torch.equal(one["sigma"], other["sigma"])


def test_an_untrained_head_answers_with_the_labels():
    """Their mean, and their scatter as its error: the answer of who has not looked."""
    labels = torch.randn(400, 2) * 3 + 7
    output = gathered([labels]).eval()(Features(torch.randn(5, 4)), made_samples(5))
    assert output["mean"].detach() == pytest.approx(labels.mean(0).expand(5, 2).numpy(), rel=1e-4)
    assert output["sigma"].detach() == pytest.approx(
        labels.std(0, correction=0).expand(5, 2).numpy(), rel=1e-4
    )


def test_the_loss_is_least_at_truth_and_scatter_and_skips_what_is_not_defined():
    """Its gradient vanishes at the mean and the standard deviation of the labels."""
    samples = made_samples(count=200, size=8)
    labels = torch.randn(200, generator=torch.Generator().manual_seed(0)) * 0.2 + 1
    labels[:20] = torch.nan
    batch = replace(samples, targets={"theta_E": labels})
    mean = torch.full((200, 1), float(labels.nanmean()), requires_grad=True)
    spread = float((labels - labels.nanmean()).square().nanmean().sqrt())
    sigma = torch.full((200, 1), spread, requires_grad=True)
    loss = task().loss({"mean": mean, "sigma": sigma, "scale": torch.tensor([spread])}, batch)
    loss.backward()
    assert float(mean.grad.sum()) == pytest.approx(0, abs=1e-4)
    assert float(sigma.grad.sum()) == pytest.approx(0, abs=1e-4)
    assert not mean.grad[:20].any()


@pytest.mark.parametrize("text", ["", "theta_E+theta_E", "theta_E+"])
def test_targets_are_named_once(text):
    """Anything else is refused with what there is."""
    with pytest.raises(OptionError) as caught:
        task(text)
    assert "shear_1" in caught.value.hint


def test_a_head_learns_value_and_error_from_features_that_tell_them():
    """A feature with noise of 0.1: an RMSE of that, and errors that say so."""
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(1)
    samples = made_samples(count=512, size=8)
    truth = 1 + 0.3 * torch.randn(512, generator=random)
    seen = truth + 0.1 * torch.randn(512, generator=random)
    features = Features(torch.stack([5 * seen, torch.randn(512, generator=random)], 1))
    batch = replace(samples, targets={"theta_E": truth})
    question = task()
    head = question.head(FeatureShape(2, (), 1), INFO)
    optimiser = torch.optim.Adam(head.parameters(), lr=0.03)
    for _ in range(300):
        optimiser.zero_grad()
        question.loss(head(features, batch), batch).backward()
        optimiser.step()
    answer = question.predict(head.eval()(features, batch), batch)
    residual = answer["mean"][:, 0] - truth
    best = 0.1 * 0.3 / np.hypot(0.1, 0.3)
    assert float(residual.detach().square().mean().sqrt()) == pytest.approx(best, rel=0.1)
    assert float(answer["sigma"].detach().mean()) == pytest.approx(best, rel=0.15)
