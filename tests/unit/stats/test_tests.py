"""Permutation, corrections, power and components against SciPy and statsmodels."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from lensbench.stats.components import variance_components
from lensbench.stats.intervals import mean_interval
from lensbench.stats.multiplicity import benjamini_hochberg, holm
from lensbench.stats.paired import paired_bootstrap, sign_flip
from lensbench.stats.power import detectable, detectable_with


def test_few_signs_are_all_tried_as_by_scipy():
    """The exact p-value of nine differences is that of SciPy's permutation test."""
    differences = np.random.default_rng(0).normal(0.6, 1, 9)
    theirs = scipy_stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip(differences) == pytest.approx(theirs.pvalue)


def test_many_signs_are_sampled_and_never_give_zero():
    """The sampled p-value is near the t-test's for normal values; one is always counted."""
    differences = np.random.default_rng(1).normal(0.2, 1, 100)
    theirs = scipy_stats.ttest_1samp(differences, 0).pvalue
    assert sign_flip(differences, 20_000) == pytest.approx(theirs, abs=0.01)
    assert sign_flip(np.ones(100), 999) == 0.001


def test_sign_flips_alarm_as_rarely_as_they_should():
    """Of 500 samples without a difference, 3 % to 7 % are called different at 5 %."""
    random = np.random.default_rng(2)
    alarms = sum(sign_flip(random.laplace(size=30), 499, seed=s) < 0.05 for s in range(500))
    assert 0.03 <= alarms / 500 <= 0.07


def test_the_paired_bootstrap_is_the_bootstrap_of_differences():
    """It covers what pairs have in common, and refuses what has no partner."""
    random = np.random.default_rng(3)
    scene = random.normal(0, 10, 80)
    a, b = scene + random.normal(1, 1, 80), scene + random.normal(0, 1, 80)
    found = paired_bootstrap(a, b, 2000, seed=0)
    theirs = scipy_stats.ttest_rel(a, b).confidence_interval()
    assert (found.low, found.high) == pytest.approx(tuple(theirs), abs=0.06)
    with pytest.raises(ValueError, match="80 and 79"):
        paired_bootstrap(a, b[1:], 10, 0)


@pytest.mark.parametrize(("ours", "theirs"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
def test_corrections_are_those_of_statsmodels(ours, theirs):
    """Any p-values, ties included; what was not tested stays untested and does not count."""
    from statsmodels.stats.multitest import multipletests

    p = np.round(np.random.default_rng(4).uniform(size=40) ** 3, 2)
    expected = multipletests(p, method=theirs)[1]
    assert ours(p) == pytest.approx(expected)
    with_gap = ours(np.insert(p, 7, np.nan))
    assert math.isnan(with_gap[7])
    assert np.delete(with_gap, 7) == pytest.approx(expected)
    assert len(ours(np.array([]))) == 0


@pytest.mark.parametrize("n", [10, 24, 256, 10_000])
@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.8), (0.05 / 60, 0.9)])
def test_detectable_differences_are_those_of_statsmodels(n, alpha, power):
    """The effect that its paired t-test solves for, times the standard deviation."""
    from statsmodels.stats.power import TTestPower

    effect = TTestPower().solve_power(nobs=n, alpha=alpha, power=power)
    assert detectable_with(n, 3.0, alpha, power) == pytest.approx(3.0 * effect, rel=1e-4)


def test_what_is_detectable_is_detected_as_often_as_stated():
    """A difference of that size is found in four of five samples."""
    random = np.random.default_rng(5)
    size = detectable_with(20, 1.0)
    samples = random.normal(size, 1.0, (4000, 20))
    found = scipy_stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.02)


def test_without_scenes_nothing_is_detectable():
    """No degree of freedom, or no spread, is NaN; many are the normal's."""
    assert math.isnan(detectable_with(1, 1.0))
    assert math.isnan(detectable(0.0, 20))
    assert detectable(1.0, math.inf) == pytest.approx(1.959964 + 0.841621, abs=1e-5)
    with pytest.raises(ValueError, match="alpha"):
        detectable(1.0, 10, alpha=1.5)


def test_balanced_components_are_those_of_restricted_maximum_likelihood():
    """statsmodels' mixed model finds the same three variances."""
    import pandas as pd
    from statsmodels.regression.mixed_linear_model import MixedLM

    random = np.random.default_rng(8)
    draw, pretraining, fit = (axis.ravel() for axis in np.indices((6, 4, 3)))
    values = (
        random.normal(0, 2.0, 6)[draw]
        + random.normal(0, 1.0, (6, 4))[draw, pretraining]
        + random.normal(0, 0.5, 72)
    )
    ours = variance_components(values, draw, pretraining, fit)
    frame = pd.DataFrame({"y": values, "draw": draw, "pretraining": pretraining})
    model = MixedLM.from_formula(
        "y ~ 1",
        frame,
        groups="draw",
        re_formula="1",
        vc_formula={"pretraining": "0 + C(pretraining)"},
    ).fit(reml=True)
    assert ours["draw"] == pytest.approx(model.cov_re.iloc[0, 0], rel=1e-3)
    assert ours["pretraining"] == pytest.approx(model.vcomp[0], rel=1e-3)
    assert ours["fit"] == pytest.approx(model.scale, rel=1e-3)


