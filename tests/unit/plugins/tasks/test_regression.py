"""Regression: metrics against closed forms, the head against the labels' statistics."""

from dataclasses import astuple, replace

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.metrics import root_mean_squared_error

from lensbench import Features, FeatureShape, OptionError, Target
from lensbench.cells.score import score
from lensbench.errors import UndefinedError
from lensbench.testing import made_samples
from lensbench_reference.tasks.regression import Regression
from lensbench_reference.tasks.residuals import coverage_by_error, nmad, within

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
    return {name: one.interval.value for name, one in scored.items() if one}


def test_metrics_of_normal_errors_are_the_normal_ones():
    """68 % error, RMSE, bias, NMAD and likelihood of N(0.02, 0.1)."""
    samples, answer = measured()
    found = values_of(answer, samples)
    truth = samples.targets["theta_E"].numpy()
    expected = root_mean_squared_error(truth, answer["mean"][:, 0])
    assert found["rmse_theta_E"] == pytest.approx(expected, rel=1e-6)
    expected = scipy.stats.foldnorm(0.2, scale=0.1).ppf(0.6827)
    assert found["error_68_theta_E"] == pytest.approx(expected, rel=0.03)
    assert found["bias_theta_E"] == pytest.approx(0.02, abs=0.005)
    assert found["nmad_theta_E"] == pytest.approx(0.1, rel=0.05)
    assert found["coverage_68_theta_E"] == pytest.approx(0.6827, abs=0.03)
    assert found["coverage_95_theta_E"] == pytest.approx(0.95, abs=0.02)
    expected = -scipy.stats.norm.logpdf(truth, answer["mean"][:, 0], 0.1).mean()
    assert found["nll_theta_E"] == pytest.approx(expected, rel=1e-5)


def test_the_bias_has_a_sign_and_no_direction():
    """Measurements that are too small have a negative one, whose interval leaves zero out."""
    samples, answer = measured(offset=-0.02)
    bias = next(m for m in task().metrics if m.name == "bias_theta_E")
    interval = score(bias, answer, samples, 200).interval
    assert interval.low < -0.02 < interval.high < 0
    assert bias.higher_is_better is None


def test_outliers_move_the_error_that_ranks_by_their_number_alone():
    """However far they are; the RMSE goes with them."""
    samples, answer = measured(1000)
    far = np.zeros((1000, 1))
    far[:10] = 5
    metrics = {m.name: m for m in task().metrics}
    assert task().metrics[0].name == "error_68_theta_E"
    near, further = ({"mean": answer["mean"] + far * by} for by in (1, 100))
    error = metrics["error_68_theta_E"]
    assert score(error, near, samples, 50).interval == score(error, further, samples, 50).interval
    rms = metrics["rmse_theta_E"].compute
    assert rms(further, samples) > 50 * rms(near, samples)


def test_nmad_agrees_with_scipy():
    """The normalised median absolute deviation, which outliers do not move."""
    residual = np.random.default_rng(1).normal(0, 1, 2000)
    residual[:50] = 40
    expected = scipy.stats.median_abs_deviation(residual, scale="normal")
    assert nmad(residual) == pytest.approx(expected, rel=1e-4)


def test_outliers_are_counted_by_fixed_cuts_in_units_of_the_radius():
    """By hand: errors of 4, 6 and 20 % of the radius, whose interval is that of their counts."""
    samples = made_samples(count=30, size=8)
    truth = samples.targets["theta_E"].numpy()
    mean = truth * (1 + np.tile([0.04, -0.06, 0.2], 10))
    found = {m.name: score(m, {"mean": mean[:, None]}, samples, 20) for m in task().metrics}
    assert found["outliers_0.05_theta_E"].interval.value == pytest.approx(2 / 3)
    interval = found["outliers_0.15_theta_E"].interval
    expected = scipy.stats.binomtest(10, 30).proportion_ci(0.95, "exact")
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


def test_added_noise_never_lowers_the_share_of_outliers():
    """By the entrant's own scatter it did: noise widened the cut."""
    samples, answer = measured(1000, sigma=0.01, offset=0)
    answer["mean"][:30] += 0.3
    noisy = {"mean": answer["mean"] + np.random.default_rng(2).normal(0, 0.1, (1000, 1))}
    for name in ("outliers_0.05_theta_E", "outliers_0.15_theta_E"):
        assert values_of(noisy, samples)[name] > values_of(answer, samples)[name]


def test_outliers_of_what_has_no_unit_are_held_against_one():
    """An ellipticity that is wrong by 0.1, whatever the radius is."""
    samples = made_samples(count=12, size=8)
    mean = samples.targets["lens_e1"].numpy()[:, None] + 0.1
    found = {m.name: m for m in task("lens_e1").metrics}
    assert found["outliers_0.05_lens_e1"].compute({"mean": mean}, samples).all()
    assert not found["outliers_0.15_lens_e1"].compute({"mean": mean}, samples).any()


