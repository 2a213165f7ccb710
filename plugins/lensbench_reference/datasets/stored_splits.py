"""Splits of stored images: the files' own, else by hash; no object in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

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
    objects = _Objects.of(names, groups, strata, own)
    own_names = set(own)
    mapped: dict[str, Split] = {"unlabelled": "pretraining"}
    mapped["test"] = "test"
    mapped["val"] = "validation" if "test" in own_names else "test"
    given = {mapped[name] for name in own_names if name in ("test", "val")}
    left = {split: share for split, share in shares.items() if split not in given}
    wanted = list(SHARES)
    split_of = np.array([wanted.index(mapped[n]) if n in mapped else -1 for n in _HELD_OUT])
    found = split_of[objects.own]
    ends = np.cumsum(list(left.values())) / sum(left.values()) - 1e-12
    for stratum in np.unique(objects.strata):
        pool = np.flatnonzero((objects.strata == stratum) & (found < 0))
        place = _ranks(objects.marks[pool])
        chosen = np.minimum(np.searchsorted(ends, place, side="right"), len(left) - 1)
        found[pool] = np.array([wanted.index(split) for split in left])[chosen]
    spare, empty = wanted.index("pretraining"), wanted.index("validation")
    if "train" in shares and not (found == empty).any():  # the share of so few is below one
        shared = (found == spare) & (objects.own != _HELD_OUT.index("unlabelled"))
        for stratum in np.unique(objects.strata):
            pool = np.flatnonzero((objects.strata == stratum) & shared)
            found[pool[np.argsort(objects.marks[pool])][1:][-1:]] = empty
    return {
        split: objects.mixed(np.flatnonzero(found == index)) for index, split in enumerate(wanted)
    }


@dataclass(frozen=True)
class _Objects:
    """Objects (M,) that images show, in the order of their first images.

    Attributes:
        images: Places of all images, those of one object together.
        spans: Where those of each object begin and end in `images` (M, 2).
        marks: Hashes of their names.
        strata: Numbers of their classes.
        own: Places in `_HELD_OUT` of their own splits.
    """

    images: np.ndarray
    spans: np.ndarray
    marks: np.ndarray
    strata: np.ndarray
    own: np.ndarray

    @classmethod
    def of(
        cls, names: Sequence[str], groups: Sequence[int], strata: Sequence[str], own: Sequence[str]
    ) -> _Objects:
        """The objects of images; see `share_out`."""
        number = np.asarray(groups, dtype=np.int64)
        images = np.argsort(number, kind="stable")
        starts = np.flatnonzero(np.diff(number[images], prepend=-1))
        spans = np.stack([starts, np.append(starts[1:], len(images))[: len(starts)]], 1)
        spans = spans[np.argsort(images[starts])]
        firsts = images[spans[:, 0]].tolist()
        marks = []
        for first, (start, end) in zip(firsts, spans.tolist(), strict=True):
            alone = end - start == 1
            name = names[first] if alone else min(names[i] for i in images[start:end])
            marks.append(hashlib.sha256(name.encode()).digest())
        numbered = {stratum: place for place, stratum in enumerate(dict.fromkeys(strata))}
        splits = np.array([_HELD_OUT.index(one) for one in own], dtype=np.int64)
        return cls(
            images,
            spans,
            np.array(marks, dtype="S32"),
            np.array([numbered[strata[first]] for first in firsts], dtype=np.int64),
            np.array([splits[images[start:end]].min() for start, end in spans], dtype=np.int64),
        )

    def mixed(self, chosen: np.ndarray) -> list[int]:
        """Members of some objects, the classes mixed evenly from the first on."""
        place = np.zeros(len(chosen))
        for stratum in np.unique(self.strata[chosen]):
            own = self.strata[chosen] == stratum
            place[own] = _ranks(self.marks[chosen][own])
        order = np.lexsort((self.marks[chosen], place))
        spans = self.spans[chosen[order]].tolist()
        return [place for start, end in spans for place in self.images[start:end].tolist()]


def _ranks(marks: np.ndarray) -> np.ndarray:
    """Where each stands in the order of all, in (0, 1)."""
    ranks = np.empty(len(marks))
    ranks[np.argsort(marks, kind="stable")] = (np.arange(len(marks)) + 0.5) / max(1, len(marks))
    return ranks
