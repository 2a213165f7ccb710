"""Which images show the same object: by name, position or pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from lensbench.data.duplicates import near_duplicates

_COPIES = 16
"""Images of one object: larger groups of like images are alike by nature, and no copies."""

ARCSEC = float(np.deg2rad(1 / 3600))
"""Distance of directions within which images are of one object."""


def directions(positions: np.ndarray) -> np.ndarray:
    """Unit vectors (N, 3) of positions (N, 2) [deg]."""
    ra, dec = np.deg2rad(positions).T
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], 1)


class Links:
    """Which images belong together, as a forest."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def root(self, index: int) -> int:
        """The first image of the group of an image."""
        while self._parents[index] != index:
            self._parents[index] = self._parents[self._parents[index]]
            index = self._parents[index]
        return index

    def join(self, first: int, second: int) -> None:
        """Joins the groups of two images."""
        a, b = self.root(first), self.root(second)
        self._parents[max(a, b)] = min(a, b)

    def join_equal(self, values: Sequence[str]) -> None:
        """Joins images of one value; an empty value joins none."""
        if len(set(values)) == len(values):
            return
        seen: dict[str, int] = {}
        for index, value in enumerate(values):
            if value and seen.setdefault(value, index) != index:
                self.join(seen[value], index)

    def join_near(self, positions: np.ndarray) -> int:
        """Joins images whose centres (N, 2) [deg] lie within an arcsecond; NaN joins none.

        A position that many or all images share is that of a header that was copied: it joins none.

        Returns:
            How many images have such.
        """
        from scipy.spatial import cKDTree

        known = np.flatnonzero(np.isfinite(positions).all(1))
        if len(known) < 2:
            return 0
        places, first, which = np.unique(
            directions(positions[known]), axis=0, return_index=True, return_inverse=True
        )
        own = Links(len(positions))
        for index, place in zip(known.tolist(), which.ravel().tolist(), strict=True):
            own.join(int(known[first[place]]), index)
        for a, b in cKDTree(places).query_pairs(ARCSEC):
            own.join(int(known[first[a]]), int(known[first[b]]))
        return self._join_small(own, min(_COPIES, len(positions) - 1))

    def join_alike(self, thumbnails: np.ndarray, contents: Sequence[str]) -> None:
        """Joins images that are nearly the same, where few are: the copies of one object."""
        own = Links(len(thumbnails))
        for pair in near_duplicates(thumbnails):
            if contents[pair.first] != contents[pair.second]:
                own.join(pair.first, pair.second)
        self._join_small(own, _COPIES)

    def _join_small(self, own: Links, most: int) -> int:
        """Joins the groups of other links of at most so many; how many images are in larger."""
        roots = [own.root(index) for index in range(len(self._parents))]
        sizes = Counter(roots)
        for index, root in enumerate(roots):
            if root != index and sizes[root] <= most:
                self.join(root, index)
        return sum(size for size in sizes.values() if size > most)

    def numbers(self) -> np.ndarray:
        """The number of each image's group."""
        return np.array([self.root(index) for index in range(len(self._parents))])
