"""Intervals and differences that count both test scenes and seeds.

An entrant's fits answer the same scenes, so seeds and scenes are crossed: a score is
μ + seed + scene + rest, all random. With mean squares of S seeds and n scenes the variance of the
mean is (MS_seed + MS_scene − MS_rest) / (S n), its degrees of freedom are Satterthwaite's
(1946), and the interval is Student's. Where draws differ, scenes and all else differ with them: the
means of the draws are then the sample. For a metric of the whole set, resamples of the scenes that
are the same for every fit take the place of the mean squares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from lensbench.stats.intervals import LEVEL
from lensbench.stats.power import detectable


@dataclass(frozen=True)
class Fits:
    """Scores of an entrant's fits on the scenes of one draw.

    Attributes:
        values: Score of each fit (S,).
        spread: Where `per_scene`, one value a scene whose mean the score is (S, n); else the score
            on resamples of the scenes (S, R), the same resamples for every fit and every entrant.
            NaN where undefined.
        n: Number of scenes.
        per_scene: What `spread` is.
        pretraining: Seed of the pretraining behind each fit (S,).
    """

    values: np.ndarray
    spread: np.ndarray
    n: int
    per_scene: bool
    pretraining: tuple[int, ...]

    def __post_init__(self) -> None:
        count = len(self.values)
        if not count or len(self.spread) != count or len(self.pretraining) != count:
            raise ValueError(
                f"{count} scores with {len(self.spread)} spreads and "
                f"{len(self.pretraining)} seeds: need one of each, and at least one"
            )
        if self.per_scene and self.spread.shape[1] != self.n:
            raise ValueError(f"{self.spread.shape[1]} values for {self.n} scenes")

    def by_pretraining(self) -> Fits:
        """Means over the fits of each pretraining; the same where only one was done."""
        seeds = tuple(dict.fromkeys(self.pretraining))
        if len(seeds) in (1, len(self.values)):
            return self
        member = np.array([[own == seed for own in self.pretraining] for seed in seeds])
        weight = member / member.sum(axis=1, keepdims=True)
        return Fits(weight @ self.values, weight @ self.spread, self.n, self.per_scene, seeds)


@dataclass(frozen=True)
class Estimate:
    """A score, or a difference of two, with what is known of its error.

    Attributes:
        value: The estimate.
        low, high: Its 95 % interval.
        n: Test scenes behind it.
        fits: Fits behind it; of the entrant that has fewer where there are two.
        se: Standard error.
        df: Degrees of freedom of `se`.
        counted: What the interval counts: `scenes`, and axes of chance that varied.
    """

    value: float
    low: float
    high: float
    n: int
    fits: int
    se: float
    df: float
    counted: tuple[str, ...]

    @property
    def p(self) -> float:
        """Two-sided p-value of zero: below .05 just where the interval leaves zero out."""
        if math.isnan(self.se):
            return math.nan
        if self.se == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * special.stdtr(self.df, -abs(self.value) / self.se))

    def detectable(self, alpha: float = 0.05, power: float = 0.8) -> float:
        """The smallest true difference that so many scenes and seeds would have found."""
        return detectable(self.se, self.df, alpha, power)


def estimate(draws: Mapping[int, Fits]) -> Estimate:
    """The mean score over all seeds of an entrant.

    Args:
        draws: Its fits by seed of the draw.

    Raises:
        ValueError: Where there is none.
    """
    if not draws:
        raise ValueError("a mean of no fits was asked for")
    parts = {draw: fits.by_pretraining() for draw, fits in draws.items()}
    if len(parts) > 1:
        return _over_draws({d: float(f.values.mean()) for d, f in parts.items()}, [draws])
    (fits,) = parts.values()
    value, moments = float(fits.values.mean()), _moments(fits)
    return _estimate(value, moments, fits.n, [draws])


def difference(a: Mapping[int, Fits], b: Mapping[int, Fits], matched: bool = False) -> Estimate:
    """By how much `a` scores above `b` on the same scenes, with seeds counted.

    Args:
        a, b: Fits of two entrants by seed of the draw; draws that only one has do not count.
        matched: Whether the s-th fits of both share what chance there is, as when one pretrained
            encoder is put to a task in two ways. Their seeds are independent otherwise.

    Raises:
        ValueError: Where they share no draw, or their scenes differ in number or kind.
    """
    shared = [draw for draw in a if draw in b]
    if not shared:
        raise ValueError("two entrants that were never scored on the same scenes have no pairs")
    mine, its = ({draw: one[draw] for draw in shared} for one in (a, b))
    pairs = {draw: (mine[draw].by_pretraining(), its[draw].by_pretraining()) for draw in shared}
    for ours, theirs in pairs.values():
        if (ours.n, ours.per_scene) != (theirs.n, theirs.per_scene):
            raise ValueError(f"scores of {ours.n} and {theirs.n} scenes cannot be paired")
    if len(shared) > 1:
        means = {d: float(x.values.mean() - y.values.mean()) for d, (x, y) in pairs.items()}
        return _over_draws(means, [mine, its])
    ((ours, theirs),) = pairs.values()
    value = float(ours.values.mean() - theirs.values.mean())
    moments = _pair_moments(ours, theirs, matched)
    return _estimate(value, moments, ours.n, [mine, its])


def independent_difference(a: Estimate, b: Estimate) -> Estimate:
    """By how much `a` is above `b` where nothing pairs them (Welch 1947).

    On the same scenes this is too wide, for what a scene has of its own does not cancel.
    """
    variance = a.se**2 + b.se**2
    doubt = sum(one.se**4 / one.df for one in (a, b) if one.se > 0)
    df = variance**2 / doubt if doubt else min(a.df, b.df)
    value, half = a.value - b.value, _half(math.sqrt(variance), df)
    counted = tuple(dict.fromkeys((*a.counted, *b.counted)))
    n, fits = min(a.n, b.n), min(a.fits, b.fits)
    return Estimate(value, value - half, value + half, n, fits, math.sqrt(variance), df, counted)


@dataclass(frozen=True)
class _Moments:
    """Variances of a mean: each with the degrees of freedom that it was estimated with.

    `scenes` and `seeds` each hold the share of their interaction, `rest`, which is taken off once.
    """

    scenes: tuple[float, float]
    seeds: tuple[tuple[float, float], ...]
    rest: tuple[tuple[float, float], ...]

    def combined(self) -> tuple[float, float]:
        """Variance of the mean and its degrees of freedom."""
        terms = [self.scenes, *self.seeds]
        total = sum(v for v, _ in terms) - sum(v for v, _ in self.rest)
        variance = max(total, self.scenes[0], sum(v for v, _ in self.seeds))
        spread = sum(v**2 / df for v, df in (*terms, *self.rest) if df > 0)
        if not spread:
            return variance, self.scenes[1]
        return variance, variance**2 / spread


def _moments(fits: Fits) -> _Moments:
    spread = _defined(fits.spread)
    count, n = len(spread), fits.n
    scenes = _scene_variance(spread.mean(axis=0), fits), max(n - 1.0, 0.0)
    if count == 1:
        return _Moments(scenes, (), ())
    seeds = float(fits.values.var(ddof=1)) / count, count - 1.0
    residual = spread - spread.mean(axis=0) - spread.mean(axis=1, keepdims=True)
    each = [_scene_variance(row, fits) for row in residual]
    rest = sum(each) / (count * (count - 1)), (count - 1.0) * max(n - 1.0, 0.0)
    return _Moments(scenes, (seeds,), (rest,))


def _pair_moments(a: Fits, b: Fits, matched: bool) -> _Moments:
    width = min(a.spread.shape[1], b.spread.shape[1])  # resamples beyond are of one alone
    a, b = (replace(one, spread=one.spread[:, :width]) for one in (a, b))
    if matched and a.pretraining == b.pretraining:
        return _moments(
            Fits(a.values - b.values, a.spread - b.spread, a.n, a.per_scene, a.pretraining)
        )
    both = _defined(np.concatenate([a.spread, b.spread]))
    means = both[: len(a.values)].mean(axis=0) - both[len(a.values) :].mean(axis=0)
    one, other = _moments(a), _moments(b)
    scenes = _scene_variance(means, a), max(a.n - 1.0, 0.0)
    return _Moments(scenes, one.seeds + other.seeds, one.rest + other.rest)


def _scene_variance(row: np.ndarray, fits: Fits) -> float:
    """Variance of a score over test scenes: of a mean of values, or of resampled scores."""
    if fits.n < 2 or len(row) < 2:
        return math.nan
    if fits.per_scene:
        return float(row.var(ddof=1)) / fits.n
    return float(row.var(ddof=1)) * fits.n / (fits.n - 1)


def _defined(spread: np.ndarray) -> np.ndarray:
    """Without the resamples on which any fit's score is undefined."""
    defined: np.ndarray = spread[:, ~np.isnan(spread).any(axis=0)]
    return defined


