"""Blocks and patches of vision transformers, shared by plugins of more than one kind."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention


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

    def forward(self, tokens: Tensor, start: int = 0) -> Tensor:
        """Tokens (B, L, width) to those from `start` on (B, L − start, width).

        All tokens are attended to. The last block of a network is spared the answers that no one
        reads.
        """
        width = tokens.shape[2]
        normed = self.norm_1(tokens)
        if start:
            weight, bias = self.qkv.weight, self.qkv.bias
            q = by_head(linear(normed[:, start:], weight[:width], bias[:width]), self.heads)
            k, v = (
                by_head(part, self.heads)
                for part in linear(normed, weight[width:], bias[width:]).chunk(2, 2)
            )
        else:
            q, k, v = (by_head(part, self.heads) for part in self.qkv(normed).chunk(3, 2))
        attended = scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        tokens = tokens[:, start:] + self.project(attended)
        result: Tensor = tokens + self.mlp(self.norm_2(tokens))
        return result


def by_head(values: Tensor, heads: int) -> Tensor:
    """(B, L, width) to (B, heads, L, width / heads)."""
    return values.unflatten(2, (heads, -1)).transpose(1, 2)


def patches_of(images: Tensor, patch: int) -> Tensor:
    """Pixels (B, L, C × patch²) of the patches of images (B, C, H, W), row by row."""
    tiles = images.unflatten(3, (-1, patch)).unflatten(2, (-1, patch))
    return tiles.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def images_of(patches: Tensor, rows: int, columns: int, patch: int) -> Tensor:
    """Images (B, C, H, W) of the patches (B, L, C × patch²) that `patches_of` cut them into."""
    tiles = patches.reshape(len(patches), rows, columns, -1, patch, patch)
    return tiles.permute(0, 3, 1, 4, 2, 5).reshape(len(patches), -1, rows * patch, columns * patch)
