"""Rows of records: of a cell that is done, and of one that failed."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from dataclasses import asdict, astuple
from typing import Any

import numpy as np
import torch

from lensbench.api.samples import Samples
from lensbench.api.task import Metric
from lensbench.cells.code import checkouts, harness_version, packages
from lensbench.cells.descriptions import SplitView
from lensbench.cells.resolved import ResolvedCell
from lensbench.cells.score import MetricScore, score
from lensbench.errors import UndefinedError
from lensbench.stats.intervals import Interval
from lensbench.store.records import views_text
from lensbench.store.scores import scenes_digest
from lensbench.study.cell import View
from lensbench.training.devices import device_name

Row = dict[str, Any]


def done_rows(
    cell: ResolvedCell,
    test: SplitView,
    samples: Samples,
    predictions: Mapping[str, np.ndarray],
    costs: Mapping[str, Any],
) -> tuple[list[Row], list[Row]]:
    """One row a metric that applies, for the predictions of one test: of records, and of scores.

    A metric that has no value on these scenes is a record that says why, of the state `undefined`.

    Args:
        cell: Whose predictions they are.
        test: What they are for.
        samples: Test samples with their targets.
        predictions: In the order of the samples.
        costs: Values of cost columns, as far as they are known.
    """
    facts = _facts(cell, test.view)
    common = {
        "predictions": cell.predictions[cell.tests.index(test)],
        "images": test.images.key,
        "truth": test.sky.key if test.sky else None,
        **costs,
        "device_name": device_name(cell.descriptions.numerics.device),
        "git": checkouts(cell.plugins.catalogue, cell.cell),
    }
    rows, scores = scored_rows(cell, test, samples, predictions)
    return [facts | row | common for row in rows], scores


def scored_rows(
    cell: ResolvedCell,
    test: SplitView,
    samples: Samples,
    predictions: Mapping[str, np.ndarray],
) -> tuple[list[Row], list[Row]]:
    """What follows from predictions alone: `done_rows` without who computed them, when and where.

    Args:
        cell: Whose predictions they are.
        test: What they are for.
        samples: Test samples with their targets.
        predictions: In the order of the samples.
    """
    rows, scores = [], []
    scenes = scenes_digest(samples.ids)
    data_range = test.scenes.dataset.data_range if cell.task.sky else None
    for metric in cell.task.metrics:
        found: Row
        try:
            scored = score(metric, predictions, samples, cell.budget.resamples)
        except UndefinedError as why:
            found = {"state": "undefined", "error": str(why)}
        else:
            if scored is None:
                continue
            found = {"state": "done", **_interval(scored.interval)}
            if len(scored.values):
                scores.append(_scores(cell, test.view, metric, scored) | {"scenes": scenes})
        primary = metric is cell.task.metrics[0]
        rows.append(_named(metric, primary) | found | {"data_range": data_range})
    return rows, scores


def unscored_rows(cell: ResolvedCell, state: str, error: str) -> list[Row]:
    """One row a test, with the reason in place of a value."""
    metric = cell.task.metrics[0]
    return [
        _facts(cell, test.view) | _named(metric, True) | {"state": state, "error": error}
        for test in cell.tests
    ]


def _interval(interval: Interval) -> Row:
    """An interval's columns; a bound that is not defined stays empty."""
    columns = asdict(interval)
    return {name: None if math.isnan(value) else value for name, value in columns.items()}


def _scores(cell: ResolvedCell, view: View, metric: Metric, scored: MetricScore) -> Row:
    """How a metric varies over the test scenes."""
    return {
        "cell": cell.fit,
        "test_dataset": view.dataset,
        "test_condition": view.condition,
        "metric": metric.name,
        "per_scene": scored.per_scene,
        "n": scored.interval.n,
        "values": scored.values.astype(np.float32),
    }


def _named(metric: Metric, primary: bool) -> Row:
    """The columns that describe a metric."""
    return {
        "metric": metric.name,
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "primary": primary,
        "chance": metric.chance,
    }


def _facts(resolved: ResolvedCell, view: View) -> Row:
    """The columns that describe a cell, its seeds and how it is computed."""
    cell, numerics = resolved.cell, resolved.descriptions.numerics
    entrant = cell.entrant
    return {
        "cell": resolved.fit,
        "entrant": entrant.label,
        "encoder": entrant.encoder,
        "pretraining": entrant.pretraining,
        "transfer": entrant.transfer,
        "baseline": entrant.baseline,
        "task": cell.task,
        "dataset": cell.train.dataset,
        "test_dataset": view.dataset,
        "train_condition": cell.train.condition,
        "test_condition": view.condition,
        "pretraining_views": views_text(astuple(view) for view in cell.pretraining),
        "target_view": views_text([astuple(cell.target)] if cell.target else []),
        "budget": cell.budget,
        "labels": cell.labels,
        "seed_draw": cell.seeds.draw,
        "seed_pretraining": cell.seeds.pretraining,
        "seed_fit": cell.seeds.fit,
        "device": numerics.device,
        "threads": numerics.threads,
        "processes": numerics.processes,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "lensbench": harness_version(),
        "plugins": ", ".join(sorted(set(packages(resolved.plugins.catalogue, cell).values()))),
        "code": resolved.describe_fit()["code"]["source"],
    }
