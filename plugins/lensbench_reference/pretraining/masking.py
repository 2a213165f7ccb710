"""What masked strategies share: which patches are seen, and the decoder of the others."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lensbench import IncompatibleError, MaskableEncoder, Samples, stretch
from lensbench_reference.transformer import Block, images_of, patches_of

HEADS = 4
"""Of a decoder's attention; its width is a multiple."""


class MaskedImages(NamedTuple):
    """Images of which an encoder saw some patches.

    Attributes:
        images: All of them, stretched (B, C, H, W).
        order: Indices of patches (B, L), the seen ones first.
        tokens: What the encoder made of the seen ones (B, K, width).
    """

    images: Tensor
    order: Tensor
    tokens: Tensor


def check_maskable(encoder: Any, what: str) -> None:
    """Refuses an encoder that cannot look at some patches only.

    Raises:
        IncompatibleError: Saying what cannot be done with it.
    """
    if not isinstance(encoder, MaskableEncoder):
        raise IncompatibleError(
            f"{what} needs an encoder with patches, "
            f"{type(encoder).__name__} is no lensbench.MaskableEncoder",
            "take an encoder like mae-vit, or pretraining simclr",
        )


def see(encoder: Any, batch: Samples, mask: float, generator: torch.Generator) -> MaskedImages:
    """Shows an encoder all but a share `mask` of each image's patches, chosen at random."""
    images, told = prepared(encoder, batch)
    length = images.shape[2] * images.shape[3] // encoder.patch**2
    order = torch.rand(len(images), length, generator=generator).argsort(1).to(images.device)
    keep = order[:, : max(1, round(length * (1 - mask)))]
    return MaskedImages(images, order, encoder.tokens(images, keep, *told))


def prepared(encoder: Any, batch: Samples) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Images (B, C, H, W) that patches are cut from, and the condition if the encoder uses it."""
    images: Tensor = stretch(batch.images)
    told: tuple[Tensor, ...] = ()
    if encoder.uses_condition:
        told = (batch.vector(),)
    if encoder.resamples:
        images = encoder.view(images, *told)
    return images, told


class PatchDecoder(nn.Module):
    """Mask token and a small transformer; called for the loss of what it restores.

    Args:
        encoder: Whose tokens it reads.
        channels: Bands of the images.
        width, depth: Of the transformer.
        normalised: Whether each patch is restored up to its mean and deviation (He et al. 2021), or
            as the stretched image has it, where an empty pixel's noise is the same in all patches.
    """

    def __init__(
        self, encoder: Any, channels: int, width: int, depth: int, normalised: bool = True
    ) -> None:
        super().__init__()
        self.patch = encoder.patch
        self.normalised = normalised
        self.into = nn.Linear(encoder.width, width)
        self.position = nn.Linear(encoder.width, width, bias=False)
        self.hidden = nn.Parameter(torch.zeros(width))
        self.blocks = nn.ModuleList(Block(width, HEADS, 4.0) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, channels * encoder.patch**2)

    def forward(self, seen: MaskedImages, positions: Tensor) -> Tensor:
        """Mean squared error over hidden patches.

        Args:
            seen: What the encoder saw.
            positions: Codes (L, encoder's width) of all patches.
        """
        answer, wanted = self.answers(seen, positions)
        return nn.functional.mse_loss(answer, wanted)

    def answers(self, seen: MaskedImages, positions: Tensor) -> tuple[Tensor, Tensor]:
        """The hidden patches (B, H, P) as they are restored, and the targets."""
        kept = seen.tokens.shape[1]
        hide = seen.order[:, kept:]
        hidden = self.hidden.expand(*hide.shape, -1)
        tokens = torch.cat([self.into(seen.tokens), hidden], 1)
        tokens = tokens + self.position(positions)[seen.order]
        answer = self._decoded(tokens, kept)
        pixels = patches_of(seen.images, self.patch)
        return answer, self._wanted(
            pixels.gather(1, hide[..., None].expand(*hide.shape, answer.shape[2]))
        )

    def across(
        self, seen: MaskedImages, positions: Tensor, images: Tensor, places: Tensor, about: Tensor
    ) -> Tensor:
        """Mean squared error over all patches of the same scenes' images elsewhere.

        Args:
            seen: What the encoder saw.
            positions: Codes (L, encoder's width) of its patches.
            images: The other images, stretched (B, C, H, W).
            places: Codes (M, encoder's width) of their patches, in the patches that were seen.
            about: What is to be known of the others (width,).
        """
        kept = seen.tokens.shape[1]
        ours = self.into(seen.tokens) + self.position(positions)[seen.order[:, :kept]]
        theirs = self.hidden + about + self.position(places)
        tokens = torch.cat([ours, theirs.expand(len(images), -1, -1)], 1)
        wanted = self._wanted(patches_of(images, self.patch))
        return nn.functional.mse_loss(self._decoded(tokens, kept), wanted)

    def _decoded(self, tokens: Tensor, start: int) -> Tensor:
        """Pixels (B, L − start, P) that tokens (B, L, width) from `start` on come to."""
        *before, last = self.blocks
        for block in before:
            tokens = block(tokens)
        answer: Tensor = self.out(self.norm(last(tokens, start=start)))
        return answer

    def _wanted(self, pixels: Tensor) -> Tensor:
        return _normalised(pixels) if self.normalised else pixels


def restored(decoder: PatchDecoder, encoder: Any, seen: MaskedImages) -> Tensor:
    """The decoder's loss for what this encoder saw."""
    loss: Tensor = decoder(seen, encoder.positions(*grid_of(encoder, seen.images)))
    return loss


def grid_of(encoder: Any, images: Tensor) -> tuple[int, int]:
    """Rows and columns of patches of images (B, C, H, W)."""
    return images.shape[2] // encoder.patch, images.shape[3] // encoder.patch


def pictured(decoder: PatchDecoder, encoder: Any, seen: MaskedImages) -> tuple[Tensor, Tensor]:
    """Stretched images (B, C, H, W): the patches that were seen, and these with the rest restored.

    Where patches are restored up to their mean and deviation, these are taken from the image, as
    the loss asks for no more. Hidden patches are zero in the first.
    """
    rows, columns = grid_of(encoder, seen.images)
    answer, _ = decoder.answers(seen, encoder.positions(rows, columns))
    patches = patches_of(seen.images, encoder.patch)
    hide = seen.order[:, seen.tokens.shape[1] :, None].expand(-1, -1, patches.shape[2])
    wanted = patches.gather(1, hide)
    if decoder.normalised:
        answer = answer * wanted.std(-1, keepdim=True) + wanted.mean(-1, keepdim=True)
    shown = patches.scatter(1, hide, torch.zeros_like(wanted))
    restored = patches.scatter(1, hide, answer.to(patches))
    return images_of(shown, rows, columns, encoder.patch), images_of(
        restored, rows, columns, encoder.patch
    )


def _normalised(patches: Tensor) -> Tensor:
    """Patches (B, L, P) less their means, over their deviations (of P − 1 degrees of freedom)."""
    centred = patches - patches.mean(-1, keepdim=True)
    variance = centred.square().sum(-1, keepdim=True) / (patches.shape[-1] - 1)  # var() is slow
    return centred / torch.sqrt(variance + 1e-6)
