"""No scene is in two splits."""

import pytest

from lensbench.cells.splits import assert_disjoint
from lensbench.errors import RunError
from lensbench.testing import made_samples


def test_a_scene_in_two_splits_is_an_error():
    """A leak stops the cell."""
    with pytest.raises(RunError, match="made-1-0"):
        assert_disjoint(made_samples(seed=0), made_samples(seed=1), made_samples(seed=1))
    assert_disjoint(made_samples(seed=0), made_samples(seed=1), made_samples(seed=2))
