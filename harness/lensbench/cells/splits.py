"""Samples of splits: confined to a class, and checked to share no scene."""

from __future__ import annotations

from lensbench.api.samples import Samples
from lensbench.errors import RunError


def confined(samples: Samples, normal: tuple[str, str] | None) -> Samples:
    """The samples of one class of a target, or all where no class is named.

    Raises:
        RunError: Where none is left.
    """
    if normal is None:
        return samples
    target, name = normal
    index = samples.info[target].classes.index(name)
    chosen = (samples.targets[target] == index).nonzero()[:, 0]
    if not len(chosen):
        raise RunError(f"no sample has {target} {name!r}", "take more scenes or another dataset")
    return samples.take(chosen)


def assert_disjoint(*splits: Samples) -> None:
    """Refuses splits that share a scene.

    Raises:
        RunError: Naming a scene that two splits have.
    """
    seen: set[str] = set()
    for samples in splits:
        twice = seen & set(samples.ids)
        if twice:
            raise RunError(
                f"scene {min(twice)} is in two splits", "the dataset has to keep splits disjoint"
            )
        seen |= set(samples.ids)
