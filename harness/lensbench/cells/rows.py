"""Rows of records: of a cell that is done, and of one that failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from lensbench.api.samples import Samples
from lensbench.api.task import Metric
from lensbench.cells.code import harness_version
from lensbench.cells.resolved import Resolved
from lensbench.cells.score import score
from lensbench.store import key_of

Row = dict[str, Any]


def done_rows(
    resolved: Resolved,
    samples: Samples,
    predictions: Mapping[str, np.ndarray],
    costs: Mapping[str, float],
    device: torch.device,
) -> list[Row]:
    """One row a metric, for the predictions of one test condition.

    Args:
        resolved: The cell.
        samples: Test samples with their targets.
        predictions: Answers to them, in their order.
        costs: Seconds of `pretraining`, `fit` and each condition, and `parameters`; what was read
            from the store has none.
        device: Where it ran.
    """
    condition = samples.condition.name
    rows = []
    for metric in resolved.task.metrics:
        interval = score(metric, predictions, samples, resolved.budget.resamples)
        rows.append(
            _facts(resolved, condition, device)
            | _named(resolved, metric)
            | {
                "state": "done",
                "value": interval.value,
                "low": interval.low,
                "high": interval.high,
                "n": interval.n,
                "chance": metric.chance,
                "data_range": resolved.test.dataset.data_range if resolved.task.sky else None,
                "seconds_pretraining": costs.get("pretraining"),
                "seconds_fit": costs.get("fit"),
                "seconds_predict": costs.get(condition),
                "parameters": costs.get("parameters"),
                "predictions": key_of(resolved.answers[condition]),
                "images": resolved.images[condition],
            }
        )
    return rows


def failed_rows(resolved: Resolved, error: str, device: torch.device) -> list[Row]:
    """One row a test condition, with the error in place of a value."""
    return [
        _facts(resolved, condition.name, device)
        | _named(resolved, resolved.task.metrics[0])
        | {"state": "failed", "error": error}
        for condition in resolved.conditions
    ]


def _named(resolved: Resolved, metric: Metric) -> Row:
    """What is said of a metric."""
    return {
        "metric": metric.name,
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "primary": metric is resolved.task.metrics[0],
    }


def _facts(resolved: Resolved, test_condition: str, device: torch.device) -> Row:
    """What is said of a cell, its seeds and where it ran."""
    cell, entrant = resolved.cell, resolved.cell.entrant
    return {
        "cell": key_of(resolved.fit),
        "entrant": entrant.label,
        "encoder": entrant.encoder,
        "pretraining": entrant.pretraining,
        "transfer": entrant.transfer,
        "baseline": entrant.baseline,
        "task": cell.task,
        "dataset": cell.dataset,
        "test_dataset": cell.test_dataset,
        "train_condition": cell.train_condition,
        "test_condition": test_condition,
        "budget": cell.budget,
        "labels": cell.labels,
        "seed_draw": cell.seeds.draw,
        "seed_pretraining": cell.seeds.pretraining,
        "seed_fit": cell.seeds.fit,
        "device": str(device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "lensbench": harness_version(),
        "code": str(resolved.fit["code"]["harness"]),
    }
