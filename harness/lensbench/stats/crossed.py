"""Intervals and differences that count both test scenes and seeds, which are crossed.

All fits of an entrant predict the same scenes, so seeds and scenes are crossed: a score is μ +
seed + scene + rest, all random. The variance of the mean over S seeds and n scenes has two parts:
that of the seeds' means over S, and that of the scenes' means over n. Both contain the rest,
which is subtracted once. Each part has its own degrees of freedom, few for seeds, so the interval
is Howe's (1974, JASA 69, 789). Its half width is √Σ t² variance, each part with its own Student's
t, and the rest is subtracted from the part of the scenes. Intervals of Welch and Satterthwaite,
with one t for the sum, cover too little with two or three seeds, and give far too many false
alarms at the small levels of corrected tests. If draws differ, scenes and all else differ with
them, and the means of the draws are the sample.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

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


class Part(NamedTuple):
    """A variance of a mean.

    Attributes:
        variance: Its value.
        df: Degrees of freedom that it was estimated with.
        of: `seeds` or `scenes`; `rest` is what seeds and scenes have between them, which is in
            both and taken off the scenes' part once.
    """

    variance: float
    df: float
    of: str


_LEAST = math.log(1e-15)
"""Of p-values that are sought."""


@dataclass(frozen=True)
class Estimate:
    """A score, or a difference of two, with its error.

    Attributes:
        value: The estimate.
        low, high: Its 95 % interval.
        n: Test scenes behind it.
        fits: Fits behind it; of the entrant that has fewer where there are two.
        parts: Variances that make up that of the value.
        counted: What the interval includes: `scenes`, and the random axes that varied.
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
        return math.sqrt(_total(self.parts, [one.variance for one in self.parts]))

    @property
    def df(self) -> float:
        """Degrees of freedom with which Student's interval would be as wide."""
        return one_df(self.parts, 1 - LEVEL)

    @property
    def p(self) -> float:
        """Two-sided p-value of zero: below .05 exactly if the interval excludes zero.

        It is the level at which Howe's interval ends at zero.
        """
        size = abs(self.value)
        if math.isnan(self.se):
            return math.nan
        if self.se == 0 or size == 0:
            return 1.0 if size == 0 else 0.0
        if len(self.parts) == 1:
            return float(2 * special.stdtr(self.parts[0].df, -size / self.se))

        def beyond(log_p: float) -> float:
            return half_width(self.parts, math.exp(log_p)) - size

        if beyond(_LEAST) <= 0:
            return math.exp(_LEAST)
        return math.exp(float(optimize.brentq(beyond, _LEAST, 0.0)))

    def critical(self, alpha: float = 0.05) -> float:
        """How many standard errors a difference needs to be significant; NaN without spread."""
        return half_width(self.parts, alpha) / self.se if self.se > 0 else math.nan

    def detectable(self, alpha: float = 0.05, power: float = 0.8) -> float:
        """The smallest true difference that a test with these scenes and seeds would find."""
        if not self.se > 0:
            return math.nan
        df = one_df(self.parts, alpha)
        return detectable(self.se, df, alpha, power)


def half_width(parts: Sequence[Part], alpha: float = 1 - LEVEL) -> float:
    """Half the width of Howe's interval; NaN where a part has no degree of freedom."""
    if any(one.variance != 0 and not one.df > 0 for one in parts):
        return math.nan
    known = [one for one in parts if one.variance != 0]
    quantile = 1 - alpha / 2
    squares = [one.variance * float(special.stdtrit(one.df, quantile)) ** 2 for one in known]
    return math.sqrt(_total(known, squares))


def _total(parts: Sequence[Part], values: Sequence[float]) -> float:
    """Values of parts in one: of seeds, and of scenes less the rest where something is left."""
    sums = dict.fromkeys(("seeds", "scenes", "rest"), 0.0)
    for part, value in zip(parts, values, strict=True):
        sums[part.of] += value
    return sums["seeds"] + max(sums["scenes"] - sums["rest"], 0.0)


