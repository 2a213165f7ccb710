"""Masked autoencoding (He et al. 2021, arXiv:2111.06377)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Lt, MultipleOf
from torch import Tensor, nn

from lensbench import Pretraining, Samples, Target
from lensbench_reference.pretraining.masking import (
    HEADS,
    PatchDecoder,
    check_maskable,
    pictured,
    restored,
    see,
)


class MaskedAutoencoding(Pretraining):
    """Hides most patches and predicts their pixels."""

    learning_rate = 1.5e-3
    weight_decay = 0.05
    batch_size = 64

    @dataclass(frozen=True)
    class Options:
        """Options of `mae`.

        Attributes:
            mask: Share of patches hidden.
            width, depth: Of the decoder.
            normalised: Whether each patch is restored up to its mean and deviation, as in the
                paper, or as the stretched image has it: then patches count by their light, not by
                their noise.
        """

        mask: Annotated[float, Gt(0), Lt(1)] = 0.75
        width: Annotated[int, Ge(4), MultipleOf(HEADS)] = 64
        depth: Annotated[int, Ge(1)] = 1
        normalised: bool = True

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(
        self, encoder: Any, channels: int, targets: Mapping[str, Target]
    ) -> MaskedReconstruction:
        """The encoder with a small decoder behind it.

        Raises:
            IncompatibleError: Where the encoder cannot look at some patches only.
        """
        check_maskable(encoder, "pretraining 'mae'")
        return MaskedReconstruction(encoder, channels, self.options)


class MaskedReconstruction(nn.Module):
    """Encoder and decoder; called for the error of the hidden patches."""

    def __init__(self, encoder: Any, channels: int, options: MaskedAutoencoding.Options) -> None:
        super().__init__()
        self.encoder = encoder
        self.mask = options.mask
        self.decoder = PatchDecoder(
            encoder, channels, options.width, options.depth, options.normalised
        )

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Loss of a batch."""
        seen = see(self.encoder, batch, self.mask, generator)
        return restored(self.decoder, self.encoder, seen)

    def restored(self, batch: Samples, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Stretched images (B, C, H, W) as they were seen, and as they are restored."""
        return pictured(self.decoder, self.encoder, see(self.encoder, batch, self.mask, generator))
