"""How much work is left of a plan."""

from lensbench.study.job import CellRequest, Job, WeightsRequest
from lensbench.study.remaining import TimeLeft

CELLS = [Job(key, key, (), CellRequest(None), key[0]) for key in ("a1", "a2", "a3", "b1")]
WEIGHTS = Job("w", "w", (), WeightsRequest(None), "w")


def test_nothing_is_known_before_anything_has_ended():
    """No number passes for an estimate."""
    left = TimeLeft([*CELLS, WEIGHTS], {})
    assert left.work() == (0, False)
    assert left.seconds(WEIGHTS) is None


def test_what_ended_here_comes_before_what_was_known_and_that_before_its_kind():
    """Jobs alike, then earlier sweeps, then jobs of the kind, and never those of another."""
    left = TimeLeft([*CELLS, WEIGHTS], {"a": 100.0})
    assert left.work() == (300.0, False)  # nothing is known of the cell b, nor of weights
    left.ended(CELLS[0], 10.0)
    assert left.work() == (2 * 10.0 + 10.0, False)
    left.ended(CELLS[1], 20.0)
    assert left.work() == (15.0 + 15.0, False)
    left.ended(WEIGHTS, 7.0)
    assert left.work() == (30.0, True)
    left.ended(CELLS[3], 40.0)
    assert left.work() == (15.0, True)
    assert (left.seconds(CELLS[3]), left.seconds(WEIGHTS)) == (40.0, 7.0)
    left.ended(CELLS[2], 1.0)
    assert left.work() == (0, True)


def test_an_earlier_cost_is_kept_for_what_has_not_ended_here():
    """Other jobs of the kind say less than that."""
    left = TimeLeft(CELLS, {"b": 100.0})
    left.ended(CELLS[0], 10.0)
    assert left.work() == (2 * 10.0 + 100.0, True)
    other = Job("c1", "c1", (), CellRequest(None), "c")
    assert (left.seconds(other), left.seconds(CELLS[3])) == (10.0, 100.0)


def test_a_job_that_never_began_tells_nothing():
    """It fails with what it needs, in no time."""
    left = TimeLeft(CELLS, {})
    left.ended(CELLS[0], 0.0)
    assert left.work() == (0, False)
    left.ended(CELLS[1], 10.0)
    assert left.work() == (20.0, True)
