"""Images to the answers of a fitted predictor of a run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
import torch

from lensbench.api.samples import Samples
from lensbench.cells.fits import kept_predictor
from lensbench.cells.resolved import Parts
from lensbench.cells.score import as_arrays
from lensbench.errors import UsageError, nearest
from lensbench.inference.reading import Block
from lensbench.leaderboard.source import open_source
from lensbench.registry import load_catalogue
from lensbench.store import open_store
from lensbench.study.cell import Cell
from lensbench.study.describe import Numerics
from lensbench.training.chance import seeded
from lensbench.verification.published import cells_of


class Answers:
    """Answers of one fit, restored from the store.

    Args:
        store: Folder or URL of the store.
        fit: Key of the fit.
        cell: What it is the fit of.
        condition: Name of what images are under.
        numerics: How things are computed.
    """

    def __init__(
        self, store: str, fit: str, cell: Cell, condition: str, numerics: Numerics
    ) -> None:
        self.digest = f"{fit} {numerics.device}"
        self.condition = condition
        parts = Parts(load_catalogue(), numerics)
        self._device = torch.device(numerics.device)
        self._dataset = parts.get("dataset", cell.train.dataset)
        self._observed = parts.get("condition", condition)
        self._predictor = kept_predictor(open_store(store), fit, parts, cell)

    def __call__(self, block: Block) -> Mapping[str, np.ndarray]:
        """Predictions by name, each (B, ...); see `lensbench.Predictions` for what they are."""
        samples = Samples(
            ids=tuple(f"scene-{number}" for number in range(len(block.ids))),
            images=torch.from_numpy(block.images),
            targets={},
            info=self._dataset.targets,
            condition=self._observed,
            data_range=self._dataset.data_range / self._observed.noise_level,
        )
        with torch.no_grad(), seeded(0):
            return as_arrays(self._predictor(samples.to(self._device)), len(samples))


def answers_of(
    store: str, run: str, entrant: str, condition: str, numerics: Numerics
) -> Callable[[], Answers]:
    """What makes the answers of an entrant of a run in any process.

    Args:
        store: Folder or URL of the store.
        run: Key of the run, or its beginning; the last run where it is empty.
        entrant: As it stands in the run's table, or the beginning of the key of a fit.
        condition: Name of what images are under; that of the training where it is empty.
        numerics: How things are computed.

    Raises:
        UsageError: Where the run has no such entrant, or several fits of it.
    """
    records = open_source(run, lambda: open_store(store)).records
    done = records.filter(pl.col("state") == "done").collect()
    chosen = done.filter((pl.col("entrant") == entrant) | pl.col("cell").str.starts_with(entrant))
    fits = chosen["cell"].unique(maintain_order=True).to_list()
    if not fits:
        raise UsageError(
            f"the run has no entrant {entrant!r}", nearest(entrant, done["entrant"].unique())
        )
    if len(fits) > 1:
        raise UsageError(
            f"the run has {len(fits)} fits of {entrant!r}",
            f"name the key of one: {', '.join(key[:12] for key in fits[:4])} …",
        )
    cell = cells_of(chosen)[fits[0]]
    seen = condition or cell.train.condition
    Parts(load_catalogue(), numerics).get("condition", seen)
    return functools.partial(Answers, store, fits[0], cell, seen, numerics)
