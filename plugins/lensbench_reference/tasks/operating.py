"""Metrics at a threshold: how many lenses a search finds, and how pure its sample is.

Thresholds are fixed on half of the test scenes, every second one of each kind, and shares are
measured on the other half, so that they are binomial and their intervals exact. Both halves are
seen under the same condition: a threshold from the validation split would have another false
positive rate wherever condition or population differ. A share is undefined where fewer than ten
events decide it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from lensbench import Metric, Predictions, Samples, UndefinedError

ENOUGH = 10
"""Events that have to decide a threshold or a rate: their own scatter is then a third."""

PURITY_COMPLETENESS = 0.5
"""Share of the lenses that is found where a purity is measured."""


@dataclass(frozen=True)
class RankedSamples:
    """What is ranked.

    Attributes:
        score: The higher, the more positive (N,).
        positive, negative: Which samples are (N,), bool.
    """

    score: np.ndarray
    positive: np.ndarray
    negative: np.ndarray

    @property
    def reserved(self) -> np.ndarray:
        """Samples that fix thresholds (N,): every second one of each kind."""
        half = np.zeros(len(self.score), dtype=bool)
        for kind in (self.positive, self.negative):
            half[np.flatnonzero(kind)[::2]] = True
        return half

    def fixing(self, kind: np.ndarray) -> np.ndarray:
        """Scores of a kind that thresholds are fixed on, the highest first."""
        return np.asarray(np.sort(self.score[kind & self.reserved])[::-1])

    def measured(self, kind: np.ndarray) -> np.ndarray:
        """Samples of a kind that shares are measured on (N,)."""
        return np.asarray(kind & ~self.reserved)


Rank = Callable[[Predictions | None, Samples], RankedSamples]
"""From predictions and samples to what is ranked; without predictions all scores are zero."""


def operating_metrics(rank: Rank, rates: tuple[str, ...]) -> tuple[Metric, ...]:
    """Share found, and measured false positive rate, at thresholds of these false positive rates.

    Args:
        rank: What is ranked.
        rates: False positive rates as text, which names the metrics.
    """
    return tuple(metric for text in rates for metric in _at_rate(rank, text))


def survey_metrics(rank: Rank, prevalence: str) -> tuple[Metric, ...]:
    """Purity at half of the lenses found, and completeness at half purity, at a prevalence.

    Args:
        rank: What is ranked.
        prevalence: Share of lenses among all objects as text, which names the metrics.
    """
    share = float(prevalence)

    def purity(predictions: Predictions, samples: Samples) -> float:
        counts = _counts_at_half(rank(predictions, samples))
        return counts.purity(share)

    def bounds(predictions: Predictions, samples: Samples) -> tuple[float, float]:
        counts = _counts_at_half(rank(predictions, samples))
        return counts.purity_bounds(share)

    def found(predictions: Predictions, samples: Samples) -> np.ndarray:
        ranked = rank(predictions, samples)
        return ranked.score >= threshold_at_purity(ranked, 0.5, share)

    return (
        Metric(f"purity_at_prevalence_{prevalence}", purity, bounds=bounds),
        Metric(
            f"completeness_at_prevalence_{prevalence}",
            found,
            per_sample=True,
            among=lambda samples: _measured_positives(rank(None, samples)),
        ),
    )


def threshold_at_false_rate(ranked: RankedSamples, rate: float) -> float:
    """Score above which at most this share of the reserved negatives lies.

    Raises:
        UndefinedError: Where fewer than ten of them would lie above it.
    """
    others = ranked.fixing(ranked.negative)
    allowed = rate * len(others)
    if allowed < ENOUGH:
        needed = round(2 * ENOUGH / rate)
        raise UndefinedError(
            f"{ranked.negative.sum()} negatives do not fix a threshold at a false positive rate of "
            f"{rate:g}, expected {needed} or more"
        )
    return float(others[int(allowed)])


def threshold_at_purity(ranked: RankedSamples, purity: float, prevalence: float) -> float:
    """Lowest score from which so pure a sample is found, of those that ten negatives reach.

    Raises:
        UndefinedError: Where there is none; it says how pure the purest of them is.
    """
    lenses, others = ranked.fixing(ranked.positive), ranked.fixing(ranked.negative)
    if len(others) < ENOUGH or not len(lenses):
        raise UndefinedError(f"{ranked.negative.sum()} negatives do not fix a purity")
    thresholds = others[ENOUGH - 1 :]
    found = np.searchsorted(-lenses, -thresholds, "right") / len(lenses)
    wrong = np.searchsorted(-others, -thresholds, "right") / len(others)
    pure = prevalence * found / (prevalence * found + (1 - prevalence) * wrong)
    enough = np.flatnonzero(pure >= purity)
    if not len(enough):
        raise UndefinedError(
            f"a purity of {purity:g} at a prevalence of {prevalence:g} lies beyond the highest "
            f"threshold that {len(others)} negatives fix, where it is {pure[0]:.2g} and "
            f"{found[0]:.2g} of the lenses are found"
        )
    return float(thresholds[enough[-1]])


@dataclass(frozen=True)
class Counts:
    """Lenses and others at or above a threshold, of so many that were measured."""

    found: int
    lenses: int
    wrong: int
    others: int

    def purity(self, prevalence: float) -> float:
        """π T/(π T + (1 − π) F) of the prevalence π and the shares T of lenses and F of others.

        Raises:
            UndefinedError: Where fewer than ten others are found; it says what purity they show.
        """
        if self.wrong < ENOUGH:
            least = self.purity_bounds(prevalence)[0]
            raise UndefinedError(
                f"{self.wrong} of {self.others} negatives are above the threshold, expected "
                f"{ENOUGH} or more: all they show is a purity above {least:.2g}"
            )
        return _purity(self.found / self.lenses, self.wrong / self.others, prevalence)

    def purity_bounds(self, prevalence: float) -> tuple[float, float]:
        """Its 95 % interval: from the exact ones of both shares, at 97.5 % each (Bonferroni)."""
        low, high = _exact(self.found, self.lenses), _exact(self.wrong, self.others)
        return _purity(low[0], high[1], prevalence), _purity(low[1], high[0], prevalence)


def _at_rate(rank: Rank, text: str) -> tuple[Metric, Metric]:
    rate = float(text)

    def found(predictions: Predictions, samples: Samples) -> np.ndarray:
        ranked = rank(predictions, samples)
        return ranked.score > threshold_at_false_rate(ranked, rate)

    def others(samples: Samples) -> np.ndarray:
        ranked = rank(None, samples)
        return ranked.measured(ranked.negative)

    return (
        Metric(
            f"tpr_at_fpr_{text}",
            found,
            per_sample=True,
            among=lambda samples: _measured_positives(rank(None, samples)),
        ),
        Metric(f"measured_fpr_{text}", found, higher_is_better=None, per_sample=True, among=others),
    )


def _measured_positives(ranked: RankedSamples) -> np.ndarray:
    return ranked.measured(ranked.positive)


def _counts_at_half(ranked: RankedSamples) -> Counts:
    """Counts at the threshold that finds half of the reserved lenses."""
    lenses = ranked.fixing(ranked.positive)
    positive, negative = (ranked.measured(kind) for kind in (ranked.positive, ranked.negative))
    if not positive.any() or not negative.any():
        raise UndefinedError("there is only one kind of object, so no purity can be measured")
    threshold = lenses[int(PURITY_COMPLETENESS * len(lenses))]
    above = ranked.score >= threshold
    return Counts(
        int((above & positive).sum()),
        int(positive.sum()),
        int((above & negative).sum()),
        int(negative.sum()),
    )


def _purity(found: float, wrong: float, prevalence: float) -> float:
    total = prevalence * found + (1 - prevalence) * wrong
    return prevalence * found / total if total else 0.0


def _exact(hits: int, n: int, level: float = 0.975) -> tuple[float, float]:
    """Interval of a share (Clopper & Pearson 1934)."""
    tail = (1 - level) / 2
    low = float(special.betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(special.betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return low, high
