"""One scene under two conditions: the encoder is to learn the sky and not the telescope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, NamedTuple

import torch
from annotated_types import Ge, Gt, Lt, MultipleOf
from torch import Tensor, nn

from lensbench import (
    IncompatibleError,
    OptionError,
    Pretraining,
    Samples,
    Target,
    encode,
    feature_shape,
)
from lensbench_reference.pretraining.contrast import cross_contrast, projector
from lensbench_reference.pretraining.masking import (
    HEADS,
    MaskedImages,
    PatchDecoder,
    check_maskable,
    grid_of,
    pictured,
    restored,
    see,
)
from lensbench_reference.pretraining.views import (
    ViewOptions,
    check_no_planes,
    disturbed,
    draw_symmetries,
    shifted,
    symmetric,
)


class PairedConditions(Pretraining):
    """Recognises a scene under another observing condition.

    The two images of a scene share a symmetry; shift and noise are each its own. With `mask` the
    encoder sees some patches only, and restores the others beside (the combination of contrast
    and masking in one pass is that of CAN, Mishra et al. 2022, arXiv:2210.16870). With `across` it
    restores the whole image under the other condition too: its noise cannot be predicted, and what
    is left is the sky, sharper or blurred.
    """

    paired = True
    learning_rate = 1e-3
    weight_decay = 0.05
    batch_size = 64

    @dataclass(frozen=True)
    class Options(ViewOptions):
        """Options of `paired`.

        Attributes:
            temperature: What cosines are divided by.
            width: Of the vectors that are compared, and of the decoder.
            contrast: Weight of finding the scene again.
            mask: Share of patches hidden; needs an encoder with patches.
            restore: Weight of the hidden patches' error beside the contrast.
            across: Whether the image under the other condition is restored too; the two are then
                shifted by the same angle.
            normalised: Whether patches are restored up to their mean and deviation.
            depth: Of the decoder.
        """

        noise: Annotated[float, Ge(0)] = 0.0
        temperature: Annotated[float, Gt(0)] = 0.2
        width: Annotated[int, Ge(4), MultipleOf(HEADS)] = 64
        contrast: Annotated[float, Ge(0)] = 1.0
        mask: Annotated[float, Ge(0), Lt(1)] = 0.0
        restore: Annotated[float, Ge(0)] = 1.0
        across: bool = False
        normalised: bool = True
        depth: Annotated[int, Ge(1)] = 1

        def __post_init__(self) -> None:
            if self.across and not (self.mask and self.restore):
                raise OptionError(
                    "paired: across=true restores nothing without mask and restore",
                    "add mask=0.5",
                )

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(self, encoder: Any, channels: int, targets: Mapping[str, Target]) -> PairedLoss:
        """The encoder with a projector, and with a decoder where patches are hidden and restored.

        Raises:
            IncompatibleError: Where patches are to be hidden and the encoder has none.
        """
        if self.options.mask:
            check_maskable(encoder, f"pretraining 'paired:mask={self.options.mask:g}'")
        check_no_planes(encoder, "paired")
        return PairedLoss(encoder, channels, self.options)


class _EncodedView(NamedTuple):
    """Pooled features (B, D) of images, and what was seen of them where some is hidden."""

    pooled: Tensor
    seen: MaskedImages | None


class PairedLoss(nn.Module):
    """Encoder, projector and perhaps a decoder; called for contrast and restoration."""

    def __init__(self, encoder: Any, channels: int, options: PairedConditions.Options) -> None:
        super().__init__()
        self.encoder = encoder
        self.options = options
        if options.mask:  # tokens that were seen are pooled, wherever they lie
            pooled = encoder.pool(torch.zeros(1, 1, encoder.width)).shape[1]
        else:
            pooled = feature_shape(encoder, channels).pooled
        self.project = projector(pooled, options.width)
        self.decoder = None
        if options.mask and options.restore:
            self.decoder = PatchDecoder(
                encoder, channels, options.width, options.depth, options.normalised
            )
        self.about = nn.Linear(3, options.width) if options.across else None

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
        options = self.options
        one, other = self._views(batch, batch.pair, generator)
        ours, theirs = self._look(one, generator), self._look(other, generator)
        contrast = cross_contrast(
            self.project(ours.pooled), self.project(theirs.pooled), options.temperature
        )
        if self.decoder is None or ours.seen is None or theirs.seen is None:
            return options.contrast * contrast
        errors = [restored(self.decoder, self.encoder, seen) for seen in (ours.seen, theirs.seen)]
        if self.about is not None:
            errors += [
                self._across(self.decoder, self.about, ours.seen, one, theirs.seen, other),
                self._across(self.decoder, self.about, theirs.seen, other, ours.seen, one),
            ]
        return options.contrast * contrast + options.restore * torch.stack(errors).mean()

    def restored(self, batch: Samples, generator: torch.Generator) -> tuple[Tensor, Tensor] | None:
        """Stretched images (B, C, H, W) as seen and as restored; `None` where none is hidden."""
        if self.decoder is None:
            return None
        seen = see(self.encoder, batch, self.options.mask, generator)
        return pictured(self.decoder, self.encoder, seen)

    def _views(
        self, one: Samples, other: Samples, generator: torch.Generator
    ) -> tuple[Samples, Samples]:
        """Both images of each scene, turned alike, and shifted alike where that matters."""
        symmetries = draw_symmetries(len(one), generator)
        views = [symmetric(samples.images, symmetries) for samples in (one, other)]
        if self.options.across:
            scales = (one.condition.pixel_scale, other.condition.pixel_scale)
            offsets = 2 * torch.rand(len(one), 2, generator=generator) - 1
            angles = self.options.shift * min(scales) * offsets.to(one.images)
            views = [
                shifted(images, angles / scale) for images, scale in zip(views, scales, strict=True)
            ]
            options = replace(self.options, shift=0.0)
        else:
            options = self.options
        first, second = (disturbed(images, options, generator) for images in views)
        return replace(one, images=first, pair=None), replace(other, images=second, pair=None)

    def _look(self, samples: Samples, generator: torch.Generator) -> _EncodedView:
        """Features of images, of all their patches or of those that are not hidden."""
        if not self.options.mask:
            return _EncodedView(encode(self.encoder, samples).pooled, None)
        seen = see(self.encoder, samples, self.options.mask, generator)
        return _EncodedView(self.encoder.pool(seen.tokens), seen)

    def _across(
        self,
        decoder: PatchDecoder,
        about: nn.Linear,
        seen: MaskedImages,
        samples: Samples,
        wanted: MaskedImages,
        other: Samples,
    ) -> Tensor:
        """Error of what the images under one condition tell of those under the other."""
        spacing = 1.0
        if not self.encoder.resamples:
            spacing = other.condition.pixel_scale / samples.condition.pixel_scale
        vector = torch.tensor(other.condition.vector()) - torch.tensor(samples.condition.vector())
        return decoder.across(
            seen,
            self.encoder.positions(*grid_of(self.encoder, seen.images)),
            wanted.images,
            self.encoder.positions(*grid_of(self.encoder, wanted.images), spacing),
            about(vector.to(seen.tokens)),
        )
