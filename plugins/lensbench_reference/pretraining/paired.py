"""One scene under two conditions: the encoder is to learn the sky and not the telescope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Lt, MultipleOf
from torch import Tensor, nn

from lensbench import IncompatibleError, Samples, Target, encode, feature_shape
from lensbench_reference.pretraining.contrast import cross_contrast, projector
from lensbench_reference.pretraining.masking import (
    HEADS,
    PatchDecoder,
    check_maskable,
    pictured,
    restored,
    see,
)
from lensbench_reference.pretraining.views import (
    ViewOptions,
    disturbed,
    draw_symmetries,
    symmetric,
)


class PairedConditions:
    """A scene is to be known again under another observing condition.

    The two images of a scene share a symmetry; shift and noise are each its own. With `mask` the
    encoder sees some patches only, and restores the others beside (the combination of contrast
    and masking in one pass is that of CAN, Mishra et al. 2022, arXiv:2210.16870).
    """

    version = "1"
    paired = True
    targets: tuple[str, ...] = ()
    learning_rate = 1e-3
    weight_decay = 0.05
    batch_size = 64

    @dataclass(frozen=True)
    class Options(ViewOptions):
        """Options of `paired`.

        Attributes:
            temperature: What cosines are divided by.
            width: Of the vectors that are compared, and of the decoder.
            mask: Share of patches hidden; needs an encoder with patches.
            restore: Weight of the hidden patches' error beside the contrast.
            depth: Of the decoder.
        """

        noise: Annotated[float, Ge(0)] = 0.0
        temperature: Annotated[float, Gt(0)] = 0.2
        width: Annotated[int, Ge(4), MultipleOf(HEADS)] = 64
        mask: Annotated[float, Ge(0), Lt(1)] = 0.0
        restore: Annotated[float, Ge(0)] = 1.0
        depth: Annotated[int, Ge(1)] = 1

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(self, encoder: Any, channels: int, targets: Mapping[str, Target]) -> PairedLoss:
        """The encoder with a projector, and with a decoder where patches are hidden and restored.

        Raises:
            IncompatibleError: Where patches are to be hidden and the encoder has none.
        """
        if self.options.mask:
            check_maskable(encoder, f"pretraining 'paired:mask={self.options.mask:g}'")
        return PairedLoss(encoder, channels, self.options)


class PairedLoss(nn.Module):
    """Encoder, projector and perhaps a decoder; called for contrast and restoration."""

    def __init__(self, encoder: Any, channels: int, options: PairedConditions.Options) -> None:
        super().__init__()
        self.encoder = encoder
        self.options = options
        self.project = projector(feature_shape(encoder, channels).pooled, options.width)
        self.decoder = None
        if options.mask and options.restore:
            self.decoder = PatchDecoder(encoder, channels, options.width, options.depth)

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Loss of a batch with its pair, whose images may be of another size.

        Raises:
            IncompatibleError: Where the batch has no pair.
        """
        if batch.pair is None:
            raise IncompatibleError(
                "pretraining 'paired' needs the same scenes under another condition",
                "name two or more conditions to pretrain under",
            )
        symmetries = draw_symmetries(len(batch), generator)
        one, its_error = self._features(batch, symmetries, generator)
        other, other_error = self._features(batch.pair, symmetries, generator)
        contrast = cross_contrast(self.project(one), self.project(other), self.options.temperature)
        return contrast + self.options.restore * 0.5 * (its_error + other_error)

    def restored(self, batch: Samples, generator: torch.Generator) -> tuple[Tensor, Tensor] | None:
        """Stretched images (B, C, H, W) as seen and as restored; `None` where none is hidden."""
        if self.decoder is None:
            return None
        seen = see(self.encoder, batch, self.options.mask, generator)
        return pictured(self.decoder, self.encoder, seen)

    def _features(
        self, samples: Samples, symmetries: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Pooled features (B, D), and the error of the hidden patches, zero where none are."""
        images = disturbed(symmetric(samples.images, symmetries), self.options, generator)
        samples = replace(samples, images=images, pair=None)
        nothing = images.new_zeros(())
        if not self.options.mask:
            return encode(self.encoder, samples).pooled, nothing
        seen = see(self.encoder, samples, self.options.mask, generator)
        if self.decoder is None:
            return seen.tokens.mean(1), nothing
        return seen.tokens.mean(1), restored(self.decoder, self.encoder, seen)
