"""Intervals against theory and by simulation."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats as scipy_stats
from scipy.stats import bootstrap as scipy_bootstrap

from lensbench.stats.bca import bca_interval
from lensbench.stats.intervals import (
    TOGETHER,
    Interval,
    area_interval,
    bootstrap,
    expanded_tail,
    mean_interval,
    percentile_interval,
    positive_mean_interval,
    proportion_interval,
    quantile_interval,
    resampled,
    resampled_together,
)


def test_the_interval_of_a_mean_agrees_with_scipys():
    """Both bounds lie within the resampling error of SciPy's percentile bootstrap."""
    values = np.random.default_rng(1).lognormal(size=300)
    ours = mean_interval(values, 4000, seed=0)
    theirs = scipy_bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    tolerance = 0.08 * (theirs.high - theirs.low)
    assert ours.low == pytest.approx(theirs.low, abs=tolerance)
    assert ours.high == pytest.approx(theirs.high, abs=tolerance)
    assert ours.n == 300


@pytest.mark.parametrize("n", [12, 50])
def test_the_interval_covers_the_truth_as_often_as_it_says(n):
    """Of 800 intervals on normal samples, few or many, 93 % to 97 % hold the true mean."""
    random = np.random.default_rng(3)
    hits = 0
    for trial in range(800):
        interval = mean_interval(random.normal(size=n), 250, seed=trial)
        hits += interval.low <= 0.0 <= interval.high
    assert 0.93 <= hits / 800 <= 0.97


def test_tails_of_few_scenes_are_those_of_student():
    """For normal values the bounds are those of the t interval, but for the resampling error."""
    values = scipy_stats.norm.ppf((np.arange(10) + 0.5) / 10)
    ours = mean_interval(values, 100_000, seed=0)
    theirs = scipy_stats.t.interval(0.95, 9, values.mean(), scipy_stats.sem(values))
    assert ours.high - ours.low == pytest.approx(theirs[1] - theirs[0], rel=0.05)
    assert expanded_tail(10) < expanded_tail(100) < 0.025
    assert expanded_tail(1_000_000) == pytest.approx(0.025, abs=1e-6)


def test_the_bca_interval_agrees_with_scipys():
    """Of a skewed statistic, both bounds lie within the resampling error of SciPy's."""
    values = np.random.default_rng(1).lognormal(size=60)
    ours = bca_interval(lambda indices: float(values[indices].std()), 60, 4000, seed=0)
    theirs = scipy_bootstrap(
        (values,), np.std, n_resamples=4000, method="BCa", rng=np.random.default_rng(2)
    ).confidence_interval
    tolerance = 0.08 * (theirs.high - theirs.low)
    assert ours.low == pytest.approx(theirs.low, abs=tolerance)
    assert ours.high == pytest.approx(theirs.high, abs=tolerance)


def test_resamples_of_two_statistics_stay_paired():
    """The r-th resample is the same one, though some are undefined for one of the two."""
    whole = resampled(lambda indices: float(indices.sum()), 20, 50, seed=7)
    some = resampled(
        lambda indices: float(indices.sum()) if indices[0] % 2 else float("nan"), 20, 50, seed=7
    )
    known = ~np.isnan(some[:50])
    assert 0 < known.sum() < 50
    assert (some[:50][known] == whole[known]).all()
    assert (~np.isnan(some)).sum() == 50


@pytest.mark.parametrize("n", [20, 10_000])
def test_resamples_are_those_of_one_draw_after_another(n):
    """However many are drawn at once, and until as many as asked for are defined."""
    random, expected = np.random.default_rng(7), []
    while np.isfinite(expected).sum() < 60:
        indices = random.integers(0, n, n)
        expected.append(indices.sum() if indices[0] % 3 else np.nan)
    seen = []

    def sums(indices):
        seen.append(indices.size)
        return np.where(indices[:, 0] % 3, indices.sum(1), np.nan)

    assert np.array_equal(resampled_together(sums, n, 60, seed=7), expected, equal_nan=True)
    assert max(seen) <= max(n, TOGETHER)


def test_a_statistic_that_is_never_defined_is_given_up():
    """After twice as many resamples as were asked for."""
    drawn = resampled_together(lambda indices: np.full(len(indices), np.nan), 5, 30, seed=0)
    assert drawn.shape == (60,)


def test_a_statistic_of_indices_is_the_mean_bootstrap_where_it_is_a_mean():
    """The general bootstrap draws as the one for means does."""
    values = np.random.default_rng(4).normal(size=80)
    general = bootstrap(lambda indices: float(values[indices].mean()), 80, 500, seed=5)
    special = mean_interval(values, 500, seed=5)
    assert general.low == pytest.approx(special.low)
    assert general.high == pytest.approx(special.high)


