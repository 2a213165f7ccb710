"""Intervals and differences that count scenes and seeds: closed forms, and by simulation."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize
from scipy import stats as scipy_stats

from lensbench.stats.crossed import (
    Fits,
    Part,
    difference,
    estimate,
    half_width,
    independent_difference,
    one_df,
)
from lensbench.stats.intervals import resampled
from lensbench.stats.power import detectable_with


def fits(matrix: np.ndarray, pretraining=None) -> Fits:
    """Fits of a metric that is a mean over scenes, from values (S, n)."""
    seeds = tuple(range(len(matrix))) if pretraining is None else tuple(pretraining)
    return Fits(matrix.mean(axis=1), matrix, matrix.shape[1], True, seeds)


def crossed(random, seeds: int, scenes: int, sd=(0.5, 1.0, 0.7)) -> np.ndarray:
    """Scores with effects of seed, scene and both."""
    return (
        random.normal(0, sd[0], (seeds, 1))
        + random.normal(0, sd[1], (1, scenes))
        + random.normal(0, sd[2], (seeds, scenes))
    )


def as_resamples(matrix: np.ndarray, count: int) -> Fits:
    """The same fits as a metric of the whole set, of which only resamples are known."""
    n = matrix.shape[1]
    rows = [resampled(lambda i, row=row: float(row[i].mean()), n, count, 5) for row in matrix]
    return Fits(matrix.mean(axis=1), np.array(rows), n, False, tuple(range(len(matrix))))


def test_one_seed_is_students_interval():
    """With a single fit, only scenes count, and the interval is SciPy's."""
    values = np.random.default_rng(0).normal(3, 2, (1, 25))
    found = estimate({0: fits(values)})
    theirs = scipy_stats.ttest_1samp(values[0], 0.0)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.counted == ("scenes",)


def test_two_scenes_have_an_interval_and_one_has_none():
    """Two values have a t-test, if a weak one; one says nothing of its error."""
    found = estimate({0: fits(np.array([[1.0, 3.0]]))})
    theirs = scipy_stats.ttest_1samp([1.0, 3.0], 0.0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    alone = estimate({0: fits(np.array([[1.0]]))})
    assert math.isnan(alone.low) and math.isnan(alone.high) and math.isnan(alone.p)


def test_the_difference_of_two_fits_is_the_paired_t_test():
    """With a single fit each, interval and p-value are SciPy's of paired values."""
    random = np.random.default_rng(1)
    a, b = random.normal(0.3, 1, 40), random.normal(0, 1, 40)
    found = difference({0: fits(a[None])}, {0: fits(b[None])})
    theirs = scipy_stats.ttest_rel(a, b)
    assert found.n == 40
    assert found.p == pytest.approx(theirs.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))


@pytest.mark.parametrize("draws", [2, 3, 5])
def test_over_draws_it_is_the_t_test_of_their_means(draws):
    """Draws of all scenes count as one value each, whatever was fitted and tested in them."""
    random = np.random.default_rng(draws)
    a, b = (
        {d: fits(random.normal(shift, 1, (1 + d % 2, 20 + d))) for d in range(draws)}
        for shift in (0.5, 0.0)
    )
    means = [np.array([fit.values.mean() for fit in one.values()]) for one in (a, b)]
    scenes = sum(20 + d for d in range(draws))
    for found, theirs in (
        (estimate(a), scipy_stats.ttest_1samp(means[0], 0.0)),
        (difference(a, b), scipy_stats.ttest_rel(*means)),
    ):
        interval = theirs.confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
        assert found.p == pytest.approx(theirs.pvalue)
        assert (found.n, found.fits) == (scenes, sum(1 + d % 2 for d in range(draws)))
    more = {**a, 99: fits(random.normal(9, 1, (1, 20)))}  # which the other has not
    assert difference(more, b) == difference(a, b)