def one_df(parts: Sequence[Part], alpha: float) -> float:
    """Degrees of freedom with which Student's interval is as wide as Howe's at a level."""
    se = math.sqrt(_total(parts, [one.variance for one in parts]))
    if len(parts) == 1 or not se > 0:
        return parts[0].df
    found = float(special.stdtridf(1 - alpha / 2, half_width(parts, alpha) / se))
    return max(found, min(one.df for one in parts))


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
        a: Fits of one entrant by seed of the draw; draws that only one has do not count.
        b: Fits of the other.
        matched: Whether the s-th pretrainings of both are the same or share their randomness, as
            when one pretrained encoder is transferred to a task in two ways. If pretraining
            varied, its seeds are then paired too. Fits count as independent.

    Raises:
        ValueError: Where they share no draw, or their scenes differ in number or kind.
    """
    shared = [draw for draw in a if draw in b]
    if not shared:
        raise ValueError("two entrants that were never scored on the same scenes have no pairs")
    first, second = ({draw: one[draw] for draw in shared} for one in (a, b))
    pairs = {draw: (first[draw].by_pretraining(), second[draw].by_pretraining()) for draw in shared}
    for ours, theirs in pairs.values():
        if (ours.n, ours.per_scene) != (theirs.n, theirs.per_scene):
            raise ValueError(f"scores of {ours.n} and {theirs.n} scenes cannot be paired")
    if len(shared) > 1:
        means = {d: float(x.values.mean() - y.values.mean()) for d, (x, y) in pairs.items()}
        return _over_draws(means, [first, second])
    ((ours, theirs),) = pairs.values()
    value = float(ours.values.mean() - theirs.values.mean())
    return _howe(value, _pair_parts(ours, theirs, matched), ours.n, [first, second])


def independent_difference(a: Estimate, b: Estimate) -> Estimate:
    """By how much `a` is above `b` where nothing pairs them, by Welch's test (1947).

    On the same scenes this is too wide, for what a scene has of its own does not cancel.
    """
    parts = _together((*a.parts, *b.parts))
    value, half = a.value - b.value, half_width(parts)
    counted = tuple(dict.fromkeys((*a.counted, *b.counted)))
    n, fits = min(a.n, b.n), min(a.fits, b.fits)
    return Estimate(value, value - half, value + half, n, fits, parts, counted)


def _parts(fits: Fits) -> tuple[Part, ...]:
    """Variance of the mean from scenes, and from seeds where there are several."""
    spread = _defined(fits.spread)
    scenes = Part(_scene_variance(spread.mean(axis=0), fits), fits.n - 1.0, "scenes")
    return (scenes, *_seed_parts(fits, spread))


def _seed_parts(fits: Fits, spread: np.ndarray) -> tuple[Part, ...]:
    count = len(spread)
    if count == 1:
        return ()
    residual = spread - spread.mean(axis=0)
    rest = sum(_scene_variance(row, fits) for row in residual) / (count * (count - 1))
    seeds = float(fits.values.var(ddof=1)) / count
    between = (count - 1.0) * (fits.n - 1.0)
    return Part(seeds, count - 1.0, "seeds"), Part(rest, between, "rest")


def _pair_parts(a: Fits, b: Fits, matched: bool) -> tuple[Part, ...]:
    width = min(a.spread.shape[1], b.spread.shape[1])  # resamples beyond are of one alone
    a, b = (replace(one, spread=one.spread[:, :width]) for one in (a, b))
    if matched and a.pretraining == b.pretraining and len(set(a.pretraining)) > 1:
        return _parts(
            Fits(a.values - b.values, a.spread - b.spread, a.n, a.per_scene, a.pretraining)
        )
    both = _defined(np.concatenate([a.spread, b.spread]))
    first, second = both[: len(a.values)], both[len(a.values) :]
    both_variance = _scene_variance(first.mean(axis=0) - second.mean(axis=0), a)
    scenes = Part(both_variance, a.n - 1.0, "scenes")
    return _together((scenes, *_seed_parts(a, first), *_seed_parts(b, second)))


def _together(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Parts of the same kind in one, as those of two independent entrants (Welch 1947)."""
    merged = []
    for kind in dict.fromkeys(part.of for part in parts):
        same = [part for part in parts if part.of == kind]
        variance = sum(part.variance for part in same)
        doubt = sum(part.variance**2 / part.df for part in same if part.df > 0)
        df = variance**2 / doubt if doubt else min(part.df for part in same)
        merged.append(Part(variance, df, kind))
    return tuple(merged)


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
    part = Part(float(values.var(ddof=1)) / len(values), len(values) - 1.0, "seeds")
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
