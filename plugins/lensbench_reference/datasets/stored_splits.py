"""Splits of stored images: the files' own, else by hash; no object in two of them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from lensbench import Split

SHARES: Mapping[Split, float] = {
    "pretraining": 0.35,
    "train": 0.35,
    "validation": 0.1,
    "test": 0.2,
}
"""Shares of the images that the splits get where the files have none of their own."""

UNLABELLED: Mapping[Split, float] = {"pretraining": 0.9, "validation": 0.1}
"""Shares where nothing is known of the images that a task could ask for."""

_HELD_OUT = ("test", "val", "unlabelled", "train", "")
"""Splits of files, the first of which has an object that is in several."""


def share_out(
    names: Sequence[str],
    groups: Sequence[int],
    strata: Sequence[str],
    own: Sequence[str],
    shares: Mapping[Split, float] = SHARES,
) -> dict[Split, list[int]]:
    """Places of the images by split, each split in an order whose every beginning is stratified.

    Args:
        names: Of the images; their hash is what shares them out.
        groups: The object of each: all images of an object go to one split.
        strata: The class of each: every split gets its share of every class.
        own: The split of each in its files; empty where there is none.
        shares: Of the splits, for images that their files do not put in one.
    """
    own_names = set(own)
    mapped: dict[str, Split] = {"unlabelled": "pretraining"}
    mapped["test"] = "test"
    mapped["val"] = "validation" if "test" in own_names else "test"
    given = {mapped[name] for name in own_names if name in ("test", "val")}
    left = {split: share for split, share in shares.items() if split not in given}
    objects: dict[int, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        objects[group].append(place)
    found: dict[Split, list[tuple[str, str, list[int]]]] = {split: [] for split in SHARES}
    pools: dict[str, list[tuple[str, list[int]]]] = defaultdict(list)
    for members in objects.values():
        mark = hashlib.sha256(min(names[i] for i in members).encode()).hexdigest()
        folder = min((own[i] for i in members), key=_HELD_OUT.index)
        if folder in mapped:
            found[mapped[folder]].append((strata[members[0]], mark, members))
        else:
            pools[strata[members[0]]].append((mark, members))
    for stratum, pool in pools.items():
        for rank, (mark, members) in enumerate(sorted(pool)):
            split = _split_at((rank + 0.5) / len(pool), left)
            found[split].append((stratum, mark, members))
    return {split: _interleaved(strata) for split, strata in found.items()}


def _split_at(place: float, shares: Mapping[Split, float]) -> Split:
    """The split whose share of [0, 1] a number lies in."""
    whole, reached = sum(shares.values()), 0.0
    for name, share in shares.items():
        reached += share / whole
        if place < reached - 1e-12:
            return name
    return list(shares)[-1]


def _interleaved(objects: Sequence[tuple[str, str, list[int]]]) -> list[int]:
    """Members of all objects, the classes mixed evenly from the first on."""
    by_stratum: dict[str, list[tuple[str, list[int]]]] = defaultdict(list)
    for stratum, mark, members in objects:
        by_stratum[stratum].append((mark, members))
    ordered = [
        ((rank + 0.5) / len(marked), mark, members)
        for marked in by_stratum.values()
        for rank, (mark, members) in enumerate(sorted(marked))
    ]
    return [place for _, _, members in sorted(ordered) for place in members]
