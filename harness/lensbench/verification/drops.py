"""Whether a score fell from public scenes to fresh ones, by swapping scene for scene.

Under the null hypothesis what answers has never seen either, so that the public and the fresh
scene of one index are exchangeable: each swap is as likely as none, whatever the metric is and
however the index fixes the class. The test is exact for any number of scenes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ENOUGH = 20
"""So many swaps that drop as much end the sampling."""


@dataclass(frozen=True)
class Drop:
    """How far a score fell.

    Attributes:
        value: Public less fresh, positive where fresh is worse.
        p: Probability of so large a drop by chance, one-sided.
        swaps: How many were tried.
    """

    value: float
    p: float
    swaps: int


def drop_test(drop: Callable[[np.ndarray], float], scenes: int, most: int, seed: int) -> Drop:
    """Tests one drop by random swaps of scenes.

    Sampling is sequential (Besag & Clifford 1991, Biometrika 78, 301): it ends when `ENOUGH` swaps
    dropped as much, with p = ENOUGH / swaps, or after `most`, with p = (count + 1) / (most + 1).
    Either is a valid p-value.

    Args:
        drop: The drop once the scenes where a mask (scenes,) is true are swapped.
        scenes: How many pairs of scenes there are.
        most: Swaps at most.
        seed: Of the swaps.

    Raises:
        ValueError: Where there is no scene, or the drop is not finite.
    """
    if scenes < 1:
        raise ValueError("a drop needs scenes")
    value = drop(np.zeros(scenes, dtype=bool))
    if not math.isfinite(value):
        raise ValueError(f"a drop of {value}")
    generator = np.random.default_rng(seed)
    count = 0
    for swaps in range(1, most + 1):
        count += drop(generator.random(scenes) < 0.5) >= value - 1e-12
        if count == ENOUGH:
            return Drop(value, count / swaps, swaps)
    return Drop(value, (count + 1) / (most + 1), most)
