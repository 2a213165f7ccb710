"""Ranks that show ties as ties."""

from __future__ import annotations

import string
from collections.abc import Sequence

import numpy as np


def rank_ranges(scores: np.ndarray, different: np.ndarray) -> list[tuple[int, int]]:
    """The ranks that each entrant may have.

    Args:
        scores: The higher the better (N,); an error with its sign turned.
        different: Whether two entrants differ significantly (N, N), symmetric.

    Returns:
        Best and worst rank of each: one more than are significantly better, and all but those
        that are significantly worse.
    """
    scores = np.asarray(scores, dtype=np.float64)
    above = different & (scores[None, :] > scores[:, None])
    below = different & (scores[None, :] < scores[:, None])
    best = 1 + above.sum(axis=1)
    worst = len(scores) - below.sum(axis=1)
    return [(int(low), int(high)) for low, high in zip(best, worst, strict=True)]


def letters(different: np.ndarray) -> list[str]:
    """Compact letter display: two entrants share a letter just where they do not differ.

    Insert and absorb (Piepho 2004, doi:10.1198/1061860043515).

    Args:
        different: Whether two entrants differ significantly (N, N), symmetric, best entrant first.

    Returns:
        Letters of each entrant, `a` for the group of the best.
    """
    count = len(different)
    groups = [frozenset(range(count))] if count else []
    for i, j in np.argwhere(np.triu(different, 1)):
        split = [group for group in groups if i in group and j in group]
        if split:
            kept = [group for group in groups if not (i in group and j in group)]
            parts = {part for group in split for part in (group - {i}, group - {j})}
            groups = _absorb([*kept, *parts])
    groups.sort(key=sorted)
    return [
        "".join(_letter(k) for k, group in enumerate(groups) if entrant in group)
        for entrant in range(count)
    ]


def _absorb(groups: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    """Groups that are part of no other."""
    unique = set(groups)
    return [group for group in unique if not any(group < other for other in unique)]


def _letter(index: int) -> str:
    """a, b, …, z, then a1, b1, …"""
    turn, place = divmod(index, 26)
    return string.ascii_lowercase[place] + (str(turn) if turn else "")
