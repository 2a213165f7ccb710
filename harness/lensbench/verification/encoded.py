"""Test scenes with what frozen encoders make of them: once for all heads on the same encoder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from lensbench.api.samples import Features, Samples
from lensbench.cells.answers import answers
from lensbench.cells.encoding import encode
from lensbench.cells.resolved import Parts
from lensbench.cells.weights import build_encoder, load_weights
from lensbench.sky.seeds import seed_of
from lensbench.store import Store
from lensbench.study.cell import Cell, View
from lensbench.verification.scenes import draw_tests

_BATCH = 32


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

    def of(self, parts: Parts, cell: Cell, weights: str, draw: int) -> dict[View, Samples]:
        """The test samples of each view, with features where the cell's encoder is frozen.

        Args:
            parts: The plugins.
            cell: Whose tests they are.
            weights: Key of its encoder's weights.
            draw: Seed of the scenes.

        Raises:
            StoreError: Where scenes cannot be drawn.
        """
        its = replace(cell, seeds=replace(cell.seeds, draw=draw))
        tests = draw_tests(parts, self._store, its)
        if not parts.frozen(cell) or parts.needs_maps(cell):
            return tests
        keys = {view: (weights, cell.budget, view, draw) for view in tests}
        if any(key not in self._pooled for key in keys.values()):
            encoder = self._encoder(parts, cell, weights)
            for view, key in keys.items():
                if key not in self._pooled:
                    self._pooled[key] = _encoded(encoder, tests[view], self._seed)
        return {
            view: replace(samples, features=Features(torch.from_numpy(self._pooled[keys[view]])))
            for view, samples in tests.items()
        }

    def _encoder(self, parts: Parts, cell: Cell, weights: str) -> Any:
        channels = parts.get("dataset", cell.train.dataset).channels
        encoder = build_encoder(parts.catalogue, cell, channels)
        load_weights(self._store, weights, encoder)
        return encoder.eval()


def _encoded(encoder: Any, scenes: Samples, seed: int) -> np.ndarray:
    def pooled(samples: Samples) -> dict[str, torch.Tensor]:
        batches = torch.split(torch.arange(len(samples)), _BATCH)
        return {"pooled": torch.cat([encode(encoder, samples.take(its)).pooled for its in batches])}

    return answers(pooled, scenes, seed_of("encoded", seed))["pooled"]
