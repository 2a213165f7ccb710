"""Global random states of a computation: seeded, and restored afterwards."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds torch, NumPy and Python inside, and restores their states afterwards."""
    before = chance_state()
    seed_all(seed)
    try:
        yield
    finally:
        set_chance_state(before)


def seed_all(seed: int) -> None:
    """Seeds torch, NumPy and Python.

    Each device's generator by itself: `torch.manual_seed` imports torch's compiler, for seconds.
    """
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def chance_state() -> dict[str, Any]:
    """The states of all global random generators, in tensors and plain values."""
    name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    version, words, next_gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [name, torch.from_numpy(np.array(keys, np.int64)), position, has_gauss, gauss],
        "python": [version, list(words), next_gauss],
    }


def set_chance_state(state: Mapping[str, Any]) -> None:
    """Sets all global random generators to these states."""
    torch.set_rng_state(state["torch"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    version, words, next_gauss = state["python"]
    random.setstate((version, tuple(words), next_gauss))
