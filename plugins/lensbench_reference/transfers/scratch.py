"""Training from the beginning."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from lensbench import FitContext, IncompatibleError
from lensbench_reference.transfers.finetune import FineTune
from lensbench_reference.transfers.fitting import ModelPredictor


class Scratch(FineTune):
    """Fine-tuning from initial weights that the seed of the fit draws.

    `finetune` of an encoder without pretraining begins from weights that the seed of the
    pretraining draws, the same in every fit. Here they differ from fit to fit, so that the scatter
    of the fits holds that of the initial weights. A pretraining would be thrown away; it is
    refused, so that no row carries the name of what it made no use of. Nor is the head trained
    first, unless `head_first=yes`: there is nothing yet that it could spoil.
    """

    HEAD_FIRST = False

    def check(self, encoder: Any, pretraining: str) -> None:
        """Refuses a pretrained encoder, and one without weights.

        Raises:
            IncompatibleError: Where there is something to throw away, or nothing to draw.
        """
        if pretraining not in ("", "none"):
            raise IncompatibleError(
                f"transfer 'scratch' would throw pretraining {pretraining!r} away",
                "name --pretraining none, or transfer 'finetune'",
            )
        if not any(parameter.requires_grad for parameter in encoder.parameters()):
            raise IncompatibleError(
                "transfer 'scratch' draws an encoder's weights, and this one has none",
                "take another encoder, or transfer 'linear'",
            )

    def fit(self, encoder: Any, context: FitContext) -> ModelPredictor:
        """Draws new weights, then trains all of them."""
        self.check(encoder, "")
        redraw(encoder, torch.Generator().manual_seed(context.seed))
        return super().fit(encoder, context)


def redraw(encoder: nn.Module, generator: torch.Generator) -> None:
    """Shuffles the entries of each parameter, and forgets statistics of normalisations.

    Of entries drawn independently that is another draw from the distribution that the encoder's
    author chose, whatever it is; constants stay. Of weights that a file brought, only the values
    of each tensor are left, and not what they were good for.
    """
    with torch.no_grad():
        for parameter in encoder.parameters():
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    for module in encoder.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_running_stats()
