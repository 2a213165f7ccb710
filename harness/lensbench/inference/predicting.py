"""From images to the predictions of a fitted predictor of a run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import polars as pl
import torch

from lensbench.api.condition import Condition
from lensbench.api.samples import Samples
from lensbench.cells.answers import as_arrays
from lensbench.cells.images import seen_by
from lensbench.cells.kept import kept_predictor, made_by_other_code
from lensbench.cells.resolved import Resolver
from lensbench.errors import LensbenchError, UsageError, nearest
from lensbench.inference.columns import named_columns
from lensbench.inference.framing import Framing
from lensbench.inference.reading import Block
from lensbench.leaderboard.source import open_source
from lensbench.registry import load_catalogue
from lensbench.store import Store, open_store
from lensbench.study.cell import Cell
from lensbench.study.describe import Numerics
from lensbench.training.chance import seeded
from lensbench.verification.published import cells_of

_SAME = 0.01
"""Lengths that differ by less are the same."""


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
        resolver = Resolver(load_catalogue(), numerics)
        self._device = torch.device(numerics.device)
        self._dataset = resolver.plugins.get("dataset", cell.train.dataset)
        self.framing = Framing.of(self._dataset)
        self._observed = seen_by(self._dataset, resolver.plugins.get("condition", condition))
        self._targets = tuple(resolver.plugins.get("task", cell.task).targets)
        self._predictor = kept_predictor(open_store(store), fit, resolver, cell)

    def __call__(self, block: Block) -> Mapping[str, np.ndarray]:
        """Predictions as columns; see `named_columns`.

        Images are taken to have the pixel scale and PSF of their files, where these say it.
        """
        observed = self._of_files(block)
        samples = Samples(
            ids=tuple(f"scene-{number}" for number in range(len(block.ids))),
            images=torch.from_numpy(block.images),
            targets={},
            info=self._dataset.targets,
            condition=observed,
            data_range=self._dataset.data_range / observed.noise_level,
        )
        with torch.no_grad(), seeded(0):
            moved = samples.to(self._device)
            predictions = self._predictor(moved)
            found = as_arrays(predictions, len(samples))
            columns = named_columns(self._dataset.targets, self._targets, found)
            flags = getattr(self._predictor, "flags", None)
            if flags is not None:
                columns["flags"] = np.array(flags(moved, predictions))
        return columns

    def _of_files(self, block: Block) -> Condition:
        """The condition with what the files say of themselves."""
        observed = self._observed
        scale, width = block.pixel_scale, block.psf_fwhm
        if scale and abs(scale / observed.pixel_scale - 1) > _SAME:
            observed = replace(observed, pixel_scale=scale)
        if width and abs(width / observed.psf_fwhm - 1) > _SAME and observed.psf != "image":
            observed = replace(observed, psf_fwhm=width)
        return observed


def _done(run: str, store: Store) -> pl.DataFrame:
    """Records of what is done: of one run, or of all that the store has."""
    keys = [run] if run else store.stored("runs")
    frames = []
    for key in keys:
        try:
            records = open_source(key, lambda: store).records.filter(pl.col("state") == "done")
            frames.append(records.with_columns(run=pl.lit(key)).collect())
        except LensbenchError:
            if run:  # of all others, those of another version are passed over
                raise
    if not frames:
        raise UsageError("the store has no run", "`lensbench run` makes one")
    return pl.concat(frames, how="diagonal")


def answers_of(
    store: str,
    run: str,
    entrant: str,
    condition: str,
    numerics: Numerics,
    note: Callable[[str], None],
) -> Callable[[], Answers]:
    """What makes the answers of an entrant of a run in any process.

    Args:
        store: Folder or URL of the store.
        run: Key of the run, or its beginning; where it is empty, the only run with the entrant.
        entrant: As it stands in the run's table, its encoder alone, or the beginning of the key of
            a fit.
        condition: Name of what images are under; that of the training where it is empty.
        numerics: How things are computed.
        note: Is given a sentence where other code than the present one made the fit.

    Raises:
        UsageError: Where the run has no such entrant, or several fits of it.
    """
    opened = open_store(store)
    done = _done(run, opened)
    named = load_catalogue().spelled(entrant)
    chosen = done.filter(
        (pl.col("entrant") == named)
        | (pl.col("encoder") == named)
        | pl.col("cell").str.starts_with(entrant)
    )
    fits = chosen["cell"].unique(maintain_order=True).to_list()
    if not fits:
        raise UsageError(
            f"the run has no entrant {entrant!r}", nearest(entrant, done["entrant"].unique())
        )
    if len(fits) > 1 and not run and chosen["run"].n_unique() > 1:
        told = chosen.unique("run", maintain_order=True).select("run", "task", "test_dataset")
        listed = "; ".join(f"{key[:12]} ({task} on {data})" for key, task, data in told.rows()[-4:])
        raise UsageError(f"several runs have an entrant {entrant!r}", f"name one: --run {listed}")
    if len(fits) > 1:
        raise UsageError(
            f"the run has {len(fits)} fits of {entrant!r}",
            f"name the key of one: {', '.join(key[:12] for key in fits[:4])} …",
        )
    cell = cells_of(chosen)[fits[0]]
    seen = condition or cell.train.condition
    resolver = Resolver(load_catalogue(), numerics)
    resolver.plugins.get("condition", seen)
    if made_by_other_code(opened, fits[0], resolver, cell):
        note(
            f"fit {fits[0]} was made by other code than that of this lensbench and its plugins; "
            f"lensbench why {fits[0]} says what changed"
        )
    return functools.partial(Answers, store, fits[0], cell, seen, numerics)