def test_undefined_resamples_are_drawn_again():
    """A resample that lacks a class does not count."""

    def statistic(indices):
        return float("nan") if indices[0] % 2 else 1.0

    interval = bootstrap(statistic, 10, 100, seed=0)
    assert (interval.low, interval.high) == (1.0, 1.0)


@pytest.mark.parametrize("n", [2, 5, 30])
def test_tails_are_hesterbergs_closed_form(n):
    """Φ(−√(n/(n−1)) t) with Student's t of n − 1, by SciPy's distributions."""
    student = scipy_stats.t.ppf(0.975, n - 1)
    expected = scipy_stats.norm.cdf(-np.sqrt(n / (n - 1)) * student)
    assert expanded_tail(n) == pytest.approx(expected)


@pytest.mark.parametrize(("value", "drawn"), [(1.0, np.nan), (np.nan, 1.0)])
def test_half_of_an_interval_is_none(value, drawn):
    """Either the value or its resamples undefined is an error."""
    with pytest.raises(ValueError, match="undefined on these 5 scenes"):
        percentile_interval(value, np.full(7, drawn), 5)


def test_nothing_has_no_mean():
    """An empty aggregate is an error, never zero."""
    with pytest.raises(ValueError, match="no values"):
        mean_interval(np.array([]), 10, 0)
    with pytest.raises(ValueError, match="no scenes"):
        bootstrap(lambda _: 0.0, 0, 10, 0)
    with pytest.raises(ValueError, match="undefined"):
        bootstrap(lambda _: float("nan"), 5, 10, 0)


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 7), (3, 7), (7, 7), (96, 134)])
def test_a_proportion_has_the_exact_interval_of_scipy(hits, n):
    """Clopper and Pearson's, for one scene and for none or all of them too."""
    ours = proportion_interval(np.arange(n) < hits)
    theirs = scipy_stats.binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert (ours.value, ours.n) == (pytest.approx(hits / n), n)


@pytest.mark.parametrize("n", [2, 5, 9])
def test_the_mean_of_few_has_students_interval(n):
    """Below ten values resamples say too little."""
    values = np.random.default_rng(6).normal(size=n)
    ours = mean_interval(values, 200, seed=0)
    theirs = scipy_stats.t.interval(0.95, n - 1, values.mean(), scipy_stats.sem(values))
    assert (ours.low, ours.high) == pytest.approx(theirs)


def test_one_value_has_no_interval():
    """Nothing is known of how a mean of one varies, nor any other statistic of one scene."""
    for interval in (mean_interval(np.array([3.0]), 50, 0), bootstrap(lambda _: 3.0, 1, 50, 0)):
        assert (interval.value, interval.n) == (3.0, 1)
        assert np.isnan([interval.low, interval.high]).all()


def test_from_ten_values_on_resamples_tell_the_interval():
    """Nine have Student's, ten the expanded percentile of their resampled means."""
    values = np.random.default_rng(6).lognormal(size=10)
    ours = mean_interval(values, 300, seed=1)
    drawn = resampled(lambda indices: float(values[indices].mean()), 10, 300, seed=1)
    tail = 100 * expanded_tail(10)
    expected = np.percentile(drawn, [tail, 100 - tail])
    assert (ours.low, ours.high) == pytest.approx(tuple(expected))


def test_two_scenes_have_an_interval_and_one_has_none():
    """Of any statistic; nothing is cut off where nothing is known."""
    both = bootstrap(lambda indices: float(indices.mean()), 2, 200, 0)
    assert (both.value, both.low, both.high) == (0.5, 0.0, 1.0)
    assert expanded_tail(1) == 0.0
    assert 0.0 < expanded_tail(2) < expanded_tail(3)


def test_no_resamples_are_no_values():
    """Asked for none, a statistic is not called."""
    assert resampled_together(lambda _: pytest.fail("it was called"), 5, 0, 0).shape == (0,)


def test_a_proportion_of_nothing_is_refused():
    """An empty aggregate is an error, never zero."""
    with pytest.raises(ValueError, match="a proportion of no scenes"):
        proportion_interval(np.array([], dtype=bool))


def test_the_bca_interval_of_what_does_not_vary_is_its_value():
    """No skew is known, and none is made up."""
    found = bca_interval(lambda _: 2.0, 4, 50, 0)
    assert (found.value, found.low, found.high, found.n) == (2.0, 2.0, 2.0, 4)


def test_the_bca_interval_leaves_out_undefined_resamples():
    """They do not count, and with two scenes there is an interval."""

    def statistic(indices):
        return float(indices.mean()) if len(set(indices.tolist())) > 1 else float("nan")

    assert bca_interval(statistic, 3, 50, 0).n == 3
    assert bca_interval(lambda indices: float(indices.mean()), 2, 50, 0).n == 2


