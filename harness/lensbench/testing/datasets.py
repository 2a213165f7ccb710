"""Does a dataset keep its contract?"""

from __future__ import annotations

from typing import Any, get_args

import torch

from lensbench.api.dataset import Split
from lensbench.errors import PluginError
from lensbench.testing.attributes import check_attributes


def check_dataset(dataset: Any) -> None:
    """Draws a few scenes of every split, alone and together.

    Raises:
        PluginError: Naming what is broken and what to do.
    """
    check_attributes("dataset", dataset)
    seen: set[str] = set()
    for split in get_args(Split):
        size = dataset.size(split)
        indices = range(min(4, 4 if size is None else size))
        if not indices:
            continue
        scenes = dataset.scenes(split, indices, 0)
        twice = seen & set(scenes.ids)
        if twice or len(set(scenes.ids)) != len(indices):
            raise PluginError(
                f"scene ids of split {split!r} stand elsewhere too: {sorted(twice)}",
                "a scene belongs to one split and has one id",
            )
        seen |= set(scenes.ids)
        alone = dataset.scenes(split, [indices[-1]], 0)
        if not torch.equal(alone.sky.nan_to_num(), scenes.sky[-1:].nan_to_num()):
            raise PluginError(
                f"scene {alone.ids[0]} of split {split!r} depends on what is drawn with it",
                "seed each scene by split, index and seed alone",
            )
        missing = {n for n, t in dataset.targets.items() if t.kind != "image"} - set(scenes.targets)
        if missing:
            raise PluginError(f"scenes lack targets {sorted(missing)}", "give all that is declared")
    if not seen:
        raise PluginError("the dataset has no scene in any split", "size() says how many")
