"""Fine-tuning: encoder and head trained together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le
from torch import Tensor

from lensbench import FitContext, Precision, Transfer
from lensbench_reference.transfers.fitting import (
    HeadedEncoder,
    ModelPredictor,
    Settings,
    fit,
    fit_head,
    restored,
)
from lensbench_reference.transfers.layers import rates_by_layer


class FineTune(Transfer):
    """Trains all weights, at one rate or at rates that fall from the head to the first layer."""

    @dataclass(frozen=True)
    class Options:
        """Options of `finetune`.

        `layer_decay` is the ratio of learning rates of neighbouring layers. Without a
        `learning_rate` the encoder's own is taken, and without a `batch_size` 64 under budgets
        with patience, else 16. `precision=bf16` trains with products in bfloat16, which is faster
        on accelerators and on processors with AMX; weights, and predictions, stay in float32.

        `head_first=yes` trains the head alone before all is trained, so that a new head does not
        spoil what the encoder has learned (Kumar et al. 2022, arXiv:2202.10054). It is the default
        of `finetune` under budgets with patience, and `no` otherwise.
        """

        learning_rate: Annotated[float, Gt(0)] | None = None
        batch_size: Annotated[int, Ge(2)] | None = None
        layer_decay: Annotated[float, Gt(0), Le(1)] = 1.0
        precision: Precision = "fp32"
        head_first: bool | None = None

    HEAD_FIRST = True
    """Whether the head is trained first under budgets with patience, where no option says."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def fit(self, encoder: Any, context: FitContext) -> ModelPredictor:
        """Trains a head and the encoder."""
        options = self.options
        model = HeadedEncoder(encoder, context).train()
        decays = options.layer_decay < 1
        rates = rates_by_layer(encoder, options.layer_decay, "encoder.") if decays else None
        settings = Settings(options.learning_rate, options.batch_size, rates, options.precision)
        by_default = self.HEAD_FIRST and context.budget.patience > 0
        if by_default if options.head_first is None else options.head_first:
            fit_head(model, context)
        training = fit(model.train(), context, settings)
        return ModelPredictor(model, context.task, model, training)

    def restore(
        self, encoder: Any, context: FitContext, state: Mapping[str, Tensor]
    ) -> ModelPredictor:
        """The predictor of these weights."""
        return restored(encoder, context, state)
