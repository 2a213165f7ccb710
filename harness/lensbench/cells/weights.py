"""Encoders before any task: built, pretrained, kept as safetensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from lensbench.api.budget import find_budget
from lensbench.api.checkpoint import Checkpoint
from lensbench.api.progress import Report
from lensbench.api.samples import Samples
from lensbench.errors import IncompatibleError
from lensbench.registry import Catalogue
from lensbench.sky.seeds import seed_of
from lensbench.store import Store
from lensbench.study.cell import Cell
from lensbench.study.describe import Description
from lensbench.training.chance import seeded
from lensbench.training.loop import TrainingLoop
from lensbench.training.team import SingleProcess, Team


@dataclass(frozen=True)
class TrainingPlace:
    """Where a training takes place.

    Attributes:
        device: Where tensors live.
        team: Processes that divide every batch.
        report: Called after every step.
        checkpoint: Where the state is kept.
    """

    device: torch.device
    team: Team = field(default_factory=SingleProcess)
    report: Report = lambda _: None
    checkpoint: Checkpoint | None = None


def build_encoder(catalogue: Catalogue, cell: Cell, channels: int) -> Any:
    """A new encoder; its initial weights follow from the pretraining seed alone."""
    with seeded(seed_of("initial", cell.entrant.encoder, cell.seeds.pretraining)):
        return catalogue.build("encoder", cell.entrant.encoder, channels=channels)


def pretrain(
    catalogue: Catalogue, cell: Cell, views: Sequence[Samples], place: TrainingPlace
) -> Any:
    """An encoder trained by the cell's strategy.

    Args:
        catalogue: The plugins.
        cell: Which encoder, which strategy, which seed, and how long.
        views: Samples of each view; of the same scenes where the strategy is paired.
        place: Where it is trained.

    Raises:
        IncompatibleError: Where a paired strategy has no two views of the same scenes.
    """
    channels = views[0].images.shape[1]
    encoder = build_encoder(catalogue, cell, channels)
    strategy = catalogue.build("pretraining", cell.entrant.pretraining)
    batch_of = _paired(views) if strategy.paired else _mixed(views)
    seed = pretraining_seed(cell)
    with seeded(seed):
        objective = strategy.objective(encoder, channels, views[0].info)
        objective.to(place.device).train()
        loop = TrainingLoop(
            steps=find_budget(cell.budget).pretraining_steps,
            batch_size=strategy.batch_size,
            learning_rate=strategy.learning_rate,
            weight_decay=strategy.weight_decay,
            seed=seed,
            team=place.team,
        )
        loop.run(
            objective,
            min(len(samples) for samples in views),
            lambda indices, random: objective(
                batch_of(indices, place.team.common(random)).to(place.device), random
            ),
            place.report,
            place.checkpoint,
        )
    return encoder


def pretraining_seed(cell: Cell) -> int:
    """The seed of everything random in a cell's pretraining."""
    return seed_of("pretraining", cell.entrant.pretraining, cell.seeds.pretraining)


BatchOf = Callable[[Tensor, torch.Generator], Samples]


def _mixed(views: Sequence[Samples]) -> BatchOf:
    """Each batch of one view, drawn at random where there are several."""

    def batch(indices: Tensor, generator: torch.Generator) -> Samples:
        return views[_draw(len(views), generator)].take(indices)

    return batch


def _paired(views: Sequence[Samples]) -> BatchOf:
    """Each batch of one view with the same scenes of another."""
    partners = {
        i: [j for j, other in enumerate(views) if j != i and other.ids == view.ids]
        for i, view in enumerate(views)
    }
    if not all(partners.values()):
        raise IncompatibleError(
            "a paired pretraining needs two views of the same scenes",
            "name two or more conditions to pretrain under",
        )

    def batch(indices: Tensor, generator: torch.Generator) -> Samples:
        first = _draw(len(views), generator)
        others = partners[first]
        second = others[_draw(len(others), generator)]
        return replace(views[first].take(indices), pair=views[second].take(indices))

    return batch


def _draw(count: int, generator: torch.Generator) -> int:
    return 0 if count == 1 else int(torch.randint(count, (1,), generator=generator))


def save_weights(
    store: Store, key: str, description: Description, encoder: Any, cost: Mapping[str, float]
) -> None:
    """Keeps an encoder's weights in the store, with what they cost."""
    with store.writing("weights", key, ".safetensors", description, cost) as path:
        tensors = {name: value.contiguous().cpu() for name, value in encoder.state_dict().items()}
        save_file(tensors, str(path))


def load_weights(store: Store, key: str, encoder: Any) -> bool:
    """Puts stored weights into an encoder; says whether the store has them."""
    path = store.find("weights", key)
    if path is None:
        return False
    encoder.load_state_dict(load_file(str(path)))
    return True
