"""Fine-tuning: encoder and head trained together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Gt
from torch import Tensor

from lensbench import FitContext
from lensbench_reference.transfers.fitting import HeadedEncoder, ModelPredictor, fit, restored


class FineTune:
    """Trains all weights at one rate."""

    version = "1"

    @dataclass(frozen=True)
    class Options:
        """Options of `finetune`."""

        learning_rate: Annotated[float, Gt(0)] = 1e-3
        batch_size: Annotated[int, Ge(2)] = 16

    def __init__(self, options: Options) -> None:
        self.options = options

    def fit(self, encoder: Any, context: FitContext) -> ModelPredictor:
        """Trains a head and the encoder."""
        model = HeadedEncoder(encoder, context).train()
        fit(model, context, self.options.learning_rate, self.options.batch_size)
        return ModelPredictor(model, context.task, model)

    def restore(
        self, encoder: Any, context: FitContext, state: Mapping[str, Tensor]
    ) -> ModelPredictor:
        """The predictor of these weights."""
        return restored(encoder, context, state)
