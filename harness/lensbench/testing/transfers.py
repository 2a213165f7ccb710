"""Does a transfer keep its contract?"""

from __future__ import annotations

import copy
from typing import Any

import torch

from lensbench.errors import PluginError
from lensbench.testing.trial import Trial, check_repeatable, check_restored, fitted


def check_transfer(transfer: Any, encoder: Any, task: str = "") -> None:
    """Fits a transfer on a few samples: its answers, chance, state, and what it leaves alone.

    Args:
        transfer: Built from its options.
        encoder: Untrained, with one channel; it is left as it is.
        task: One that the transfer does, if it does not do all: where it is `anomaly`, the answer
            is a score, where it is `regression`, numbers, and else probabilities.

    Raises:
        PluginError: Naming what is broken and what to do.
    """
    for name in ("version", "fit"):
        if not hasattr(transfer, name):
            raise PluginError(f"the transfer has no attribute {name!r}", "see lensbench.Transfer")
    if hasattr(transfer, "check"):
        transfer.check(encoder, "none")
    trial = trial_of(transfer, encoder, task)
    own = copy.deepcopy(encoder)
    before = {name: value.clone() for name, value in own.state_dict().items()}
    predictor = fitted(lambda context: transfer.fit(own, context), trial.context())
    trial.answers(predictor)
    if trial.frozen and any(
        not torch.equal(before[name], value) for name, value in own.state_dict().items()
    ):
        raise PluginError(
            "a frozen transfer changed the encoder", "leave its weights, or drop frozen = True"
        )
    check_repeatable(
        lambda context: transfer.fit(copy.deepcopy(encoder), context), trial, predictor
    )
    restore = getattr(transfer, "restore", None)
    check_restored(
        restore and (lambda context, state: restore(copy.deepcopy(encoder), context, state)),
        trial,
        predictor,
    )


def trial_of(transfer: Any, encoder: Any, task: str) -> Trial:
    """Small samples, as this transfer wants them."""
    frozen, adapts = (bool(getattr(transfer, name, False)) for name in ("frozen", "adapts"))
    return Trial(task, encoder, frozen, adapts)
