"""Does a pretraining strategy keep its contract?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from lensbench.api.samples import Samples
from lensbench.errors import PluginError
from lensbench.testing.attributes import check_attributes
from lensbench.testing.samples import TARGETS, made_samples


def check_pretraining(strategy: Any, encoder: Any, channels: int = 1) -> None:
    """Tries a strategy on an encoder: a finite loss, the same for the same seed, with a gradient.

    Raises:
        PluginError: Naming what is broken and what to do.
    """
    check_attributes("pretraining", strategy)
    objective = strategy.objective(encoder, channels, TARGETS)
    if objective is None:
        return
    samples = samples_for(strategy, channels)
    objective.eval()
    losses = [objective(samples, torch.Generator().manual_seed(0)) for _ in range(2)]
    if losses[0].ndim or not torch.isfinite(losses[0]):
        raise PluginError(f"the loss is {losses[0]!r}", "return one finite number")
    if not torch.equal(losses[0], losses[1]):
        raise PluginError(
            "the loss differs for the same generator seed",
            "draw from the generator alone",
        )
    losses[0].backward()
    if all(p.grad is None or not p.grad.any() for p in encoder.parameters()):
        raise PluginError("no gradient reaches the encoder", "use its features in the loss")


def samples_for(strategy: Any, channels: int) -> Samples:
    """A small batch, with the pair that a paired strategy needs."""
    samples = made_samples(count=8, channels=channels)
    if strategy.paired:
        samples = replace(samples, pair=made_samples(count=8, channels=channels, size=40))
    return samples