def test_the_standard_error_is_the_one_of_the_crossed_anova():
    """Mean squares of statsmodels' two-way ANOVA give the same variance of the mean."""
    import pandas as pd
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    matrix = crossed(np.random.default_rng(2), 4, 30)
    seed, scene = np.indices(matrix.shape)
    frame = pd.DataFrame({"y": matrix.ravel(), "seed": seed.ravel(), "scene": scene.ravel()})
    table = anova_lm(ols("y ~ C(seed) + C(scene)", frame).fit())
    squares = table["mean_sq"]
    variance = (squares["C(seed)"] + squares["C(scene)"] - squares["Residual"]) / matrix.size
    found = estimate({0: fits(matrix)})
    assert found.se == pytest.approx(math.sqrt(variance))
    assert {one.of: one.df for one in found.parts} == {"seeds": 3, "scenes": 29, "rest": 87}


def test_resamples_tell_the_same_as_values_by_scene():
    """For a mean, resampled scores and values by scene come to the same error, near enough."""
    matrix = crossed(np.random.default_rng(3), 4, 60)
    exact, drawn = estimate({0: fits(matrix)}), estimate({0: as_resamples(matrix, 3000)})
    assert drawn.value == pytest.approx(exact.value)
    assert drawn.se == pytest.approx(exact.se, rel=0.05)
    assert drawn.high - drawn.low == pytest.approx(exact.high - exact.low, rel=0.05)


@pytest.mark.parametrize(("seeds", "scenes"), [(2, 200), (3, 200), (5, 200), (8, 100)])
def test_intervals_over_seeds_and_scenes_cover_the_truth(seeds, scenes):
    """Of 2000 intervals, with new seeds and new scenes each time, 93 % to 97 % hold the mean."""
    random = np.random.default_rng(seeds)
    hits = 0
    for _ in range(2000):
        found = estimate({0: fits(crossed(random, seeds, scenes))})
        hits += found.low <= 0.0 <= found.high
    assert 0.93 <= hits / 2000 <= 0.97


def test_two_draws_are_counted():
    """As many as there must be."""
    random = np.random.default_rng(4)
    found = estimate({d: fits(crossed(random, 2, 20)) for d in range(2)})
    assert found.counted == ("scenes", "draw", "pretraining")


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_one_number_of_degrees_of_freedom_stands_for_several(alpha):
    """Student's interval with it is as wide as Howe's, and never narrower than the worst part's."""
    parts = (Part(1.0, 30.0, "scenes"), Part(0.5, 4.0, "seeds"))
    df = one_df(parts, alpha)
    assert 4 < df < 30
    width = scipy_stats.t.ppf(1 - alpha / 2, df) * math.sqrt(1.5)
    assert width == pytest.approx(half_width(parts, alpha))
    assert one_df(parts[:1], alpha) == 30.0
    nothing = tuple(part._replace(variance=0.0) for part in parts)
    assert one_df(nothing, alpha) == 30.0


def test_intervals_over_draws_cover_the_truth():
    """With four draws, each with scenes and fits of its own, 93 % to 97 % hold the mean."""
    random = np.random.default_rng(11)
    hits = 0
    for _ in range(2000):
        draws = {d: fits(crossed(random, 2, 20) + random.normal(0, 0.3)) for d in range(4)}
        found = estimate(draws)
        hits += found.low <= 0.0 <= found.high
    assert found.counted == ("scenes", "draw", "pretraining")
    assert 0.93 <= hits / 2000 <= 0.97


@pytest.mark.parametrize("seeds", [(1, 1), (3, 3), (5, 1), (2, 4)])
def test_false_alarms_are_as_rare_as_they_should_be(seeds):
    """Of 2000 pairs of equal entrants on the same scenes, 2.5 % to 6.5 % differ at 5 %."""
    random = np.random.default_rng(12)
    alarms = 0
    for _ in range(2000):
        scene = random.normal(0, 2, (1, 40))
        a, b = (
            scene
            + random.normal(0, 0.2 if count > 1 else 0.0, (count, 1))
            + random.normal(0, 0.7, (count, 40))
            for count in seeds
        )
        alarms += difference({0: fits(a)}, {0: fits(b)}).p < 0.05
    assert 0.025 <= alarms / 2000 <= 0.065


@pytest.mark.parametrize("sd", [(0.05, 0.0, 0.2), (0.1, 1.0, 0.7), (0.0, 1.0, 0.5)])
def test_corrected_tests_with_few_seeds_raise_no_storm_of_alarms(sd):
    """At a level of one in a thousand, three seeds alarm in no more than that, whatever varies."""
    random = np.random.default_rng(14)
    alarms = sum(estimate({0: fits(crossed(random, 3, 40, sd))}).p < 0.001 for _ in range(4000))
    assert alarms <= 11  # the 99.5th percentile of a Poisson of mean 4


