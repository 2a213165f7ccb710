"""Test scenes with what frozen encoders make of them: once for all heads on the same encoder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from lensbench.api.samples import Features, Samples
from lensbench.cells.answers import answers
from lensbench.cells.kept import kept_encoder
from lensbench.cells.resolved import Resolver
from lensbench.sky.seeds import seed_of
from lensbench.store import Store
from lensbench.study.cell import Cell, View
from lensbench.training.encoding import pooled_of
from lensbench.verification.scenes import draw_tests


class EncodedTests:
    """The test scenes of cells, drawn and encoded where no cell before had the same.

    Encoders see scenes in another order and under names that tell nothing, as predictors do.

    Args:
        store: Where scenes go, and published weights are.
        seed: Of the order.
    """

    def __init__(self, store: Store, seed: int) -> None:
        self._store = store
        self._seed = seed
        self._pooled: dict[tuple[object, ...], np.ndarray] = {}

    def of(self, resolver: Resolver, cell: Cell, weights: str, draw: int) -> dict[View, Samples]:
        """The test samples of each view, with features where the cell's encoder is frozen.

        Args:
            resolver: Finds plugins and keys.
            cell: Whose tests they are.
            weights: Key of its encoder's weights.
            draw: Seed of the scenes.

        Raises:
            StoreError: Where scenes or weights cannot be had.
        """
        drawn = replace(cell, seeds=replace(cell.seeds, draw=draw))
        tests = draw_tests(resolver, self._store, drawn)
        plugins = resolver.plugins
        if not plugins.frozen(cell.entrant.transfer) or plugins.needs_maps(cell.task):
            return tests
        keys = {view: (weights, cell.budget, view, draw) for view in tests}
        missing = [view for view, key in keys.items() if key not in self._pooled]
        if missing:
            encoder = kept_encoder(self._store, weights, resolver, cell)
            device = torch.device(resolver.numerics.device)

            def pooled(samples: Samples) -> dict[str, np.ndarray]:
                return {"pooled": pooled_of(encoder, samples, device)}

            order = seed_of("encoded", self._seed)
            for view in missing:
                self._pooled[keys[view]] = answers(pooled, tests[view], order)["pooled"]
        return {
            view: replace(samples, features=Features(torch.from_numpy(self._pooled[keys[view]])))
            for view, samples in tests.items()
        }
