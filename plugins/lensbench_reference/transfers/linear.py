"""The probe: a head on a frozen encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Gt
from torch import Tensor

from lensbench import FitContext, Transfer
from lensbench_reference.transfers.fitting import (
    HEAD_BATCH,
    HEAD_RATE,
    HeadedEncoder,
    ModelPredictor,
    Settings,
    fit,
)


class LinearProbe(Transfer):
    """Trains the task's head alone: one linear layer for classes."""

    frozen = True

    @dataclass(frozen=True)
    class Options:
        """Options of `linear`."""

        learning_rate: Annotated[float, Gt(0)] = HEAD_RATE
        batch_size: Annotated[int, Ge(2)] = HEAD_BATCH

    def __init__(self, options: Options) -> None:
        self.options = options

    def fit(self, encoder: Any, context: FitContext) -> ModelPredictor:
        """Trains a head; the encoder stays as it is, its normalisation included."""
        encoder.requires_grad_(False)
        model = HeadedEncoder(encoder, context).train()
        encoder.eval()
        training = fit(
            model, context, Settings(self.options.learning_rate, self.options.batch_size)
        )
        return ModelPredictor(model, context.task, model.head, training)

    def restore(
        self, encoder: Any, context: FitContext, state: Mapping[str, Tensor]
    ) -> ModelPredictor:
        """The predictor with this head."""
        model = HeadedEncoder(encoder, context)
        model.head.load_state_dict(state)
        return ModelPredictor(model, context.task, model.head)