def test_two_seeds_are_never_too_sure():
    """With two seeds the interval is wide: it covers at least 94 %, whichever part varies."""
    random = np.random.default_rng(15)
    for sd in ((0.5, 1.0, 0.7), (0.1, 1.0, 0.7), (0.0, 1.0, 0.5)):
        found = [estimate({0: fits(crossed(random, 2, 30, sd))}) for _ in range(1000)]
        assert np.mean([one.low <= 0.0 <= one.high for one in found]) >= 0.94


def test_false_alarms_on_auroc_are_as_rare_as_they_should_be():
    """Of 300 pairs of equal classifiers, resampled AUROC differs at 5 % in 2 % to 8 %."""
    random = np.random.default_rng(13)
    truth = np.arange(60) % 2
    alarms = 0
    for trial in range(300):
        common = random.normal(size=60) + truth
        pair = []
        for _ in range(2):
            score = common + random.normal(0, 0.7, 60)
            drawn = resampled(lambda i, s=score: auroc(truth[i], s[i]), 60, 200, trial)
            pair.append(Fits(np.array([auroc(truth, score)]), drawn[None], 60, False, (0,)))
        alarms += difference({0: pair[0]}, {0: pair[1]}).p < 0.05
    assert 0.02 <= alarms / 300 <= 0.08


def auroc(truth: np.ndarray, score: np.ndarray) -> float:
    """Share of pairs in the right order (Mann & Whitney); NaN without both classes."""
    positive, negative = score[truth == 1], score[truth == 0]
    if not len(positive) or not len(negative):
        return float("nan")
    return float((positive[:, None] > negative).mean())


def test_pairing_finds_what_unpaired_scores_hide():
    """What a scene has of its own cancels: the paired error is far below that of Welch."""
    random = np.random.default_rng(4)
    scene = random.normal(0, 5, (1, 50))
    a, b = (fits(scene + random.normal(shift, 0.3, (3, 50))) for shift in (0.5, 0.0))
    paired = difference({0: a}, {0: b})
    apart = independent_difference(estimate({0: a}), estimate({0: b}))
    assert paired.value == pytest.approx(apart.value)
    assert paired.p < 0.01
    assert apart.p > 0.5


def test_unpaired_scores_are_welchs_test():
    """Of single fits on other scenes, the unpaired difference is SciPy's Welch test."""
    random = np.random.default_rng(5)
    a, b = random.normal(0.5, 1, 30), random.normal(0, 2, 45)
    found = independent_difference(estimate({0: fits(a[None])}), estimate({0: fits(b[None])}))
    theirs = scipy_stats.ttest_ind(a, b, equal_var=False)
    assert (found.p, found.df) == pytest.approx((theirs.pvalue, theirs.df))
    interval = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert (found.n, found.fits, found.counted) == (30, 1, ("scenes",))


def test_fits_of_one_pretraining_do_not_pass_for_many():
    """With two pretrainings of many fits each, the pretrainings are what is counted."""
    random = np.random.default_rng(6)
    two = np.repeat(random.normal(0, 3, (2, 1)), 5, axis=0) + random.normal(0, 0.1, (10, 400))
    nested = estimate({0: fits(two, [0] * 5 + [1] * 5)})
    naive = estimate({0: fits(two)})
    assert nested.df < 1.5 < naive.df
    assert nested.high - nested.low > 5 * (naive.high - naive.low)
    assert nested.counted == ("scenes", "pretraining", "fit")


def test_the_p_value_is_where_the_interval_ends_at_zero():
    """Shifted so that Howe's interval just touches zero, p is one in twenty."""
    one = fits(crossed(np.random.default_rng(8), 3, 30))
    found = estimate({0: one})
    shift = found.low
    moved = estimate({0: fits(one.spread - shift)})
    assert moved.p == pytest.approx(0.05, rel=1e-6)


