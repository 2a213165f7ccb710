"""Answers of a predictor to samples that tell it nothing but their images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from lensbench.api.predictor import Predictor
from lensbench.api.samples import Samples
from lensbench.cells.score import as_arrays

AT_ONCE = 8192
"""Samples that a predictor is shown together: so many fit into memory, however many there are."""


def answers(predictor: Predictor, samples: Samples, seed: int) -> dict[str, np.ndarray]:
    """Predictions (N, ...) in the order of the samples.

    Names and places of scenes can tell classes, which a dataset may draw in turn. So samples are
    shown without targets, in another order, and under names that tell nothing.

    Args:
        predictor: Answers for at most `AT_ONCE` of them together.
        samples: Where the predictor computes.
        seed: Of the order.

    Raises:
        RunError: Where an answer is missing or not finite.
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