def test_a_share_is_within_the_stated_error():
    """To both sides."""
    residual, sigma = np.array([-2.0, -1.0, 0.5, 1.5]), np.ones(4)
    assert within(residual, sigma, 0.683).tolist() == [False, True, True, False]


def test_too_small_and_too_large_errors_show_in_the_coverage():
    """To either side of what was stated."""
    samples, answer = measured()
    small, large = (answer | {"sigma": answer["sigma"] * factor} for factor in (0.2, 5.0))
    assert values_of(small, samples)["coverage_68_theta_E"] < 0.2
    assert values_of(large, samples)["coverage_68_theta_E"] > 0.99


def drawn_errors(scenes, seed):
    """Residuals with right errors of many sizes."""
    random = np.random.default_rng(seed)
    sigma = random.uniform(0.05, 0.5, scenes)
    return random.normal(0, sigma), sigma


def test_right_errors_exceed_the_stated_sizes_in_a_twentieth_of_cases():
    """Of coverage by stated error above 2.37."""
    many = [drawn_errors(400, seed) for seed in range(600)]
    bins = np.mean([coverage_by_error(*one) > 2.37 for one in many])
    assert bins == pytest.approx(0.05, abs=0.025)
    assert np.mean([coverage_by_error(*one) for one in many]) == pytest.approx(1, abs=0.1)


def test_errors_that_are_right_on_average_alone_show_by_their_size():
    """Small ones far too small and large ones far too large: the coverage over all hardly moves."""
    residual, sigma = drawn_errors(2000, 0)
    stated = np.where(sigma < np.median(sigma), sigma * 0.75, sigma * 1.45)
    assert np.mean(within(residual, stated, 0.6827)) == pytest.approx(0.6827, abs=0.03)
    assert coverage_by_error(residual, stated) > 20


def test_metrics_whose_intervals_do_not_cover_show_none():
    """Distances from a distribution, and what one outlier rules: likelihoods and the RMSE."""
    samples, answer = measured(100)
    for metric in task().metrics:
        interval = score(metric, answer, samples, 50).interval
        shown = not metric.name.startswith(("coverage_bins", "sbc", "nll", "rmse"))
        assert np.isfinite([interval.low, interval.high]).all() == shown


def test_joint_coverage_takes_the_covariance_that_is_given():
    """Errors that go together: ellipsoids hold their share, boxes of the errors alone do not."""
    names = ("theta_E", "lens_e1")
    samples = made_samples(count=4000, size=8)
    covariance = np.array([[0.01, 0.0095], [0.0095, 0.01]])
    noise = np.random.default_rng(5).multivariate_normal([0, 0], covariance, 4000)
    truth = np.stack([samples.targets[name].numpy() for name in names], 1)
    answer = {
        "mean": truth + noise,
        "sigma": np.full((4000, 2), 0.1),
        "covariance": np.tile(covariance, (4000, 1, 1)),
    }
    metrics = {m.name: m for m in task("+".join(names)).metrics}
    held = metrics["coverage_95_joint"].compute(answer, samples)
    assert held.mean() == pytest.approx(0.95, abs=0.012)
    found = metrics["nll_joint"].compute(answer, samples)
    expected = -scipy.stats.multivariate_normal([0, 0], covariance).logpdf(noise)
    assert found == pytest.approx(expected, rel=1e-3)
    alone = {name: answer[name] for name in ("mean", "sigma")}
    assert metrics["nll_joint"].compute(alone, samples).mean() > found.mean() + 0.5
    assert metrics["coverage_95_joint"].compute(alone, samples).mean() < 0.94


def test_one_target_has_no_joint_metrics():
    """They would be the same again."""
    assert not [m.name for m in task().metrics if "joint" in m.name]


def test_what_states_no_error_is_not_asked_for_it():
    """Coverage and likelihood do not apply; the rest does."""
    samples, answer = measured(50)
    found = values_of({"mean": answer["mean"]}, samples)
    names = ("error_68", "rmse", "bias", "nmad", "outliers_0.05", "outliers_0.15")
    assert set(found) == {f"{name}_theta_E" for name in names}


def test_scenes_without_the_target_count_for_nothing():
    """Figures are those of the others alone, and so is their number."""
    samples, answer = measured(40)
    truth = samples.targets["theta_E"].clone()
    truth[::4] = torch.nan
    partial = replace(samples, targets={"theta_E": truth})
    known = torch.isfinite(truth)
    alone = {name: values[known.numpy()] for name, values in answer.items()}
    for metric in task().metrics:
        interval = astuple(score(metric, answer, partial, 20).interval)
        same = astuple(score(metric, alone, samples.take(known.nonzero()[:, 0]), 20).interval)
        assert interval == pytest.approx(same, nan_ok=True)
        assert interval[-1] == 30


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
