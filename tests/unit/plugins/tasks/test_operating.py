"""Metrics at thresholds: against binomial counts by hand, and their coverage by simulation."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import torch

from lensbench import UndefinedError
from lensbench.cells.score import score
from lensbench.testing import made_samples
from lensbench_reference.tasks.finding import Finding
from lensbench_reference.tasks.operating import (
    Counts,
    RankedSamples,
    operating_metrics,
    survey_metrics,
    threshold_at_false_rate,
    threshold_at_purity,
)

BRIGHT = 2.4
"""Mean score of lenses, where that of others is standard normal: an AUROC of 0.955."""


def drawn(lenses, others, seed):
    """Normal scores of lenses and of others, mixed."""
    random = np.random.default_rng(seed)
    positive = random.permutation(np.arange(lenses + others) < lenses)
    return RankedSamples(random.normal(BRIGHT * positive, 1.0), positive, ~positive)


def metric_of(ranked, name, make):
    return next(m for m in make(lambda predictions, samples: ranked) if m.name == name)


def interval_of(ranked, name, make):
    metric = metric_of(ranked, name, make)
    samples = made_samples(len(ranked.score), size=8)
    return score(metric, {"score": ranked.score}, samples, 10).interval


def rates(rank):
    return operating_metrics(rank, ("1e-2",))


def survey(rank):
    return survey_metrics(rank, "5e-2")


def test_half_of_each_kind_fixes_thresholds_and_the_other_half_is_measured():
    """No sample does both."""
    ranked = drawn(101, 1000, 0)
    assert ranked.reserved[ranked.positive].sum() == 51
    assert ranked.reserved[ranked.negative].sum() == 500
    assert not (ranked.measured(ranked.positive) & ranked.reserved).any()


def test_a_threshold_lets_the_stated_share_of_reserved_negatives_through():
    """Of 2000 exactly twenty, ties below them left out."""
    ranked = drawn(10, 4000, 1)
    reserved = ranked.score[ranked.negative & ranked.reserved]
    assert (reserved > threshold_at_false_rate(ranked, 0.01)).sum() == 20
    tied = replace(ranked, score=ranked.score.round(1))
    reserved = tied.score[tied.negative & tied.reserved]
    assert (reserved > threshold_at_false_rate(tied, 0.01)).sum() <= 20


def test_too_few_negatives_fix_no_threshold():
    """1,998 leave fewer than ten above a false positive rate of a hundredth; 2,000 do not."""
    with pytest.raises(UndefinedError, match="expected 2000 or more"):
        threshold_at_false_rate(drawn(10, 1998, 0), 0.01)
    threshold_at_false_rate(drawn(10, 2000, 0), 0.01)


def test_a_rate_is_binomial_over_the_measured_half():
    """Value and interval are those of its counts, and the measured rate stands beside."""
    ranked = drawn(200, 4000, 2)
    above = ranked.score > threshold_at_false_rate(ranked, 0.01)
    for name, kind in (
        ("tpr_at_fpr_1e-2", ranked.positive),
        ("measured_fpr_1e-2", ranked.negative),
    ):
        found = interval_of(ranked, name, rates)
        hits, n = int((above & ranked.measured(kind)).sum()), int(ranked.measured(kind).sum())
        expected = scipy.stats.binomtest(hits, n).proportion_ci(0.95, "exact")
        assert (found.value, found.low, found.high) == pytest.approx((hits / n, *expected))
        assert found.n == n


def test_the_interval_of_a_rate_covers():
    """95 % or a little more, of the rate that the threshold really has."""
    held, trials = 0, 400
    for seed in range(trials):
        ranked = drawn(150, 2000, seed)
        truth = scipy.stats.norm.sf(threshold_at_false_rate(ranked, 0.01) - BRIGHT)
        found = interval_of(ranked, "tpr_at_fpr_1e-2", rates)
        held += found.low <= truth <= found.high
    assert 0.93 <= held / trials <= 0.99


def test_purity_at_a_prevalence_is_bayes_rule():
    """By hand: half of the lenses and one in fifty of the others, one lens in a hundred."""
    counts = Counts(found=50, lenses=100, wrong=20, others=1000)
    assert counts.purity(0.01) == pytest.approx(0.005 / (0.005 + 0.99 * 0.02))
    low, high = counts.purity_bounds(0.01)
    assert low < counts.purity(0.01) < high


def test_few_false_positives_say_how_pure_a_search_is_at_least():
    """Four of 1000: no number is invented, and the bound stands in the reason."""
    counts = Counts(found=50, lenses=100, wrong=4, others=1000)
    with pytest.raises(UndefinedError, match=r"4 of 1000 negatives.*a purity above 0\.2"):
        counts.purity(0.01)


def test_the_interval_of_a_purity_covers():
    """95 % at least: both shares are exact at 97.5 %."""
    held = 0
    random = np.random.default_rng(0)
    truth = 0.01 * 0.5 / (0.01 * 0.5 + 0.99 * 0.02)
    for found, wrong in zip(random.binomial(150, 0.5, 1000), random.binomial(2000, 0.02, 1000),
                            strict=True):  # fmt: skip
        low, high = Counts(int(found), 150, int(wrong), 2000).purity_bounds(0.01)
        held += low <= truth <= high
    assert held / 1000 >= 0.945


def test_completeness_is_that_at_the_lowest_threshold_that_is_pure():
    """Its interval covers the share of lenses above the threshold, which is as pure as asked."""
    held, ratios = 0, []
    for seed in range(200):
        ranked = drawn(400, 10_000, seed)
        threshold = threshold_at_purity(ranked, 0.5, 0.05)
        truth = scipy.stats.norm.sf(threshold - BRIGHT)
        ratios.append(truth * 0.05 / (0.95 * scipy.stats.norm.sf(threshold)))
        found = interval_of(ranked, "completeness_at_prevalence_5e-2", survey)
        held += found.low <= truth <= found.high
    assert 0.93 <= held / 200 <= 0.995
    assert np.median(ratios) == pytest.approx(1.0, abs=0.2)


def test_a_purity_beyond_what_was_measured_is_undefined():
    """The reason says how pure and how complete the highest measurable threshold is."""
    with pytest.raises(UndefinedError, match="lies beyond the highest threshold"):
        threshold_at_purity(drawn(200, 1000, 0), 0.5, 1e-3)


def test_finding_measures_one_in_a_thousand_with_twenty_thousand_others():
    """And not with 2,000; a partial area takes a thousand."""
    for others, shown in ((2_000, False), (20_000, True)):
        ranked = drawn(100, others, 4)
        samples = made_samples(len(ranked.score), size=8)
        samples = replace(samples, targets={"lens": torch.from_numpy(ranked.positive.astype(int))})
        chance = scipy.stats.norm.cdf(ranked.score)
        answer = {"probability": np.stack([1 - chance, chance], 1)}
        metrics = {m.name: m for m in Finding(Finding.Options()).metrics}
        assert score(metrics["partial_auroc_1e-2"], answer, samples, 10).interval.value > 0.6
        if shown:
            assert score(metrics["tpr_at_fpr_1e-3"], answer, samples, 10).interval.n == 50
        else:
            with pytest.raises(UndefinedError, match="expected 20000 or more"):
                score(metrics["tpr_at_fpr_1e-3"], answer, samples, 10)
