"""When a training has converged: its validation score no longer improves on average."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean, variance
from typing import Any

from torch import Tensor, nn

from lensbench.api.predictor import Reason

_WARMUP = 200
"""Steps in which the rate rises."""

_FIRST = 50
"""Step of the first evaluation after that of the weights that the training begins with."""

_SPACING = 1.08
"""Ratio of the steps of neighbouring evaluations: as the score improves, ever more slowly."""

_JUDGED = 0.1
"""Share of the most steps before which no training is judged: some learn nothing for long."""

_FEWEST = 3
"""Scores that a mean is taken of, at least."""

_MATTERS = 0.01
"""Improvement that a training goes on for, in units of the score."""

_LEFT = 0.1
"""The same in units of what is left below the best score that there can be."""

_ANNEALED = 0.25
"""Steps in which the rate falls to zero, in units of those taken before."""


class Convergence:
    """Watches a validation score, sets the learning rate and keeps the best weights.

    The rate rises and stays at its peak while the score improves. It no longer does once its mean
    over the last `patience` per cent of the steps taken so far is above that over as many before by
    less than matters, two standard errors of this difference included. What matters is a hundredth
    of the score, or a tenth of what is left below its ceiling where that is less: at an area of
    0.98 under a curve a hundredth is half of all that can still be learned. Scores that scatter
    have to be looked at for longer: the best of them is soon the best for long by chance.
    Then the rate falls linearly to zero in a quarter as many steps again (a trapezoid, as in Zhai
    et al. 2022, arXiv:2106.04560). Where the limit is near, it falls in any case, so that a
    training that did not converge still ends well.

    Args:
        limit: Most steps.
        patience: Percentage of the steps taken so far.
        ceiling: The best score that there can be.
    """

    def __init__(self, limit: int, patience: int, ceiling: float = math.inf) -> None:
        self.limit, self.patience, self.ceiling = limit, patience, ceiling
        self.latest_fall = math.ceil(limit / (1 + _ANNEALED))
        self.fall: int | None = None
        self.reason: Reason = "limit"
        self.best: dict[str, Tensor] = {}
        self.curve: list[tuple[int, float]] = []
        self.next = 0

    @property
    def end(self) -> int:
        """The step after which the training ends, as far as is known."""
        if self.fall is None:
            return self.limit
        return min(self.limit, self.fall + math.ceil(_ANNEALED * self.fall))

    def due(self, step: int) -> bool:
        """Whether the score is wanted after this step."""
        return step >= self.next or step == self.end

    def rate(self, step: int) -> float:
        """Learning rate of a step, in units of the peak."""
        rise = min(1.0, (step + 1) / max(1, min(_WARMUP, self.limit // 10)))
        if self.fall is None:
            return rise
        return rise * max(0.0, 1 - (step - self.fall) / (self.end - self.fall))

    def note(self, step: int, score: float, model: nn.Module) -> None:
        """Takes a score; a model better than all before is kept.

        Args:
            step: Steps taken.
            score: Validation score, the higher the better; NaN counts as the worst.
            model: As it is.
        """
        score = -math.inf if math.isnan(score) else score
        if not self.best or score > self._best_score():
            self.best = {name: value.clone() for name, value in model.state_dict().items()}
        self.curve.append((step, score))
        self.next = max(step + 1, round(step * _SPACING), min(_FIRST, self.limit))
        if self.fall is not None:
            return
        if step >= self.latest_fall:
            self.fall = step
        elif step > _JUDGED * self.limit and self._stands(step):
            self.fall, self.reason = step, "converged"
        if self.fall is None:
            self.next = min(self.next, self.latest_fall)

    def state(self) -> dict[str, Any]:
        """All that the rest of the training depends on."""
        return {
            "fall": self.fall,
            "reason": self.reason,
            "best": self.best,
            "curve": list(self.curve),
            "next": self.next,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state."""
        self.fall, self.reason = state["fall"], state["reason"]
        self.best, self.next = dict(state["best"]), state["next"]
        self.curve = [(int(step), float(score)) for step, score in state["curve"]]

    def _stands(self, step: int) -> bool:
        """Whether the mean score no longer improves by as much as matters."""
        share = self.patience / 100
        early, late = (1 - 2 * share) * step, (1 - share) * step
        before = [score for at, score in self.curve if early < at <= late]
        recent = [score for at, score in self.curve if at > late]
        few = min(len(before), len(recent)) < _FEWEST
        if few or not all(map(math.isfinite, (*before, *recent))):
            return False
        gain = fmean(recent) - fmean(before)
        error = math.sqrt(sum(variance(part) / len(part) for part in (before, recent)))
        score = fmean(recent)
        return gain + 2 * error < min(_MATTERS * abs(score), _LEFT * (self.ceiling - score))

    def _best_score(self) -> float:
        return max(score for _, score in self.curve)
