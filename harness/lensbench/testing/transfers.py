"""Does a transfer keep its contract?"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch

from lensbench.api.dataset import Target
from lensbench.errors import PluginError
from lensbench.testing.attributes import check_attributes
from lensbench.testing.trial import Trial, check_repeatable, check_restored, fitted


def check_transfer(
    transfer: Any, encoder: Any, task: Any = None, targets: Mapping[str, Target] | None = None
) -> None:
    """Fits a transfer on a few samples and tries its predictions, randomness and state.

    Args:
        transfer: Built from its options.
        encoder: Untrained, with one channel; it is left as it is.
        task: A task that it does, built; one of three classes where none is given. Predictions
            are checked by the kind that the task declares.
        targets: What the task's targets are, where they are a dataset's own.

    Raises:
        PluginError: Naming what is broken and what to do.
    """
    check_attributes("transfer", transfer)
    transfer.check(encoder, "none")
    trial = Trial(task, targets, transfer, encoder)
    own = copy.deepcopy(encoder)
    before = {name: value.clone() for name, value in own.state_dict().items()}
    predictor = fitted(lambda context: transfer.fit(own, context), trial.context())
    trial.predictions(predictor)
    if transfer.frozen and any(
        not torch.equal(before[name], value) for name, value in own.state_dict().items()
    ):
        raise PluginError(
            "a frozen transfer changed the encoder", "leave its weights, or drop frozen = True"
        )
    check_repeatable(
        lambda context: transfer.fit(copy.deepcopy(encoder), context), trial, predictor
    )
    check_restored(
        lambda context, state: transfer.restore(copy.deepcopy(encoder), context, state),
        trial,
        predictor,
    )
