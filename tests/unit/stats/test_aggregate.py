"""Aggregate scores, responses to conditions, and labels needed."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from lensbench.stats.aggregate import aggregate, anchored, mean_ranks, profile
from lensbench.stats.response import labels_needed, slope, slope_bounds, slope_interval


def test_values_are_put_between_fixed_anchors():
    """Either direction, and clipped: one failure does not rule a mean."""
    assert anchored(0.75, 0.5, 1.0) == 0.5
    assert anchored(2.0, 4.0, 0.0) == 0.5  # an error: the less the better
    assert anchored([0.4, 1.2, math.nan], 0.5, 1.0).tolist() == pytest.approx(
        [0.0, 1.0, math.nan], nan_ok=True
    )


def test_errors_are_put_on_a_scale_of_their_logarithm():
    """Ten times less than the zero is half the way to a hundred times less; no error is 1."""
    assert anchored(0.1, 1.0, 0.01, log=True) == pytest.approx(0.5)
    assert anchored([3.0, 0.001, 0.0], 1.0, 0.01, log=True).tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("zero", "one", "log"), [(0.5, 0.5, False), (math.nan, 1.0, False), (0.0, 1.0, True)]
)
def test_a_scale_without_two_ends_is_refused(zero, one, log):
    """The ends are named."""
    with pytest.raises(ValueError, match=f"ends, got {zero} and {one}"):
        anchored(0.7, zero, one, log)


def test_the_worst_and_the_gap_stand_beside_the_mean():
    """The worst is sought among the conditions that were not trained on."""
    found = aggregate({"home": 0.2, "close": 0.6, "far": 0.4}, "home")
    assert found.mean == pytest.approx(0.4)
    assert (found.worst, found.worst_at) == (0.4, "far")
    assert found.gap == pytest.approx(-0.2)
    assert found.complete


def test_an_empty_group_is_nothing_and_not_zero():
    """Without a value there is no mean, with n = 0; a part that is missing is counted."""
    empty = aggregate({"home": None, "far": None}, "home")
    assert (empty.mean, empty.worst, empty.worst_at, empty.gap) == (None, None, "", None)
    assert (empty.n, empty.expected) == (0, 2)
    some = aggregate({"home": 0.5, "far": None}, "home")
    assert (some.mean, some.n, some.expected, some.complete) == (0.5, 1, 2, False)
    assert (some.worst, some.worst_at, some.gap) == (None, "", None)


def test_profiles_are_shares_of_parts():
    """All parts reach zero; half of them reach the score between."""
    scores = np.array([[0.2, 0.6], [1.0, 1.0]])
    assert profile(scores, [0.0, 0.5, 1.0]).tolist() == [[1.0, 0.5, 0.0], [1.0, 1.0, 1.0]]


def test_mean_ranks_share_ties():
    """As SciPy ranks; Friedman's test starts from the same."""
    values = np.array([[0.9, 0.5, 0.7], [0.8, 0.5, 0.9], [0.1, 0.2, 0.3]])
    assert mean_ranks(values).tolist() == pytest.approx([1.5, 1.5, 3.0])
    random = np.random.default_rng(0).normal(size=(5, 4, 9))
    ranks = np.stack([scipy_stats.rankdata(-one, axis=0).mean(axis=1) for one in random])
    assert mean_ranks(random) == pytest.approx(ranks)
    assert ranks.sum(axis=1) == pytest.approx(10.0)


def test_the_slope_is_that_of_least_squares():
    """SciPy's regression finds the same; its interval over scenes is Student's of their slopes."""
    grades = np.array([0.0, 1.0, 3.0, 5.0])
    values = np.random.default_rng(0).normal(size=(4, 30)) - 0.3 * grades[:, None]
    theirs = [scipy_stats.linregress(grades, values[:, k]).slope for k in range(30)]
    found = slope_interval(grades, values)
    assert found.value == pytest.approx(np.mean(theirs))
    assert slope(grades, values.mean(axis=1)) == pytest.approx(found.value)
    bounds = scipy_stats.ttest_1samp(theirs, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx(tuple(bounds))
    with pytest.raises(ValueError, match="different grades"):
        slope(np.array([1.0, 1.0]), np.zeros(2))


def test_bounds_of_a_slope_hold_however_errors_go_together():
    """They contain the slopes of both extremes of the intervals."""
    grades, values = np.arange(3.0), np.array([3.0, 2.0, 1.0])
    middle, low, high = slope_bounds(grades, values, values - 0.1, values + 0.1)
    assert middle == pytest.approx(-1.0)
    steep = slope(grades, values + np.array([0.1, 0.0, -0.1]))
    flat = slope(grades, values + np.array([-0.1, 0.0, 0.1]))
    assert (low, high) == pytest.approx((steep, flat))


def test_labels_for_a_score_lie_between_those_tried():
    """Straight lines on the log of labels: halfway from 100 to 10,000 is 1,000."""
    labels, scores = np.array([10_000, 100]), np.array([0.9, 0.7])
    assert labels_needed(labels, scores, 0.8).labels == pytest.approx(1000.0)
    assert labels_needed(labels, -scores, -0.8, False).labels == pytest.approx(1000.0)
    assert labels_needed(np.array([1, 2]), np.array([0.6, 0.8]), 0.7).labels > 1


def test_labels_beyond_those_tried_are_bounds_and_not_guesses():
    """A score that is never reached, or reached by the fewest, is told as such."""
    labels, scores = np.array([100, 1000]), np.array([0.7, 0.9])
    never, always = labels_needed(labels, scores, 0.95), labels_needed(labels, scores, 0.6)
    assert (never.labels, never.bound, never.at) == (None, ">", 1000.0)
    assert (always.labels, always.bound, always.at) == (None, "<=", 100.0)
    with pytest.raises(ValueError, match="different positive"):
        labels_needed(np.array([100, 100]), scores, 0.8)


def test_two_scenes_have_an_interval_of_their_slopes_and_one_has_none():
    """Student's of one degree of freedom, with the number of scenes."""
    grades, values = np.arange(3.0), np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]])
    found = slope_interval(grades, values)
    bounds = scipy_stats.ttest_1samp([1.0, 2.0], 0).confidence_interval()
    assert (found.low, found.high, found.n) == pytest.approx((*bounds, 2))
    with pytest.raises(ValueError, match="two scenes, got 1"):
        slope_interval(grades, values[:, :1])


@pytest.mark.parametrize("grades", [[], [2.0, 2.0]])
def test_one_grade_has_no_slope(grades):
    """The grades are told."""
    with pytest.raises(
        ValueError, match=rf"different grades, got \[{'2.0, 2.0' if grades else ''}\]"
    ):
        slope(np.array(grades), np.zeros(len(grades)))


@pytest.mark.parametrize("labels", [[], [0, 10], [-1, 10], [10, 10]])
def test_labels_that_were_not_tried_are_refused(labels):
    """None, too few, or one number twice."""
    with pytest.raises(ValueError, match="different positive numbers"):
        labels_needed(np.array(labels), np.zeros(len(labels)), 0.5)


def test_a_score_that_is_just_reached_is_reached():
    """At the labels where it stands, between others or at the fewest."""
    labels, scores = np.array([10, 100, 1000]), np.array([0.5, 0.7, 0.9])
    found = labels_needed(labels, scores, 0.7)
    assert (found.labels, found.bound, found.at) == pytest.approx((100.0, "=", 100.0))
    assert labels_needed(labels, scores, 0.5).bound == "<="
    assert labels_needed(labels, scores, 0.9).labels == pytest.approx(1000.0)
