"""Adaptive batch normalisation: nothing is trained for the target, its statistics are taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt
from torch import nn

from lensbench import FitContext, Samples, measure_statistics
from lensbench_reference.transfers.domains import Adaptation
from lensbench_reference.transfers.fitting import HeadedEncoder, ModelPredictor, Settings, fit

_BATCH = 64


class AdaptiveNormalisation(Adaptation):
    """Trains on the source; then batch normalisation takes its means and variances from the target.

    After Li et al. 2016 (arXiv:1603.04779). What no method of adaptation that trains should be
    credited with: networks that go through batch normalisation get this much for nothing.
    """

    name = "adabn"

    @dataclass(frozen=True)
    class Options:
        """Options of `adabn`: of the training on the source."""

        learning_rate: Annotated[float, Gt(0)] = 1e-3
        batch_size: Annotated[int, Ge(2)] = 16

    def __init__(self, options: Options) -> None:
        self.options = options

    def fit(self, encoder: Any, context: FitContext) -> ModelPredictor:
        """Trains as `finetune` does, then looks at every image of the target once."""
        target = self.target(encoder, context)
        model = HeadedEncoder(encoder, context).train()
        fit(model, context, Settings(self.options.learning_rate, self.options.batch_size))
        renormalise(model, target)
        return ModelPredictor(model, context.task, model)


def renormalise(model: nn.Module, samples: Samples) -> None:
    """Replaces the running statistics of all batch normalisation by those of samples.

    Each is the mean over batches of these, all layers at once: what a layer sees has gone through
    the layers before it as they are in training, by the statistics of its own batch.

    Args:
        model: Called with a batch; in evaluation mode afterwards.
        samples: At least two.
    """
    model.eval()
    for layer in model.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.train()
    measure_statistics(model, lambda: _show(model, samples))
    model.eval()


def _show(model: nn.Module, samples: Samples) -> None:
    for indices in torch.arange(len(samples)).tensor_split(-(-len(samples) // _BATCH)):
        model(samples.take(indices))
