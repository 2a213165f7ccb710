"""Predictions for samples of which only the images are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from lensbench.api.predictor import Predictor
from lensbench.api.samples import Samples
from lensbench.api.task import Predictions
from lensbench.errors import RunError
from lensbench.sky.seeds import seed_of
from lensbench.study.cell import Cell, View

AT_ONCE = 8192
"""Samples that a predictor is shown together: so many fit into memory, however many there are."""


def order_seed(cell: Cell, view: View) -> int:
    """The seed of the order in which a predictor sees the test images of a view."""
    return seed_of("order", cell.task, view.dataset, view.condition, cell.seeds.fit)


def answers(predictor: Predictor, samples: Samples, seed: int) -> dict[str, np.ndarray]:
    """Predictions (N, ...) in the order of the samples.

    Names and places of scenes can give classes away, for a dataset may draw these in turn. So
    samples are shown without targets, in another order, and under names that tell nothing.

    Args:
        predictor: Predicts for at most `AT_ONCE` of them together.
        samples: Where the predictor computes.
        seed: Of the order.

    Raises:
        RunError: Where a prediction is missing or not finite.
    """
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(seed % 2**63))
    with torch.no_grad():
        parts = [
            as_arrays(predictor(blind(samples, some)), len(some))
            for some in torch.split(order, AT_ONCE)
        ]
    back = torch.argsort(order).numpy()
    return {name: np.concatenate([part[name] for part in parts])[back] for name in parts[0]}


def blind(samples: Samples, order: torch.Tensor | None = None) -> Samples:
    """Samples without targets, under names that tell nothing, in another order where one is given.

    Args:
        samples: With targets and names.
        order: Which stands where (N,).
    """
    bare = replace(samples, targets={})
    shown = bare if order is None else bare.take(order)
    return replace(shown, ids=tuple(f"scene-{number}" for number in range(len(shown))))


def as_arrays(predictions: Predictions, count: int) -> dict[str, np.ndarray]:
    """Predictions as float32 or int64 arrays (N, ...).

    Raises:
        RunError: Where their number is not that of the samples, or one is not finite.
    """
    arrays = {}
    for name, values in predictions.items():
        array = torch.as_tensor(values).detach().cpu().numpy()
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
        if len(array) != count:
            raise RunError(f"prediction {name!r} has {len(array)} rows for {count} samples")
        if not np.isfinite(array).all():
            raise RunError(f"prediction {name!r} holds values that are not finite")
        arrays[name] = array
    return arrays