def test_a_shared_pretraining_cancels():
    """Two ways to use the same four encoders differ by less than the encoders do."""
    random = np.random.default_rng(16)
    encoder, scene = random.normal(0, 3, (4, 1)), random.normal(0, 1, (1, 60))
    a, b = (fits(encoder + scene + random.normal(shift, 0.3, (4, 60))) for shift in (0.5, 0.0))
    paired, apart = (difference({0: a}, {0: b}, matched) for matched in (True, False))
    assert paired.p < 0.01
    assert apart.p > 0.5


def test_two_pretrainings_are_paired_as_many_are_and_one_is_not():
    """Of two shared encoders the difference counts; with one, only the scenes are common."""
    random = np.random.default_rng(17)
    encoder, scene = random.normal(0, 3, (2, 1)), random.normal(0, 1, (1, 60))
    a, b = (encoder + scene + random.normal(shift, 0.3, (2, 60)) for shift in (0.5, 0.0))
    paired, apart = (difference({0: fits(a)}, {0: fits(b)}, matched) for matched in (True, False))
    found = estimate({0: fits(a - b)})
    assert (paired.low, paired.high) == pytest.approx((found.low, found.high))
    assert paired.se < 0.2 * apart.se
    one, other = ({0: fits(each[:1], [0])} for each in (a, b))
    assert difference(one, other, True) == difference(one, other, False)


def test_resamples_that_one_has_alone_do_not_count():
    """Where a metric was undefined on some, the last are missing: the others are still paired."""
    random = np.random.default_rng(18)
    a, b = (as_resamples(crossed(random, 1, 50), 80) for _ in range(2))
    cut = [replace(one, spread=one.spread[:, :60]) for one in (a, b)]
    assert difference({0: a}, {0: cut[1]}) == difference({0: cut[0]}, {0: cut[1]})
    assert difference({0: cut[0]}, {0: b}) == difference({0: cut[0]}, {0: cut[1]})


def test_equal_predictions_differ_by_nothing():
    """No spread and no difference: p is one, not an error."""
    one = fits(np.random.default_rng(7).normal(size=(1, 20)))
    found = difference({0: one}, {0: one})
    assert (found.value, found.p) == (0.0, 1.0)
    assert math.isnan(found.detectable())


@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.8), (0.001, 0.9)])
def test_what_one_fit_can_detect_is_what_the_t_test_can(alpha, power):
    """With scenes alone, the difference is that of as many paired values of the same spread."""
    values = np.random.default_rng(17).normal(0, 0.4, (1, 25))
    found = estimate({0: fits(values)})
    expected = detectable_with(25, float(values.std(ddof=1)), alpha, power)
    assert found.detectable(alpha, power) == pytest.approx(expected, rel=1e-6)
    if (alpha, power) == (0.05, 0.8):
        assert found.detectable() == found.detectable(alpha, power)


def test_what_seeds_can_detect_is_by_howes_interval_at_that_level():
    """Its degrees of freedom are those with which Student's interval is as wide as Howe's."""
    found = estimate({0: fits(crossed(np.random.default_rng(18), 3, 40))})
    alpha, power = 0.01, 0.9
    signs = {"seeds": 1, "scenes": 1, "rest": -1}
    howe = sum(
        signs[one.of] * one.variance * scipy_stats.t.ppf(1 - alpha / 2, one.df) ** 2
        for one in found.parts
    )
    df = optimize.brentq(
        lambda df: scipy_stats.t.ppf(1 - alpha / 2, df) - math.sqrt(howe) / found.se, 1.0, 1e4
    )
    critical = scipy_stats.t.ppf(1 - alpha / 2, df)
    shift = found.detectable(alpha, power) / found.se
    assert scipy_stats.nct.sf(critical, df, shift) == pytest.approx(power, abs=1e-3)


def test_what_cannot_be_paired_is_refused():
    """Other draws, other numbers of scenes, and nothing at all."""
    one, other = fits(np.ones((1, 5))), fits(np.ones((1, 6)))
    with pytest.raises(ValueError, match="same scenes"):
        difference({0: one}, {1: one})
    with pytest.raises(ValueError, match="5 and 6"):
        difference({0: one}, {0: other})
    with pytest.raises(ValueError, match="no fits"):
        estimate({})
    with pytest.raises(ValueError, match="at least one"):
        fits(np.empty((0, 5)))
