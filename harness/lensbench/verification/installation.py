"""The plugins that are installed here, asked to compute as each cell of a board was computed."""

from __future__ import annotations

import functools
from dataclasses import replace

import torch

from lensbench.cells.resolved import Resolver
from lensbench.leaderboard.board.claims import Provenance
from lensbench.registry import Catalogue, load_catalogue
from lensbench.study.describe import Numerics


class Installation:
    """Resolvers by what a cell's fit says of its device, threads and processes.

    Args:
        provenance: Of the board: a merged one has cells of several machines.
    """

    def __init__(self, provenance: Provenance) -> None:
        self._provenance = provenance

    def as_claimed(self, cell: str) -> Resolver:
        """One whose keys are those of a cell's claims; nothing may be computed with it."""
        return _resolver(Numerics(**self._provenance["fits"][cell]["numerics"]), load_catalogue())

    def for_work(self, cell: str) -> Resolver:
        """One to compute a cell with: on the CPU where its device is not here."""
        numerics = self.as_claimed(cell).numerics
        if numerics.device != "cpu" and not torch.cuda.is_available():
            numerics = replace(numerics, device="cpu")
        return _resolver(replace(numerics, processes=1), load_catalogue())


@functools.lru_cache(maxsize=16)
def _resolver(numerics: Numerics, catalogue: Catalogue) -> Resolver:
    return Resolver(catalogue, numerics)
