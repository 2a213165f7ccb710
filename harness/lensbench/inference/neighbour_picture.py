"""A picture of neighbours: an image beside those that are nearest to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lensbench.data.picture import Selection
from lensbench.data.preview import draw_images, short_name
from lensbench.data.whole import whole
from lensbench.errors import UsageError
from lensbench.inference.feature_files import file_of, files_of
from lensbench.inference.framing import Framing
from lensbench.inference.neighbours import Neighbour
from lensbench.inference.reading import blocks_of
from lensbench.inference.shards import shard_named
from lensbench.inference.writing import made_of

_AT_ONCE = 256


@dataclass(frozen=True)
class Shown:
    """What `lensbench embed` was given to make features.

    Attributes:
        images: SOURCE. `key`: array or column of the images. `bands`: that are channels.
    """

    images: Path
    key: str = ""
    bands: tuple[str, ...] = ()


def draw_neighbours(
    like: str, found: Sequence[Neighbour], features: Path, shown: Shown, out: Path
) -> None:
    """Writes a PNG of an image and its neighbours, each under a stretch of its own.

    Args:
        like: Id of the image.
        found: Its neighbours, from near to far.
        features: The file or folder in which they were found.
        shown: The images of these.
        out: Of the PNG.

    Raises:
        UsageError: Where an image is not there.
    """
    root = features if features.is_dir() else features.parent
    own = str(file_of(files_of(features), like).relative_to(root))
    wanted: dict[str, set[str]] = {own: {like}}
    for one in found:
        wanted.setdefault(one.shard, set()).add(one.id)
    pixels: dict[tuple[str, str], np.ndarray] = {}
    for name, ids in wanted.items():
        condition = (made_of(root / name) or {}).get("condition", "")
        for identifier, image in _images(shard_named(name, shown.images), condition, shown, ids):
            pixels[name, identifier] = image
    places = [(own, like), *((one.shard, one.id) for one in found)]
    if missing := [place for place in places if place not in pixels]:
        raise UsageError(f"{missing[0][1]!r} is not in {str(shown.images)!r}", "embed it again")
    captions = [short_name(like), *(f"{short_name(i.id)}: {i.distance:.3g}" for i in found)]
    with whole(out, overwrite=True) as temporary:
        draw_images([pixels[place] for place in places], captions, temporary)


def _images(
    shard: Path, condition: str, shown: Shown, ids: set[str]
) -> list[tuple[str, np.ndarray]]:
    found: list[tuple[str, np.ndarray]] = []
    named, framing = Selection(key=shown.key), Framing(bands=shown.bands)
    for block in blocks_of(shard, condition, _AT_ONCE, named, framing):
        found += [
            (one, image.copy())
            for one, image in zip(block.ids, block.images, strict=True)
            if one in ids
        ]
        if len(found) >= len(ids):
            break
    return found
