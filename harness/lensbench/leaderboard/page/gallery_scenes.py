"""What the gallery looks at of test scenes: all of their targets, and images of a few."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lensbench.leaderboard.gallery import classes_beside
from lensbench.store.arrays import map_arrays

Find = Callable[[str, str], Path | None]
"""The file of an artefact of a kind and key, or none."""


@dataclass(frozen=True)
class GalleryScenes:
    """The test scenes of one condition.

    Attributes:
        ids: Of each scene.
        targets: Real and class targets by name, each (N,).
        classes: Names of the classes of each class target.
        image: Gives the image (C, H, W) of one scene by its place.
        skies: The skies (N, C, H, W) behind the images, where a task asks for them.
    """

    ids: list[str]
    targets: Mapping[str, np.ndarray]
    classes: Mapping[str, Sequence[str]]
    image: Callable[[int], np.ndarray]
    skies: np.ndarray | None = None


ScenesOf = Callable[[str, str | None], GalleryScenes | None]
"""The scenes of these images and, where a key is given, of these skies; or none."""


def stored_scenes(find: Find) -> ScenesOf:
    """Scenes whose images and skies are files of a store."""

    def scenes(images: str, truth: str | None) -> GalleryScenes | None:
        path = find("images", images)
        if path is None:
            return None
        arrays = map_arrays(path)
        sky = find("skies", truth) if truth else None
        return GalleryScenes(
            ids=[scene.decode(errors="replace") for scene in arrays["scene"]],
            targets=arrays,
            classes=classes_beside(path),
            image=lambda index: np.asarray(arrays["images"][index]),
            skies=None if sky is None else map_arrays(sky)["sky"],
        )

    return scenes
