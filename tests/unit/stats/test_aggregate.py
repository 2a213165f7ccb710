"""Aggregate scores, responses to conditions, and labels needed."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from lensbench.stats.aggregate import aggregate, normalised, normalised_part
from lensbench.stats.response import labels_needed, slope, slope_bounds, slope_interval


def test_scores_are_put_between_chance_and_the_best():
    """Either direction; what has no scale has no score."""
    assert normalised(0.75, 0.5, 1.0) == 0.5
    assert normalised(2.0, 4.0, 0.0) == 0.5  # an error: the less the better
    assert normalised(0.4, 0.5, 1.0) == pytest.approx(-0.2)
    assert normalised(0.75, 0.5, 0.5) is None
    assert normalised(0.75, math.nan, 1.0) is None
    assert normalised_part((2.0, 1.0, 3.0), 4.0, 0.0) == (0.5, 0.25, 0.75)


def test_the_worst_and_the_gap_stand_beside_the_mean():
    """The worst is sought among the conditions that were not trained on."""
    parts = {"home": (0.2, 0.1, 0.3), "close": (0.6, 0.5, 0.7), "far": (0.4, 0.3, 0.5)}
    found = aggregate(parts, "home")
    assert found.mean == pytest.approx(0.4)
    assert (found.low, found.high) == pytest.approx((0.3, 0.5))
    assert (found.worst, found.worst_at) == (0.4, "far")
    assert found.gap == pytest.approx(-0.2)
    assert found.complete


def test_an_empty_group_is_nothing_and_not_zero():
    """Without a value there is no mean, with n = 0; a part that is missing is told."""
    empty = aggregate({"home": None, "far": None}, "home")
    assert (empty.mean, empty.low, empty.worst, empty.gap, empty.n) == (None, None, None, None, 0)
    some = aggregate({"home": (0.5, 0.4, 0.6), "far": None}, "home")
    assert (some.mean, some.n, some.expected, some.complete) == (0.5, 1, 2, False)
    assert some.gap is None
    assert aggregate({"far": (0.5, math.nan, math.nan)}).low is None


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


def test_what_is_known_at_home_alone_has_no_worst():
    """No other condition, so no gap; all that were expected are counted."""
    home = aggregate({"home": (0.5, 0.4, 0.6)}, "home")
    assert (home.worst, home.worst_at, home.gap, home.high) == (None, "", None, 0.6)
    empty = aggregate({"home": None, "far": None})
    assert (empty.high, empty.expected, empty.worst_at) == (None, 2, "")


@pytest.mark.parametrize("part", [(0.5, 0.4, math.nan), (0.5, math.nan, 0.6)])
def test_half_an_interval_is_none(part):
    """Where one bound of one part is not known, the mean has neither."""
    found = aggregate({"far": part, "near": (0.5, 0.4, 0.6)})
    assert (found.low, found.high) == (None, None)


def test_what_has_no_scale_has_no_interval_on_it():
    """Neither value nor bounds."""
    assert normalised_part((0.5, 0.4, 0.6), 1.0, 1.0) is None


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
