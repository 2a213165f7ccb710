"""Does a task keep its contract?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from lensbench.api.dataset import Target
from lensbench.api.samples import Features, Samples
from lensbench.api.task import FeatureShape, Metric, SkyTarget
from lensbench.cells.answers import as_arrays
from lensbench.errors import PluginError, UndefinedError
from lensbench.testing.attributes import check_attributes
from lensbench.testing.samples import made_samples
from lensbench.testing.trial import shapes_of


def check_task(task: Any, targets: Mapping[str, Target] | None = None) -> None:
    """Tries a task's head, loss, predictions and metrics on small samples.

    Args:
        task: Built from its options.
        targets: What its targets are, where they are a dataset's own.

    Raises:
        PluginError: Naming what is broken and what to do.
    """
    check_attributes("task", task)
    samples = samples_for(task, targets)
    if unknown := set(task.targets) - set(samples.targets):
        raise PluginError(
            f"target {min(unknown)!r} is not known here",
            "say what it is: check_task(task, targets)",
        )
    predictions = _predictions(task, samples) if task.trainable else _stand_in(task, samples)
    if not task.metrics:
        raise PluginError("the task has no metrics", "the first one ranks")
    for metric in task.metrics:
        try:
            value = np.asarray(metric.compute(predictions, samples))
        except (NotImplementedError, UndefinedError):
            continue
        if value.shape != ((len(samples),) if metric.per_sample else ()):
            raise PluginError(
                f"metric {metric.name!r} has shape {value.shape}",
                "return (N,) where per_sample, else one number",
            )
        if metric.resampled:
            _check_resampled(metric, predictions, samples)


def _check_resampled(
    metric: Metric, predictions: Mapping[str, np.ndarray], samples: Samples
) -> None:
    """Many resamples at once give what each gives by itself; one repeats the first sample."""
    n = len(samples)
    indices = np.random.default_rng(0).integers(0, n, (8, n))
    indices[0], indices[1] = np.arange(n), 0
    alone = [
        metric.compute(
            {name: values[one] for name, values in predictions.items()},
            samples.take(torch.from_numpy(one)),
        )
        for one in indices
    ]
    assert metric.resampled is not None
    together = np.asarray(metric.resampled(predictions, samples, indices))
    if together.shape != (8,) or not np.allclose(
        together, np.asarray(alone, float), rtol=1e-5, equal_nan=True
    ):
        raise PluginError(
            f"metric {metric.name!r} differs between many resamples at once and each by itself",
            "resampled returns for each row of the indices (R, N) what compute returns for it",
        )


def _stand_in(task: Any, samples: Samples) -> Mapping[str, np.ndarray]:
    """Random predictions of the kind that a task without a head declares."""
    random = np.random.default_rng(0)
    made = {name: random.random(shape) for name, shape in shapes_of(task, samples).items()}
    if "probability" in made:
        made["probability"] /= made["probability"].sum(1, keepdims=True)
    return as_arrays(made, len(samples))


def _predictions(task: Any, samples: Samples) -> Mapping[str, np.ndarray]:
    """Predictions of a new head, once a gradient has reached it.

    Raises:
        PluginError: Where the loss or a gradient is missing, or predictions are of another kind
            than the task declares.
    """
    features = Features(torch.randn(24, 12), (torch.randn(24, 8, 4, 4), torch.randn(24, 4, 8, 8)))
    head = task.head(FeatureShape(12, ((8, 8), (4, 4)), channels=1), samples.info)
    loss = task.loss(head(features, samples), samples)
    if loss.ndim or not torch.isfinite(loss):
        raise PluginError(f"the loss is {loss!r}", "return one finite number")
    loss.backward()
    if all(p.grad is None for p in head.parameters()):
        raise PluginError("no gradient reaches the head", "use its output in the loss")
    with torch.no_grad():
        given = as_arrays(task.predict(head(features, samples), samples), len(samples))
    for name, shape in shapes_of(task, samples).items():
        if name != "sigma" and (name not in given or given[name].shape != shape):
            found = given[name].shape if name in given else "absent"
            raise PluginError(
                f"the task predicts {task.predicts!r}, and {name!r} is {found}, expected {shape}",
                "set predicts to the kind that predict() returns, see lensbench.Task",
            )
    return given


def samples_for(task: Any, targets: Mapping[str, Target] | None = None) -> Samples:
    """Small samples with the targets and the sky that a task needs."""
    return made_samples(24, sky=task.sky or SkyTarget(), targets=targets)
