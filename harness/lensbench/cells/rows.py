"""Rows of records: of a cell that is done, and of one that failed."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from lensbench.api.samples import Samples
from lensbench.api.task import Metric
from lensbench.cells.code import checkouts, harness_version, packages
from lensbench.cells.resolved import Keys, Parts
from lensbench.cells.score import Scored, score
from lensbench.errors import UndefinedError
from lensbench.stats.intervals import Interval
from lensbench.store.scores import scenes_digest
from lensbench.study.cell import Cell, View
from lensbench.training.devices import device_name

Row = dict[str, Any]


def done_rows(
    parts: Parts,
    cell: Cell,
    keys: Keys,
    view: View,
    samples: Samples,
    predictions: Mapping[str, np.ndarray],
    costs: Mapping[str, Any],
) -> tuple[list[Row], list[Row]]:
    """One row a metric that applies, for the predictions of one test: of records, and of scores.

    A metric that has no value on these scenes is a record that says why, of the state `undefined`.

    Args:
        parts: The plugins.
        cell: Which.
        keys: Of what it made.
        view: The test.
        samples: Test samples with their targets.
        predictions: Answers to them, in their order.
        costs: Values of cost columns, as far as they are known.
    """
    number = cell.tests.index(view)
    task = parts.get("task", cell.task)
    dataset = parts.get("dataset", view.dataset)
    rows, scores = [], []
    scenes = scenes_digest(samples.ids)
    facts = _facts(parts, cell, keys, view)
    common = {
        "data_range": dataset.data_range if task.sky else None,
        "predictions": keys.predictions[number],
        "images": keys.tests[number],
        "truth": keys.skies[2 + number] if keys.skies else None,
        **costs,
        "device_name": device_name(parts.numerics.device),
        "git": checkouts(parts.catalogue, cell),
    }
    for metric in task.metrics:
        found: Row
        try:
            scored = score(metric, predictions, samples, parts.budget(cell).resamples)
        except UndefinedError as why:
            found = {"state": "undefined", "error": str(why)}
        else:
            if scored is None:
                continue
            found = {"state": "done", **_interval(scored.interval)}
            if len(scored.values):
                scores.append(_scores(keys, view, metric, scored, scenes))
        rows.append(facts | _named(metric, metric is task.metrics[0]) | found | common)
    return rows, scores


def unscored_rows(parts: Parts, cell: Cell, state: str, error: str) -> list[Row]:
    """One row a test, with the reason in place of a value."""
    keys = parts.keys(cell)
    metric = parts.get("task", cell.task).metrics[0]
    return [
        _facts(parts, cell, keys, view) | _named(metric, True) | {"state": state, "error": error}
        for view in cell.tests
    ]


def _interval(its: Interval) -> Row:
    """An interval's columns; bounds that there are not stay empty."""
    return {name: None if math.isnan(value) else value for name, value in asdict(its).items()}


def _scores(keys: Keys, view: View, metric: Metric, scored: Scored, scenes: str) -> Row:
    """How a metric varies over the test scenes."""
    return {
        "cell": keys.fit,
        "test_dataset": view.dataset,
        "test_condition": view.condition,
        "metric": metric.name,
        "per_scene": scored.per_scene,
        "scenes": scenes,
        "n": scored.interval.n,
        "values": scored.values.astype(np.float32),
    }


def _named(metric: Metric, primary: bool) -> Row:
    """What is said of a metric."""
    return {
        "metric": metric.name,
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "primary": primary,
        "chance": metric.chance,
    }


def _facts(parts: Parts, cell: Cell, keys: Keys, view: View) -> Row:
    """What is said of a cell, its seeds and how it is computed."""
    entrant = cell.entrant
    return {
        "cell": keys.fit,
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
        "pretraining_views": " | ".join(f"{v.dataset} {v.condition}" for v in cell.pretraining),
        "target_view": f"{cell.target.dataset} {cell.target.condition}" if cell.target else "",
        "budget": cell.budget,
        "labels": cell.labels,
        "seed_draw": cell.seeds.draw,
        "seed_pretraining": cell.seeds.pretraining,
        "seed_fit": cell.seeds.fit,
        "device": parts.numerics.device,
        "threads": parts.numerics.threads,
        "processes": parts.numerics.processes,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "lensbench": harness_version(),
        "plugins": ", ".join(sorted(set(packages(parts.catalogue, cell).values()))),
        "code": parts.code.harness,
    }
