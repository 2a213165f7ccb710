"""Masked autoencoding (He et al. 2021, arXiv:2111.06377)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from lensbench import IncompatibleError, Samples, Target, stretch


class MaskedAutoencoding:
    """Hides most patches and asks for their pixels, normalised patch by patch."""

    version = "1"
    targets: tuple[str, ...] = ()
    learning_rate = 1.5e-3
    weight_decay = 0.05
    batch_size = 64

    @dataclass(frozen=True)
    class Options:
        """Options of `mae`."""

        mask: Annotated[float, Gt(0), Lt(1)] = 0.75
        width: Annotated[int, Ge(4)] = 64
        depth: Annotated[int, Ge(1)] = 1

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(
        self, encoder: Any, channels: int, targets: Mapping[str, Target]
    ) -> MaskedReconstruction:
        """The encoder with a small decoder behind it.

        Raises:
            IncompatibleError: Where the encoder cannot look at some patches only.
        """
        if not callable(getattr(encoder, "tokens", None)):
            raise IncompatibleError(
                f"pretraining 'mae' needs an encoder with patches, "
                f"{type(encoder).__name__} has no method tokens",
                "take an encoder like mae-vit, or pretraining simclr",
            )
        return MaskedReconstruction(encoder, channels, self.options)


class MaskedReconstruction(nn.Module):
    """Encoder, mask token and a transformer decoder; called for the loss."""

    def __init__(self, encoder: Any, channels: int, options: MaskedAutoencoding.Options) -> None:
        super().__init__()
        self.encoder = encoder
        self.mask = options.mask
        width = options.width
        self.into = nn.Linear(encoder.width, width)
        self.position = nn.Linear(encoder.width, width, bias=False)
        self.hidden = nn.Parameter(torch.zeros(width))
        layer = nn.TransformerEncoderLayer(
            width, 4, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.decoder = nn.TransformerEncoder(layer, options.depth, enable_nested_tensor=False)
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, channels * encoder.patch**2))

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Mean squared error over hidden patches, each normalised to its mean and deviation."""
        images = stretch(batch.images)
        patch = self.encoder.patch
        wanted = nn.functional.unfold(images, patch, stride=patch).transpose(1, 2)
        count, length, _ = wanted.shape
        order = torch.rand(count, length, generator=generator).argsort(1).to(images.device)
        kept = max(1, round(length * (1 - self.mask)))
        keep, hide = order[:, :kept], order[:, kept:]
        encoded = self.into(self.encoder.tokens(images, keep))
        positions = self.encoder.positions(*(side // patch for side in images.shape[2:]))
        restored = torch.cat([encoded, self.hidden.expand(count, length - kept, -1)], 1)
        restored = restored + self.position(positions.to(images))[order]
        answer = self.out(self.decoder(restored)[:, kept:])
        wanted = wanted.gather(1, hide[..., None].expand(-1, -1, wanted.shape[2]))
        mean, variance = wanted.mean(-1, keepdim=True), wanted.var(-1, keepdim=True)
        loss: Tensor = ((answer - (wanted - mean) / torch.sqrt(variance + 1e-6)) ** 2).mean()
        return loss