@pytest.mark.parametrize("statistic", [np.std, np.median], ids=lambda f: f.__name__)
def test_the_bca_interval_of_the_same_resamples_is_scipys(statistic):
    """To the last digits, for a statistic that never and for one that often meets its value."""
    values = np.random.default_rng(1).lognormal(size=40).round(1)

    def ours(indices):
        return float(statistic(values[indices]))

    found = bca_interval(ours, 40, 1000, seed=2)
    drawn = SimpleNamespace(bootstrap_distribution=resampled(ours, 40, 1000, seed=2))
    theirs = scipy_bootstrap(
        (values,), statistic, n_resamples=0, bootstrap_result=drawn, method="BCa"
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_bca_interval_beyond_all_resamples_is_finite(sign):
    """No resample of many scenes has them all: the value's place is half a resample from the end.

    All that leave one out are alike, so there is no acceleration.
    """
    count = 20

    def distinct(indices):
        return sign * float(len(set(indices.tolist())))

    found = bca_interval(distinct, 60, count, seed=0)
    drawn = resampled(distinct, 60, count, seed=0)
    bias = scipy_stats.norm.ppf(1 - 0.5 / count) * sign
    shares = scipy_stats.norm.cdf(2 * bias + scipy_stats.norm.ppf([0.025, 0.975]))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, shares)))


def test_the_bca_interval_draws_by_its_seed():
    """The same interval of the same seed, another of another."""
    values = np.random.default_rng(13).lognormal(size=12)
    one, again, other = (
        bca_interval(lambda indices: float(values[indices].std()), 12, 60, seed)
        for seed in (3, 3, 4)
    )
    assert one == again
    assert (one.low, one.high) != (other.low, other.high)


def test_a_bca_interval_that_cannot_be_is_refused():
    """One scene; a statistic that is undefined, or without a scene, or where one occurs twice."""
    with pytest.raises(ValueError, match="needs two scenes, got 1"):
        bca_interval(lambda _: 1.0, 1, 10, 0)
    for defined in (
        lambda indices: False,
        lambda indices: len(indices) == 8,
        lambda indices: len(set(indices.tolist())) == len(indices),
    ):
        with pytest.raises(ValueError, match="undefined on these 8 scenes"):
            bca_interval(lambda i, f=defined: 1.0 if f(i) else float("nan"), 8, 5, 0)


def test_the_interval_of_squared_errors_covers_where_percentiles_do_not():
    """Of the squares of normal errors, 93 to 97 % with 24 and with 100 scenes."""
    random = np.random.default_rng(0)
    for n in (24, 100):
        found = [positive_mean_interval(random.normal(0, 1, n) ** 2) for _ in range(1500)]
        assert 0.93 <= np.mean([one.low <= 1 <= one.high for one in found]) <= 0.97
    assert positive_mean_interval(np.ones(5)) == Interval(1.0, 1.0, 1.0, 5)
    assert np.isnan(positive_mean_interval(np.zeros(5)).low)


def test_the_interval_of_an_area_stays_inside_and_covers():
    """Of AUROCs of 0.955 over 100 scenes; a perfect ranking shows no interval."""
    random = np.random.default_rng(1)
    truth, held = scipy_stats.norm.cdf(2.4 / np.sqrt(2)), []

    def area(lens, other):
        return float((lens[:, None] > other).mean())

    for _ in range(300):
        lens, other = random.normal(2.4, 1, 50), random.normal(0, 1, 50)
        drawn = np.array(
            [area(random.choice(lens, 50), random.choice(other, 50)) for _ in range(200)]
        )
        found = area_interval(area(lens, other), drawn, 100)
        held.append(found.low <= truth <= found.high < 1)
    assert 0.92 <= np.mean(held) <= 0.985
    assert np.isnan(area_interval(1.0, np.ones(10), 100).low)


@pytest.mark.parametrize(("n", "share"), [(10, 0.5), (30, 0.6827), (100, 0.6827), (2000, 0.9)])
def test_the_interval_of_a_quantile_is_the_one_of_scipy(n, share):
    """The bounds that the quantile test of SciPy does not reject at 2.5 % on either side."""
    values = np.random.default_rng(n).standard_t(2, n)
    found = quantile_interval(values, share)
    test = scipy_stats.quantile_test(values, p=share)
    assert found.low == test.confidence_interval(0.95).low
    assert found.high == test.confidence_interval(0.95).high
    assert found.value == np.quantile(values, share)


def test_few_scenes_do_not_bound_a_quantile():
    """Nine of them may all lie below a share of 0.6827; none at all are an error."""
    assert np.isnan(quantile_interval(np.arange(9.0), 0.6827).high)
    assert np.isfinite(quantile_interval(np.arange(11.0), 0.6827).high)
    with pytest.raises(ValueError, match="no values"):
        quantile_interval(np.empty(0), 0.5)
