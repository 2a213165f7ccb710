"""Every interval that tables show holds the truth as often as it says."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from coverage_cases import CASES

SHOWN = [case for case in CASES if case.shown and not case.note]
HIDDEN = [case for case in CASES if not case.shown]


@pytest.mark.parametrize("case", SHOWN, ids=lambda case: case.metric)
def test_an_interval_that_is_shown_holds_the_truth(case):
    """In 93 to 97 % of drawn sets of scenes, but for the scatter of 400 of these."""
    assert 0.92 <= case.coverage(400) <= 0.98


def test_outliers_make_the_interval_of_an_rmse_too_narrow():
    """By as much as the docs say: a few scenes rule the mean of squares."""
    (case,) = (case for case in CASES if case.note)
    assert 0.86 <= case.coverage(400) <= 0.935


@pytest.mark.parametrize("case", HIDDEN, ids=lambda case: case.metric)
def test_the_bootstrap_of_an_extreme_does_not(case):
    """Which is why tables show none of it."""
    assert case.coverage(400) < 0.92