def _over_draws(means: Mapping[int, float], entrants: list[Mapping[int, Fits]]) -> Estimate:
    values = np.array(list(means.values()))
    se = float(values.std(ddof=1)) / math.sqrt(len(values))
    n = sum(fits.n for fits in entrants[0].values())
    return _student(float(values.mean()), se, len(values) - 1.0, n, entrants)


def _estimate(
    value: float, moments: _Moments, n: int, entrants: list[Mapping[int, Fits]]
) -> Estimate:
    variance, df = moments.combined()
    return _student(value, math.sqrt(variance), df, n, entrants)


def _student(
    value: float, se: float, df: float, n: int, entrants: list[Mapping[int, Fits]]
) -> Estimate:
    half = _half(se, df)
    counts = [sum(len(fits.values) for fits in draws.values()) for draws in entrants]
    counted = _counted(entrants)
    return Estimate(value, value - half, value + half, n, min(counts), se, df, counted)


def _half(se: float, df: float) -> float:
    """Half the width of Student's interval."""
    return float(special.stdtrit(df, 0.5 + LEVEL / 2)) * se if df > 0 else math.nan


def _counted(entrants: list[Mapping[int, Fits]]) -> tuple[str, ...]:
    """Axes of chance that varied in any of the entrants."""
    names = ["scenes"]
    if len(entrants[0]) > 1:
        names.append("draw")
    groups = [fits for draws in entrants for fits in draws.values()]
    if any(len(set(fits.pretraining)) > 1 for fits in groups):
        names.append("pretraining")
    if any(len(fits.values) > len(set(fits.pretraining)) for fits in groups):
        names.append("fit")
    return tuple(names)
