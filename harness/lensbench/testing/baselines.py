"""Does a baseline keep its contract?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lensbench.api.dataset import Target
from lensbench.testing.attributes import check_attributes
from lensbench.testing.trial import Trial, check_repeatable, check_restored, fitted


def check_baseline(
    baseline: Any, task: Any = None, targets: Mapping[str, Target] | None = None
) -> None:
    """Fits a baseline on a few samples and tries its predictions, randomness and state.

    Args:
        baseline: Built from its options.
        task: A task that it does, built; one of three classes where none is given. Predictions
            are checked by the kind that the task declares.
        targets: What the task's targets are, where they are a dataset's own.

    Raises:
        PluginError: Naming what is broken and what to do.
    """
    check_attributes("baseline", baseline)
    trial = Trial(task, targets)
    predictor = fitted(baseline.fit, trial.context())
    check_repeatable(baseline.fit, trial, predictor)
    check_restored(baseline.restore, trial, predictor)
