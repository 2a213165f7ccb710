"""A vision transformer whose patches can be left out, as masked autoencoding asks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from lensbench import Features


class VisionTransformer(nn.Module):
    """Patches, fixed sine-cosine positions and pre-norm transformer blocks.

    Positions are in patches from the image's centre, so that any size works and a lens in the
    middle is at the same place whatever the field.
    """

    @dataclass(frozen=True)
    class Options:
        """Options of `mae-vit`."""

        patch: Annotated[int, Ge(1)] = 8
        width: Annotated[int, Ge(4)] = 128
        depth: Annotated[int, Ge(1)] = 4
        heads: Annotated[int, Ge(1)] = 4
        mlp_ratio: Annotated[float, Gt(0)] = 4.0

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        self.patch = options.patch
        self.width = options.width
        self.embed = nn.Conv2d(channels, options.width, options.patch, options.patch)
        self.blocks = nn.ModuleList(
            Block(options.width, options.heads, options.mlp_ratio) for _ in range(options.depth)
        )
        self.norm = nn.LayerNorm(options.width)

    def forward(self, images: Tensor) -> Features:
        """Mean of all tokens, and the tokens as one map."""
        rows, columns = images.shape[2] // self.patch, images.shape[3] // self.patch
        tokens = self.tokens(images)
        grid = tokens.transpose(1, 2).reshape(len(images), self.width, rows, columns)
        return Features(tokens.mean(1), (grid,))

    def tokens(self, images: Tensor, keep: Tensor | None = None) -> Tensor:
        """Encoded patches (B, K, width) of the kept indices (B, K), or of all."""
        embedded = self.embed(images)
        positions = self.positions(*embedded.shape[2:]).to(embedded)
        tokens = embedded.flatten(2).transpose(1, 2) + positions
        if keep is not None:
            tokens = tokens.gather(1, keep[..., None].expand(-1, -1, self.width))
        for block in self.blocks:
            tokens = block(tokens)
        encoded: Tensor = self.norm(tokens)
        return encoded

    def positions(self, rows: int, columns: int) -> Tensor:
        """Position codes (rows × columns, width) of a grid of patches."""
        return sine_cosine_positions(rows, columns, self.width)


class Block(nn.Module):
    """Self-attention and a perceptron, each behind a norm and around a shortcut."""

    def __init__(self, width: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.norm_2 = nn.LayerNorm(width)
        hidden = round(width * mlp_ratio)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, L, width) to tokens of the same shape."""
        b, length, width = tokens.shape
        qkv = self.qkv(self.norm_1(tokens)).reshape(b, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, length, width)
        tokens = tokens + self.project(attended)
        result: Tensor = tokens + self.mlp(self.norm_2(tokens))
        return result


def sine_cosine_positions(rows: int, columns: int, width: int) -> Tensor:
    """Codes (rows × columns, width): a quarter each of sine and cosine of either coordinate."""
    quarter = width // 4
    rates = torch.exp(-math.log(1000.0) * torch.arange(quarter) / max(1, quarter - 1))
    y = torch.arange(rows) - (rows - 1) / 2
    x = torch.arange(columns) - (columns - 1) / 2
    angle_y = (y[:, None] * rates).repeat_interleave(columns, 0)
    angle_x = (x[:, None] * rates).repeat(rows, 1)
    codes = torch.cat([angle_y.sin(), angle_y.cos(), angle_x.sin(), angle_x.cos()], 1)
    return nn.functional.pad(codes, (0, width - codes.shape[1]))
