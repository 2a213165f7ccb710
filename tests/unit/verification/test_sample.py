"""What a sample of a board's cells can find."""

from __future__ import annotations

import numpy as np
import pytest

from lensbench.verification.tiers import caught


@pytest.mark.parametrize(("total", "sample"), [(495, 60), (40, 10), (10, 9), (7, 1)])
def test_so_many_wrong_cells_are_caught(total, sample):
    """By simulation: with that many wrong cells a sample has one in 95 %, with one less not."""
    random = np.random.default_rng(total)
    wrong = caught(total, sample)
    places = np.argsort(random.random((20_000, total)), axis=1)[:, :sample]
    share = (places < wrong).any(1).mean()
    assert share > 0.95 - 0.006
    if wrong > 1:
        assert (places < wrong - 1).any(1).mean() < 0.95 + 0.006


def test_all_cells_leave_nothing():
    """Where every cell is scored, one wrong cell is found."""
    assert caught(30, 30) == 1