def test_unbalanced_components_are_right_on_average():
    """With fits and pretrainings missing, the means of the estimates are the true variances."""
    random = np.random.default_rng(9)
    labels = [(d, p, f) for d in range(5) for p in range(1 + d % 3) for f in range(1 + (d + p) % 3)]
    draw, pretraining, fit = map(np.array, zip(*labels, strict=True))
    sums = dict.fromkeys(("draw", "pretraining", "fit"), 0.0)
    trials = 1500
    for _ in range(trials):
        values = (
            random.normal(0, 2.0, 5)[draw]
            + random.normal(0, 1.5, (5, 3))[draw, pretraining]
            + random.normal(0, 1.0, len(labels))
        )
        for name, value in variance_components(values, draw, pretraining, fit).items():
            sums[name] += value / trials
    assert sums["fit"] == pytest.approx(1.0, rel=0.08)
    assert sums["pretraining"] == pytest.approx(2.25, rel=0.25)  # negative ones count as zero
    assert sums["draw"] == pytest.approx(4.0, rel=0.25)


def test_axes_that_never_varied_have_no_variance_not_zero():
    """They are left out; those that varied together share one name; one score has none."""
    assert set(variance_components(np.arange(3.0), [0, 0, 0], [0, 0, 0], [0, 1, 2])) == {"fit"}
    together = variance_components(np.arange(3.0), [0, 1, 2], [0, 1, 2], [0, 1, 2])
    assert together == {"draw+pretraining+fit": pytest.approx(1.0)}
    assert variance_components(np.array([1.0, 3.0]), [0, 1], [0, 0], [0, 0]) == {"draw": 2.0}
    assert variance_components(np.array([1.0]), [0], [0], [0]) == {}
    with pytest.raises(ValueError, match="twice"):
        variance_components(np.arange(2.0), [0, 0], [0, 0], [0, 0])
    with pytest.raises(ValueError, match="finite"):
        variance_components(np.array([1.0, np.nan]), [0, 1], [0, 0], [0, 0])


def test_twelve_signs_are_all_tried_and_thirteen_are_sampled():
    """The p-value of 13 is that of so many random signs, with the observed ones among them."""
    differences = np.random.default_rng(11).normal(0.4, 1, 13)
    exact = scipy_stats.permutation_test(
        (differences[:12],), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip(differences[:12]) == pytest.approx(exact.pvalue, rel=1e-9)
    signs = np.random.default_rng(3).integers(0, 2, (2500, 13)) * 2 - 1
    hits = (np.abs(signs @ differences) >= abs(differences.sum())).sum()
    assert sign_flip(differences, 2500, seed=3) == pytest.approx((hits + 1) / 2501, rel=1e-9)
    assert sign_flip(differences) == sign_flip(differences, 9999, seed=0)


@pytest.mark.parametrize("n", [5, 20])
def test_entrants_that_never_differ_are_not_told_apart(n):
    """All signs of nothing are as far out as what was observed, each counted once: p is one."""
    assert sign_flip(np.zeros(n), 2500) == 1.0


@pytest.mark.parametrize("differences", [[], [1.0, math.nan], [math.inf, 1.0]])
def test_differences_that_are_none_or_not_finite_are_refused(differences):
    """An empty comparison is an error, never a p-value."""
    with pytest.raises(ValueError, match=f"at least one scene, got {len(differences)}"):
        sign_flip(np.array(differences))


def test_the_paired_bootstrap_draws_as_that_of_a_mean():
    """The same resamples of the same seed."""
    random = np.random.default_rng(12)
    a, b = random.normal(size=(2, 30))
    assert paired_bootstrap(a, b, 100, 4) == mean_interval(a - b, 100, 4)


@pytest.mark.parametrize(("df", "n"), [(1, 2), (2, 3)])
def test_detectable_differences_of_few_have_their_power(df, n):
    """The noncentral t distribution puts four fifths beyond the critical value."""
    critical = scipy_stats.t.ppf(0.975, df)
    shift = detectable_with(n, 2.0) / (2.0 / math.sqrt(n))
    beyond = scipy_stats.nct.sf(critical, df, shift)  # the other tail is nothing so far out
    assert beyond == pytest.approx(0.8, abs=1e-4)
    assert detectable(1.0, df) == pytest.approx(shift)


@pytest.mark.parametrize(("alpha", "power"), [(0.0, 0.8), (0.5, 0.5), (0.05, 1.0), (0.9, 0.8)])
def test_levels_that_are_none_are_refused(alpha, power):
    """Both lie within 0 and 1, and the level below the power."""
    with pytest.raises(ValueError, match=f"alpha {alpha} and power {power}"):
        detectable(1.0, 10, alpha, power)
    assert math.isnan(detectable(1.0, 0))


@pytest.mark.parametrize("short", ["draw", "scores"])
def test_scores_and_seeds_are_as_many(short):
    """One combination of seeds a score."""
    values, draw = np.arange(3.0), [0, 1, 2]
    values, draw = (values, draw[:2]) if short == "draw" else (values[:2], draw)
    with pytest.raises(ValueError, match=r"zip\(\)|2 scores have 3"):
        variance_components(values, draw, [0, 0, 0], [0, 0, 0])
