"""Scenes of a split, drawn a few at a time and observed under several conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lensbench.api.condition import Condition
from lensbench.api.dataset import Dataset, ObservedDataset, ObservedImages, Scenes, Split
from lensbench.sky.observation import check_scenes, observe


@dataclass(frozen=True)
class SceneBatch:
    """Some scenes of a split.

    Attributes:
        indices: Which of the split.
        scenes: The scenes themselves; `None` of a dataset that has only images of them.
        observed: Gives their images under a condition, with ids and targets.
    """

    indices: range
    scenes: Scenes | None
    observed: Callable[[Condition], ObservedImages]


def observe_split(
    dataset: Dataset, split: Split, indices: range, seed: int, batch: int
) -> Iterator[SceneBatch]:
    """Draws scenes batch by batch; each can be observed under any number of conditions.

    Args:
        dataset: Which has the scenes, or images of them.
        split: Which of its splits.
        indices: Which scenes of the split.
        seed: Of the draw.
        batch: How many scenes at a time.

    Raises:
        DataError: Where a scene is not finite, or empty.
    """
    for start in range(indices.start, indices.stop, batch):
        chosen = range(start, min(start + batch, indices.stop))
        if isinstance(dataset, ObservedDataset):
            yield SceneBatch(chosen, None, _stored(dataset, split, chosen))
        else:
            scenes = dataset.scenes(split, chosen, seed)
            check_scenes(scenes)
            yield SceneBatch(chosen, scenes, _drawn(scenes, dataset.field_of_view, seed))


def _stored(
    dataset: ObservedDataset, split: Split, indices: Sequence[int]
) -> Callable[[Condition], ObservedImages]:
    return lambda condition: dataset.observed(split, indices, condition.name)


def _drawn(
    scenes: Scenes, field_of_view: float, seed: int
) -> Callable[[Condition], ObservedImages]:
    def observed(condition: Condition) -> ObservedImages:
        images = observe(scenes, condition, field_of_view, seed)
        return ObservedImages(scenes.ids, images, scenes.targets)

    return observed
