"""A transformer that inverts a simple lens, and compares image and source by attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn.functional import grid_sample, pixel_shuffle, scaled_dot_product_attention

from lensbench import Encoder, Features
from lensbench_reference.encoders.vit import sine_cosine_positions
from lensbench_reference.transformer import Block, by_head, patches_of


class Lensiformer(Encoder, nn.Module):
    """Tokens of the image attend to tokens of a source that an isothermal lens gives.

    A first transformer predicts an Einstein radius for each pixel. With it the image is traced
    back to the source plane (`source_of`). A second transformer encodes this source, and in a
    third the tokens of the image attend to those of the source. Re-made from the description of
    Lensformer (Velôso de Souza, Toomey & Gleyzer 2023, Machine Learning and the Physical
    Sciences, NeurIPS), not from its code.
    """

    learning_rate = 5e-4

    @dataclass(frozen=True)
    class Options:
        """Options of `lensiformer`: side of patches, width, heads, and blocks in each part."""

        patch: Annotated[int, Ge(2)] = 8
        width: Annotated[int, Ge(16)] = 128
        heads: Annotated[int, Ge(1)] = 4
        depth: Annotated[int, Ge(1)] = 2

        def __post_init__(self) -> None:
            if self.width % self.heads:
                raise ValueError(f"width must be a multiple of heads ({self.heads})")

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        width, self.patch = options.width, options.patch
        self.embed_image = nn.Linear(channels * self.patch**2, width)
        self.embed_source = nn.Linear(channels * self.patch**2, width)
        self.image_blocks = _blocks(options)
        self.source_blocks = _blocks(options)
        self.radius = nn.Linear(width, self.patch**2)
        self.cross = nn.ModuleList(CrossBlock(width, options.heads) for _ in range(options.depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, images: Tensor) -> Features:
        """Mean of the image's tokens, and the tokens as one map."""
        rows, columns = images.shape[2] // self.patch, images.shape[3] // self.patch
        seen = images[..., : rows * self.patch, : columns * self.patch]
        tokens = self.image_blocks(self._tokens(self.embed_image, seen))
        source = source_of(seen, self._radii(tokens, rows, columns))
        traced = self.source_blocks(self._tokens(self.embed_source, source))
        for block in self.cross:
            tokens = block(tokens, traced)
        encoded = self.norm(tokens)
        return Features(encoded.mean(1), (encoded.transpose(1, 2).unflatten(2, (rows, columns)),))

    def _tokens(self, embed: nn.Linear, images: Tensor) -> Tensor:
        """Embedded patches (B, L, width) of images (B, C, H, W), with codes of their positions."""
        rows, columns = images.shape[2] // self.patch, images.shape[3] // self.patch
        codes = sine_cosine_positions(rows, columns, embed.out_features)
        tokens: Tensor = embed(patches_of(images, self.patch)) + codes.to(images)
        return tokens

    def _radii(self, tokens: Tensor, rows: int, columns: int) -> Tensor:
        """Einstein radii (B, H, W) in pixels, between none and half the shorter side."""
        largest = min(rows, columns) * self.patch / 2
        by_patch = self.radius(tokens).transpose(1, 2).unflatten(2, (rows, columns))
        radii: Tensor = largest * pixel_shuffle(by_patch, self.patch)[:, 0].sigmoid()
        return radii


def source_of(images: Tensor, radii: Tensor) -> Tensor:
    """The source as the outer image of an isothermal lens in the middle shows it.

    A singular isothermal sphere of Einstein radius θ_E shows the source's point β at
    θ = β + θ_E β / |β|, on the same side of the lens. Both planes have the image's pixels, and
    a pixel whose θ lies outside the image is zero.

    Args:
        images: (B, C, H, W).
        radii: Einstein radius (B, H, W) for each pixel of the source plane, in pixels.

    Returns:
        The source plane, (B, C, H, W).
    """
    height, width = images.shape[2:]
    y = torch.arange(height).to(images) - (height - 1) / 2
    x = torch.arange(width).to(images) - (width - 1) / 2
    stretch = 1 + radii / torch.hypot(y[:, None], x[None]).clamp(min=0.5)
    at = torch.stack([x * stretch * (2 / width), y[:, None] * stretch * (2 / height)], -1)
    return grid_sample(images, at, align_corners=False)


class CrossBlock(nn.Module):
    """Attention of tokens to others, then a block of attention among themselves."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_others = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.project = nn.Linear(width, width)
        self.block = Block(width, heads, 4.0)

    def forward(self, tokens: Tensor, others: Tensor) -> Tensor:
        """Tokens (B, L, width) that attend to others (B, M, width), to the shape of the former."""
        pairs = self.key_value(self.norm_others(others)).chunk(2, 2)
        query = by_head(self.query(self.norm(tokens)), self.heads)
        key, value = (by_head(part, self.heads) for part in pairs)
        attended = scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        result: Tensor = self.block(tokens + self.project(attended))
        return result


def _blocks(options: Lensiformer.Options) -> nn.Sequential:
    return nn.Sequential(*(Block(options.width, options.heads, 4.0) for _ in range(options.depth)))
