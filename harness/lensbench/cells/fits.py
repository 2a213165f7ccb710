"""Fits: an entrant trained on a task, and kept where its predictor can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file

from lensbench.api.budget import find_budget
from lensbench.api.predictor import FitContext, Predictor, Restorable, TrainedPredictor
from lensbench.api.samples import Samples
from lensbench.cells.answers import blind
from lensbench.cells.splits import assert_disjoint, confined
from lensbench.sky.seeds import seed_of
from lensbench.store import Store
from lensbench.study.cell import Cell, Entrant
from lensbench.study.describe import Description
from lensbench.training.chance import seeded

if TYPE_CHECKING:
    from lensbench.cells.plugins import Plugins


def fit_context(
    plugins: Plugins,
    cell: Cell,
    train: Samples,
    validation: Samples,
    adaptation: Samples | None = None,
    tests: Sequence[Samples] = (),
) -> FitContext:
    """What a cell is fitted on: scenes that are in no other split.

    Args:
        plugins: Those that the cell names.
        cell: Which.
        train: Of which the first `cell.labels` are taken.
        validation: To choose by.
        adaptation: What the transfer adapts to, which it sees without targets.
        tests: Of each test dataset, to see that it shares no scene.

    Raises:
        RunError: Where two splits share a scene, or none is of the class to train on.
    """
    for other in (*tests, *([adaptation] if adaptation else [])):
        assert_disjoint(train, validation, other)
    normal = plugins.normal(cell.task)
    return FitContext(
        task=plugins.get("task", cell.task),
        train=confined(train.first(cell.labels), normal),
        validation=confined(validation, normal),
        budget=find_budget(cell.budget),
        seed=fit_seed(cell),
        report=lambda *_: None,
        target=blind(adaptation) if adaptation else None,
    )


def fit_seed(cell: Cell) -> int:
    """The seed of everything random in a cell's fit."""
    return seed_of("fit", cell.task, cell.seeds.fit)


def fit(plugins: Plugins, entrant: Entrant, encoder: Any, context: FitContext) -> Predictor:
    """Trains an entrant, on an encoder unless it is a baseline."""
    with seeded(context.seed):
        predictor: Predictor
        if encoder is None:
            predictor = plugins.get("baseline", entrant.baseline).fit(context)
        else:
            predictor = plugins.get("transfer", entrant.transfer).fit(encoder, context)
    return predictor


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
    training = predictor.training if isinstance(predictor, TrainedPredictor) else None
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
    store: Store, key: str, plugins: Plugins, entrant: Entrant, encoder: Any, context: FitContext
) -> Predictor | None:
    """The kept predictor of a fit, or `None` where there is none."""
    if entrant.baseline:
        maker = plugins.get("baseline", entrant.baseline)
    else:
        maker = plugins.get("transfer", entrant.transfer)
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
