"""Predictions as columns of a table that an astronomer reads: a number each, named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lensbench.api.dataset import Target


def named_columns(
    info: Mapping[str, Target], names: Sequence[str], predictions: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Columns of predictions (N, ...), named after the targets and classes that they are of.

    Of a class `probability_CLASS` for each and the likeliest, `predicted_TARGET`; of numbers
    `TARGET` and `TARGET_error`. What is neither keeps its name, images included.

    Args:
        info: What each target is.
        names: Targets of the task, in its order.
        predictions: By the names that `lensbench.Predictions` documents.
    """
    columns: dict[str, np.ndarray] = {}
    kinds = [name for name in names if name in info and info[name].kind == "class"]
    for name, values in predictions.items():
        if name == "probability" and kinds:
            classes = info[kinds[0]].classes
            columns[f"predicted_{kinds[0]}"] = np.array(classes)[values.argmax(1)]
            for place, label in enumerate(classes):
                columns[f"probability_{label}"] = values[:, place]
        elif name in ("mean", "sigma") and values.ndim == 2 and values.shape[1] == len(names):
            for place, target in enumerate(names):
                columns[target if name == "mean" else f"{target}_error"] = values[:, place]
        else:
            columns[name] = values
    return columns


def truth_columns(
    info: Mapping[str, Target], names: Sequence[str], targets: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Columns `true_TARGET` of what is known: names of classes, or numbers."""
    columns = {}
    for name in names:
        if name not in targets or name not in info or info[name].kind == "image":
            continue
        values = np.asarray(targets[name])
        classes = np.array(info[name].classes)
        columns[f"true_{name}"] = classes[values] if info[name].kind == "class" else values
    return columns
