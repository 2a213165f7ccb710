"""Kept fits and encoders, for other images than those of their cells."""

from __future__ import annotations

from typing import Any

import torch

from lensbench.api.budget import find_budget
from lensbench.api.predictor import FitContext, Predictor, RecentMeasurements
from lensbench.cells.fits import fit_seed, restore_fit
from lensbench.cells.images import no_samples
from lensbench.cells.resolved import Resolver
from lensbench.cells.weights import build_encoder, load_weights
from lensbench.errors import StoreError, one_line
from lensbench.store import Store
from lensbench.study.cell import Cell


def kept_encoder(store: Store, weights: str, resolver: Resolver, cell: Cell) -> Any:
    """The encoder of a cell with the weights that a store keeps, on its device, in evaluation mode.

    Raises:
        StoreError: Where it was pretrained and its weights are not there.
    """
    channels = resolver.plugins.channels(cell.train)
    encoder = build_encoder(resolver.plugins.catalogue, cell, channels)
    if not load_weights(store, weights, encoder) and cell.pretraining:
        raise StoreError(f"the store keeps no weights {weights}", "run its command again")
    return encoder.to(torch.device(resolver.numerics.device)).eval()


def made_by_other_code(store: Store, key: str, resolver: Resolver, cell: Cell) -> bool:
    """Whether another version of lensbench, or of a plugin, made a fit that a store keeps."""
    described = store.describe("fits", key)
    here = resolver.descriptions.code_of_fit(cell)
    return described is not None and bool(described["from"].get("code") != here)


def kept_predictor(store: Store, key: str, resolver: Resolver, cell: Cell) -> Predictor:
    """The predictor of a fit that a store keeps, without the scenes that it was fitted on.

    Raises:
        StoreError: Where the fit or its weights are not there, or its plugin restores none.
    """
    described = store.describe("fits", key)
    if described is None:
        raise StoreError(
            f"the store keeps no fit {key}",
            "its transfer or baseline has no state to keep, or the fit was cleared",
        )
    device = torch.device(resolver.numerics.device)
    encoder = None
    if cell.entrant.encoder:
        weights = described["from"]["inputs"]["weights"]
        encoder = kept_encoder(store, weights, resolver, cell)
    scenes = resolver.scenes(cell.train.dataset, "train", 1, cell.seeds.draw)
    images, sky = resolver.layers(scenes, cell.train.condition, cell.task)
    empty = no_samples(scenes, images, sky).to(device)
    context = FitContext(
        task=resolver.plugins.get("task", cell.task),
        train=empty,
        validation=empty,
        budget=find_budget(cell.budget),
        seed=fit_seed(cell),
        report=lambda *_: None,
        measurements=RecentMeasurements(),
    )
    try:
        predictor = restore_fit(store, key, resolver.plugins, cell.entrant, encoder, context)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        if not made_by_other_code(store, key, resolver, cell):
            raise
        raise StoreError(
            f"fit {key} was made by other code and cannot be restored here: {one_line(error)}",
            f"run its command again; lensbench why {key} says what changed",
        ) from error
    if predictor is None:
        raise StoreError(
            f"fit {key} cannot be restored",
            "its file is damaged, or its transfer or baseline has no restore",
        )
    return predictor
