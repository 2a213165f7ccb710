"""Intervals and differences that count both test scenes and seeds.

An entrant's fits answer the same scenes, so seeds and scenes are crossed: a score is
μ + seed + scene + rest, all random. The variance of the mean of S seeds and n scenes is that of the
scenes' means over n, and that of the seeds' means over S less what is in the former already.
Each part has its own degrees of freedom, few for seeds: the interval is Howe's (1974, JASA 69,
789), whose half width is the root of Σ t² variance, each with Student's t of its own. Welch's and
Satterthwaite's, with one t for the sum, cover too little with two or three seeds. Where draws
differ, scenes and all else differ with them: the means of the draws are then the sample.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, special

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


Part = tuple[float, float]
"""A variance and its degrees of freedom."""

_LEAST = math.log(1e-15)
"""Of p-values that are sought."""


@dataclass(frozen=True)
class Estimate:
    """A score, or a difference of two, with what is known of its error.

    Attributes:
        value: The estimate.
        low, high: Its 95 % interval.
        n: Test scenes behind it.
        fits: Fits behind it; of the entrant that has fewer where there are two.
        parts: Variances of which that of the value is the sum, with their degrees of freedom.
        counted: What the interval counts: `scenes`, and axes of chance that varied.
    """

    value: float
    low: float
    high: float
    n: int
    fits: int
    parts: tuple[Part, ...]
    counted: tuple[str, ...]

    @property
    def se(self) -> float:
        """Standard error."""
        return math.sqrt(sum(variance for variance, _ in self.parts))

    @property
    def df(self) -> float:
        """Degrees of freedom with which Student's interval would be as wide."""
        return one_df(self.parts, 1 - LEVEL)

    @property
    def p(self) -> float:
        """Two-sided p-value of zero: below .05 just where the interval leaves zero out.

        It is the level at which Howe's interval ends at zero.
        """
        size = abs(self.value)
        if math.isnan(self.se):
            return math.nan
        if self.se == 0 or size == 0:
            return 1.0 if size == 0 else 0.0
        if len(self.parts) == 1:
            return float(2 * special.stdtr(self.parts[0][1], -size / self.se))

        def beyond(log_p: float) -> float:
            return half_width(self.parts, math.exp(log_p)) - size

        if beyond(_LEAST) <= 0:
            return math.exp(_LEAST)
        return math.exp(float(optimize.brentq(beyond, _LEAST, 0.0)))

    def detectable(self, alpha: float = 0.05, power: float = 0.8) -> float:
        """The smallest true difference that so many scenes and seeds would have found."""
        if not self.se > 0:
            return math.nan
        df = one_df(self.parts, alpha)
        return detectable(self.se, df, alpha, power)


def half_width(parts: Sequence[Part], alpha: float = 1 - LEVEL) -> float:
    """Half the width of Howe's interval; NaN where a part has no degree of freedom."""
    known = [(variance, df) for variance, df in parts if variance != 0]
    if any(not df > 0 for _, df in known):
        return math.nan
    return math.sqrt(sum(v * float(special.stdtrit(df, 1 - alpha / 2)) ** 2 for v, df in known))


def one_df(parts: Sequence[Part], alpha: float) -> float:
    """Degrees of freedom with which Student's interval is as wide as Howe's at a level."""
    if len(parts) == 1 or not any(variance > 0 for variance, _ in parts):
        return parts[0][1]
    ratio = half_width(parts, alpha) / math.sqrt(sum(v for v, _ in parts))
    found = float(special.stdtridf(1 - alpha / 2, ratio))
    return min(max(found, min(df for _, df in parts)), sum(df for _, df in parts))


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
    return _howe(float(fits.values.mean()), _parts(fits), fits.n, [draws])


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
    return _howe(value, _pair_parts(ours, theirs, matched), ours.n, [mine, its])


def independent_difference(a: Estimate, b: Estimate) -> Estimate:
    """By how much `a` is above `b` where nothing pairs them.

    On the same scenes this is too wide, for what a scene has of its own does not cancel.
    """
    parts = (*a.parts, *b.parts)
    value, half = a.value - b.value, half_width(parts)
    counted = tuple(dict.fromkeys((*a.counted, *b.counted)))
    n, fits = min(a.n, b.n), min(a.fits, b.fits)
    return Estimate(value, value - half, value + half, n, fits, parts, counted)


def _parts(fits: Fits) -> tuple[Part, ...]:
    """Variance of the mean from scenes, and from seeds where there are several."""
    spread = _defined(fits.spread)
    scenes = _scene_variance(spread.mean(axis=0), fits), fits.n - 1.0
    return (scenes, *_seed_parts(fits, spread))


def _seed_parts(fits: Fits, spread: np.ndarray) -> tuple[Part, ...]:
    count = len(spread)
    if count == 1:
        return ()
    residual = spread - spread.mean(axis=0) - spread.mean(axis=1, keepdims=True)
    rest = sum(_scene_variance(row, fits) for row in residual) / (count * (count - 1))
    seeds = float(fits.values.var(ddof=1)) / count
    return ((max(seeds - rest, 0.0), count - 1.0),)


def _pair_parts(a: Fits, b: Fits, matched: bool) -> tuple[Part, ...]:
    width = min(a.spread.shape[1], b.spread.shape[1])  # resamples beyond are of one alone
    a, b = (replace(one, spread=one.spread[:, :width]) for one in (a, b))
    if matched and a.pretraining == b.pretraining:
        return _parts(
            Fits(a.values - b.values, a.spread - b.spread, a.n, a.per_scene, a.pretraining)
        )
    both = _defined(np.concatenate([a.spread, b.spread]))
    mine, its = both[: len(a.values)], both[len(a.values) :]
    scenes = _scene_variance(mine.mean(axis=0) - its.mean(axis=0), a), a.n - 1.0
    return (scenes, *_seed_parts(a, mine), *_seed_parts(b, its))


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
    part = float(values.var(ddof=1)) / len(values), len(values) - 1.0
    n = sum(fits.n for fits in entrants[0].values())
    return _howe(float(values.mean()), (part,), n, entrants)


def _howe(
    value: float, parts: tuple[Part, ...], n: int, entrants: list[Mapping[int, Fits]]
) -> Estimate:
    half = half_width(parts)
    counts = [sum(len(fits.values) for fits in draws.values()) for draws in entrants]
    return Estimate(value, value - half, value + half, n, min(counts), parts, _counted(entrants))


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
