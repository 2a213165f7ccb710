"""Does a baseline keep its contract?"""

from __future__ import annotations

from typing import Any

from lensbench.errors import PluginError
from lensbench.testing.trial import Trial, check_repeatable, check_restored, fitted


def check_baseline(baseline: Any, task: str = "") -> None:
    """Fits a baseline on a few samples: its answers, chance and state.

    Args:
        baseline: Built from its options.
        task: One that it does: where it is `anomaly`, the answer is a score, where it is
            `regression`, numbers, where it is `superres` or `denoising`, skies, and else
            probabilities.

    Raises:
        PluginError: Naming what is broken and what to do.
    """
    for name in ("version", "fit"):
        if not hasattr(baseline, name):
            raise PluginError(f"the baseline has no attribute {name!r}", "see lensbench.Baseline")
    trial = Trial(task)
    predictor = fitted(baseline.fit, trial.context())
    check_repeatable(baseline.fit, trial, predictor)
    check_restored(getattr(baseline, "restore", None), trial, predictor)
