"""Encoders before any task: built, pretrained, kept as safetensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from lensbench.api.budget import Budget
from lensbench.api.samples import Samples
from lensbench.cells.loop import TrainingLoop
from lensbench.registry import Catalogue
from lensbench.sky.seeds import seed_of
from lensbench.store import Store
from lensbench.study.cell import Cell
from lensbench.study.describe import Description

Report = Callable[[int, int, str], None]


def build_encoder(catalogue: Catalogue, cell: Cell, channels: int) -> Any:
    """A new encoder; its initial weights follow from the pretraining seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("initial", cell.entrant.encoder, cell.seeds.pretraining))
        return catalogue.build("encoder", cell.entrant.encoder, channels=channels)


def pretrain(
    catalogue: Catalogue,
    cell: Cell,
    samples: Samples,
    budget: Budget,
    device: torch.device,
    report: Report,
) -> Any:
    """An encoder trained by the cell's strategy on these samples."""
    channels = samples.images.shape[1]
    encoder = build_encoder(catalogue, cell, channels)
    strategy = catalogue.build("pretraining", cell.entrant.pretraining)
    seed = seed_of("pretraining", cell.entrant.pretraining, cell.seeds.pretraining)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        objective = strategy.objective(encoder, channels, samples.info)
        if objective is None:
            return encoder
        objective.to(device).train()
        loop = TrainingLoop(
            steps=budget.pretraining_steps,
            batch_size=strategy.batch_size,
            learning_rate=strategy.learning_rate,
            weight_decay=strategy.weight_decay,
            seed=seed,
        )
        loop.run(
            objective,
            len(samples),
            lambda indices, random: objective(samples.take(indices).to(device), random),
            report,
        )
    return encoder


def save_weights(
    store: Store, key: str, description: Description, encoder: Any, seconds: float
) -> None:
    """Keeps an encoder's weights in the store, with the time that they took."""
    with store.writing("weights", key, ".safetensors", description) as path:
        tensors = {name: value.contiguous().cpu() for name, value in encoder.state_dict().items()}
        save_file(tensors, str(path), metadata={"seconds": repr(seconds)})


def load_weights(store: Store, key: str, encoder: Any) -> float | None:
    """Puts stored weights into an encoder.

    Returns:
        The seconds that their pretraining took, or `None` where the store has none.
    """
    path = store.find("weights", key)
    if path is None:
        return None
    with safe_open(str(path), framework="pt") as file:
        encoder.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        return float(file.metadata()["seconds"])
