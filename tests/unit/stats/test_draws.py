"""Resamples that are drawn once serve every statistic, as if each had drawn its own."""

from __future__ import annotations

import tracemalloc

import numpy as np

from lensbench.stats.intervals import resampled_together


def test_draws_are_those_of_one_generator():
    """Whoever asks first or again, in whatever parts, sees the rows of the seed's stream."""
    n, resamples, seed = 700, 900, 31
    wanted = np.random.default_rng(seed).integers(0, n, (resamples, n))
    for _ in range(2):
        seen: list[np.ndarray] = []

        def statistic(rows: np.ndarray, seen: list[np.ndarray] = seen) -> np.ndarray:
            seen.append(rows)
            return rows.mean(1)

        drawn = resampled_together(statistic, n, resamples, seed)
        assert len(seen) > 1
        assert np.array_equal(np.concatenate(seen), wanted)
        assert np.array_equal(drawn, wanted.mean(1))


def test_a_statistic_that_writes_into_its_rows_changes_nobody_elses():
    """What is kept is given out as copies."""

    def spoiling(rows: np.ndarray) -> np.ndarray:
        found = rows.sum(1).astype(float)
        rows[:] = 0
        return found

    first, second = (resampled_together(spoiling, 50, 20, 7) for _ in range(2))
    assert np.array_equal(first, second) and first.min() > 0


def test_undefined_resamples_are_followed_by_the_next_rows():
    """More is drawn where a resample is undefined, from where the stream has come to."""
    rows = np.random.default_rng(3).integers(0, 30, (40, 30))

    def odd(drawn: np.ndarray) -> np.ndarray:
        return np.where(drawn[:, 0] % 2 == 1, drawn.mean(1), np.nan)

    found = resampled_together(odd, 30, 20, 3)
    assert 20 < len(found) <= 40
    assert np.array_equal(found, odd(rows[: len(found)]), equal_nan=True)


def test_resamples_of_many_scenes_are_not_kept():
    """Memory holds a few rows at a time, and the rows are still those of the seed's stream."""
    n, resamples = 100_000, 60
    firsts: list[np.ndarray] = []

    def statistic(rows: np.ndarray) -> np.ndarray:
        firsts.append(rows[:, 0].copy())
        return rows.mean(1)

    tracemalloc.start()
    resampled_together(statistic, n, resamples, 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * n * resamples / 4
    wanted = np.random.default_rng(5).integers(0, n, (resamples, n))[:, 0]
    assert np.array_equal(np.concatenate(firsts), wanted)
