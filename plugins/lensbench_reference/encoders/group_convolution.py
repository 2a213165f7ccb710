"""Convolutions that commute with turns by 2π/n, and with flips, after Weiler & Cesa 2019.

A field holds one channel for each element of the group, its regular representation: where the
image is turned, the field turns and its channels move round. Filters are sums of circular
harmonics (arXiv:1911.08251, section 2.4), which are turned exactly before they are sampled, so
that only turns by other than a quarter suffer from the pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

_RING_WIDTH = 0.5


@dataclass(frozen=True)
class Group:
    """The turns by 2π/n, cyclic, and where `flips` the reflections too, dihedral.

    Element `i` is the turn by 2π (i mod n)/n, after the reflection where i ≥ n.
    """

    turns: int
    flips: bool

    @property
    def order(self) -> int:
        """Number of elements."""
        return self.turns * (2 if self.flips else 1)

    def relative(self, g: int, h: int) -> int:
        """The index of g⁻¹h."""
        flipped = g >= self.turns
        turn = (h - g) % self.turns
        turn = (-turn) % self.turns if flipped else turn
        return turn + self.turns * (flipped != (h >= self.turns))


class GroupConvolution(nn.Module):
    """Fields to fields, or an image to fields where it lifts; the size of maps stays.

    Args:
        group: Of the symmetry.
        into: Fields that come in, or channels of an image.
        out: Fields that go out.
        kernel: Side of the filters [pixels], odd.
        lifts: Whether an image comes in, whose channels do not move where it is turned.
    """

    table: Tensor
    basis: Tensor

    def __init__(self, group: Group, into: int, out: int, kernel: int, lifts: bool = False) -> None:
        super().__init__()
        order = group.order
        table = [
            [0 if lifts else group.relative(g, h) for h in range(1 if lifts else order)]
            for g in range(order)
        ]
        self.register_buffer("table", torch.tensor(table), persistent=False)
        self.register_buffer("basis", turned_harmonics(group, kernel), persistent=False)
        shape = (out, into, 1 if lifts else order, self.basis.shape[1])
        self.weight = nn.Parameter(torch.randn(shape) * math.sqrt(2 / math.prod(shape[1:])))
        self.padding = kernel // 2

    def forward(self, fields: Tensor) -> Tensor:
        """(B, into × |G|, H, W) to (B, out × |G|, H, W), a field's channels side by side."""
        return conv2d(fields, self.filters(), padding=self.padding)

    def filters(self) -> Tensor:
        """W[g, h](x) = ψ[g⁻¹h](g⁻¹x) as one (out × |G|, into × |G|, kernel, kernel)."""
        moved = self.weight[:, :, self.table]
        filters = torch.einsum("oighk,gkyx->ogihyx", moved, self.basis)
        return filters.flatten(2, 3).flatten(0, 1)


class FieldNorm(nn.Module):
    """Batch normalisation with one mean and one variance for all channels of a field."""

    def __init__(self, group: Group, fields: int) -> None:
        super().__init__()
        self.order = group.order
        self.norm = nn.BatchNorm3d(fields)

    def forward(self, fields: Tensor) -> Tensor:
        """(B, fields × |G|, H, W) to the same shape."""
        normed: Tensor = self.norm(fields.unflatten(1, (-1, self.order)))
        return normed.flatten(1, 2)


def turned_harmonics(group: Group, kernel: int) -> Tensor:
    """Circular harmonics (|G|, K, kernel, kernel), moved by each element of the group.

    Gaussian rings of every whole radius within the filter, times cos(mφ) and sin(mφ) with
    m up to one more than the radius, which the pixels can still tell; each of unit norm.
    """
    axis = torch.arange(kernel, dtype=torch.float64) - kernel // 2
    radius = torch.hypot(axis[:, None], axis[None, :])
    angle = torch.atan2(axis[:, None].expand_as(radius), axis[None, :].expand_as(radius))
    moved = []
    for element in range(group.order):
        phi = angle - 2 * math.pi * (element % group.turns) / group.turns
        phi = -phi if element >= group.turns else phi
        filters = []
        for ring in range(kernel // 2 + 1):
            envelope = torch.exp(-0.5 * ((radius - ring) / _RING_WIDTH) ** 2)
            filters.append(envelope)
            envelope = torch.where(radius > 0, envelope, 0.0)  # no angle at the centre
            for m in range(1, ring + 2 if ring else 1):
                filters += [envelope * torch.cos(m * phi), envelope * torch.sin(m * phi)]
        moved.append(torch.stack(filters))
    basis = torch.stack(moved)
    return (basis / basis[0].square().sum((1, 2)).sqrt()[:, None, None]).float()
