"""Folders of images as users have them, and what `stored` makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lensbench.registry import load_catalogue

SPLITS = ("pretraining", "train", "validation", "test")


def stored(path: Path, **options: object) -> Any:
    """The dataset of these files."""
    text = "".join(f",{name}={value}" for name, value in options.items())
    return load_catalogue().build("dataset", f"stored:path={path}{text}")


def noise(seed: int, *shape: int) -> np.ndarray:
    """An image of noise of σ = 2 about 5."""
    return np.random.default_rng(seed).normal(5, 2, shape)


def save(path: Path, array: np.ndarray) -> None:
    """Writes a .npy with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


def classes(root: Path, counts: dict[str, int], *shape: int) -> Path:
    """Folders of images by class."""
    for number, (name, count) in enumerate(counts.items()):
        for i in range(count):
            save(root / name / f"{i}.npy", noise(1000 * number + i, *(shape or (16, 16))))
    return root


def seen(dataset: Any) -> dict[str, Any]:
    """All images of a dataset by split, those that have some."""
    sizes = {split: dataset.size(split) for split in SPLITS}
    return {s: dataset.observed(s, range(n), "as-stored") for s, n in sizes.items() if n}
