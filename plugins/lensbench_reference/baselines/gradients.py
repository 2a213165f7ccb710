"""Histograms of oriented gradients (Dalal & Triggs 2005, doi:10.1109/CVPR.2005.177)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

ORIENTATIONS = 9
BLOCK = 2
CELLS = 8
_EPSILON = 1e-5
_CLIP = 0.2


def oriented_gradients(images: Tensor, cell: int) -> Tensor:
    """Descriptors (B, D) of images (B, H, W).

    Central differences, unsigned orientations in nine bins without interpolation between them,
    cells of `cell` pixels on a side, and overlapping blocks of 2 × 2 cells in the norm L2-Hys.

    Args:
        images: With sides of at least two cells; what is left over at the end is not looked at.
        cell: Pixels on a side of a cell.
    """
    g_y, g_x = torch.zeros_like(images), torch.zeros_like(images)
    g_y[:, 1:-1] = images[:, 2:] - images[:, :-2]
    g_x[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
    strength = torch.hypot(g_y, g_x)
    angle = torch.rad2deg(torch.atan2(g_y, g_x)) % 180
    which = (angle / (180 / ORIENTATIONS)).long().clamp(max=ORIENTATIONS - 1)
    votes = torch.zeros(len(images), ORIENTATIONS, *images.shape[1:], dtype=images.dtype)
    votes.scatter_(1, which[:, None], strength[:, None])
    cells = avg_pool2d(votes, cell)
    blocks = cells.unfold(2, BLOCK, 1).unfold(3, BLOCK, 1)  # (B, bins, rows, columns, 2, 2)
    blocks = blocks.permute(0, 2, 3, 4, 5, 1).flatten(3)
    blocks = (_normed(blocks)).clamp(max=_CLIP)
    return _normed(blocks).flatten(1)


def cell_of(size: int) -> int:
    """Side of a cell [pixels], for eight across an image; sides are multiples of eight."""
    return size // CELLS


def at_least(images: Tensor, size: int) -> Tensor:
    """Images (B, C, N, N) as they are, or interpolated where they are smaller."""
    if images.shape[-1] >= size:
        return images
    return interpolate(images, size, mode="bilinear")


def _normed(blocks: Tensor) -> Tensor:
    return blocks / torch.sqrt(blocks.square().sum(-1, keepdim=True) + _EPSILON**2)
