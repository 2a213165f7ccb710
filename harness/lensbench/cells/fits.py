"""Fits: an entrant trained on a task, kept where its predictor can be, and its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from lensbench.api.predictor import FitContext, Predictor, Restorable, Trained
from lensbench.api.samples import Samples
from lensbench.cells.images import no_samples
from lensbench.cells.resolved import Parts
from lensbench.cells.weights import build_encoder, load_weights
from lensbench.errors import RunError, StoreError
from lensbench.sky.seeds import seed_of
from lensbench.store import Store
from lensbench.study.cell import Cell
from lensbench.study.describe import Description
from lensbench.training.chance import seeded


def fit(parts: Parts, cell: Cell, encoder: Any, context: FitContext) -> Predictor:
    """Trains a cell's entrant."""
    with seeded(context.seed):
        predictor: Predictor
        if encoder is None:
            predictor = parts.get("baseline", cell.entrant.baseline).fit(context)
        else:
            predictor = parts.get("transfer", cell.entrant.transfer).fit(encoder, context)
    return predictor


def fit_seed(cell: Cell) -> int:
    """The seed of all chance in a cell's fit."""
    return seed_of("fit", cell.task, cell.seeds.fit)


def keep_fit(
    store: Store,
    key: str,
    description: Description,
    predictor: Predictor,
    cost: Mapping[str, float],
) -> None:
    """Keeps a fit where its predictor has a state."""
    if not isinstance(predictor, Restorable):
        return
    state = {
        name: torch.as_tensor(values).detach().cpu().contiguous().clone()
        for name, values in predictor.state().items()
    }
    with store.writing("fits", key, ".safetensors", description, cost) as path:
        save_file(state, str(path))


def training_facts(predictor: Predictor) -> dict[str, Any]:
    """How a predictor's network was trained, by column of records; empty where none was."""
    training = predictor.training if isinstance(predictor, Trained) else None
    if training is None:
        return {}
    return {
        "steps": training.steps,
        "images": training.images,
        "epochs": training.images / training.count,
        "stopped": training.reason,
        "curve": " ".join(f"{images}:{score:.4g}" for images, score in training.curve),
    }


def restore_fit(
    store: Store, key: str, parts: Parts, cell: Cell, encoder: Any, context: FitContext
) -> Predictor | None:
    """The kept predictor of a fit, or `None` where there is none."""
    entrant = cell.entrant
    kind, name = (
        ("baseline", entrant.baseline) if entrant.baseline else ("transfer", entrant.transfer)
    )
    maker = parts.get(kind, name)  # type: ignore[arg-type]
    path = store.find("fits", key)
    if path is None:
        return None
    state = load_file(str(path))
    none = torch.arange(0)
    empty = replace(context, train=context.train.take(none), validation=context.train.take(none))
    predictor: Predictor | None = (
        maker.restore(empty, state) if encoder is None else maker.restore(encoder, empty, state)
    )
    return predictor


def kept_encoder(store: Store, weights: str, parts: Parts, cell: Cell) -> Any:
    """The encoder of a cell with the weights that a store keeps, on its device, in evaluation mode.

    Raises:
        StoreError: Where it was pretrained and its weights are not there.
    """
    channels = parts.get("dataset", cell.train.dataset).channels
    encoder = build_encoder(parts.catalogue, cell, channels)
    if not load_weights(store, weights, encoder) and cell.pretraining:
        raise StoreError(f"the store keeps no weights {weights}", "run its command again")
    return encoder.to(torch.device(parts.numerics.device)).eval()


def kept_predictor(store: Store, key: str, parts: Parts, cell: Cell) -> Predictor:
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
    device = torch.device(parts.numerics.device)
    encoder = None
    if cell.entrant.encoder:
        encoder = kept_encoder(store, described["from"]["inputs"]["weights"], parts, cell)
    wanted = parts.image_set(cell.train.dataset, "train", 1, cell.seeds.draw)
    condition = cell.train.condition
    sky = parts.piece(condition, cell.task) if parts.has_sky(cell, "train") else None
    empty = no_samples(wanted, parts.piece(condition), sky).to(device)
    context = FitContext(
        task=parts.get("task", cell.task), train=empty, validation=empty,
        budget=parts.budget(cell), seed=fit_seed(cell), report=lambda *_: None,
    )  # fmt: skip
    predictor = restore_fit(store, key, parts, cell, encoder, context)
    if predictor is None:
        raise StoreError(
            f"fit {key} cannot be restored",
            "its file is damaged, or its transfer or baseline has no restore",
        )
    return predictor


def confined(samples: Samples, normal: tuple[str, str] | None) -> Samples:
    """The samples of one class of a target, or all where no class is named.

    Raises:
        RunError: Where none is left.
    """
    if normal is None:
        return samples
    target, name = normal
    index = samples.info[target].classes.index(name)
    chosen = (samples.targets[target] == index).nonzero()[:, 0]
    if not len(chosen):
        raise RunError(f"no sample has {target} {name!r}", "take more scenes or another dataset")
    return samples.take(chosen)


def assert_disjoint(*splits: Samples) -> None:
    """Refuses splits that share a scene.

    Raises:
        RunError: Naming a scene that two splits have.
    """
    seen: set[str] = set()
    for samples in splits:
        twice = seen & set(samples.ids)
        if twice:
            raise RunError(
                f"scene {min(twice)} is in two splits", "the dataset has to keep splits disjoint"
            )
        seen |= set(samples.ids)
