"""A restricted Boltzmann machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn
from torch.nn.functional import softplus

from lensbench import Encoder, Features
from lensbench_reference.encoders.resizing import resized

_MIDDLE = 2.0
_EDGE = 1e-4


class BoltzmannMachine(Encoder, nn.Module):
    """Binary hidden units on the pixels of a small grid (Smolensky 1986; Hinton 2012).

    The energy of visible v and hidden h is −b·v − c·h − v·W h. Visible units are the
    probabilities σ(s − 2) of the stretched image s averaged to a grid: 0.12 for empty sky, 0.5 for
    eleven times the noise. The squashing is fixed, so that no image's flux is lost.
    """

    @dataclass(frozen=True)
    class Options:
        """Options of `rbm`: units, and pixels on a side of the grid."""

        hidden: Annotated[int, Ge(1)] = 256
        grid: Annotated[int, Ge(2), Le(128)] = 32

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        self.shape = (channels, options.grid, options.grid)
        units = channels * options.grid**2
        self.weight = nn.Parameter(0.01 * torch.randn(units, options.hidden))
        self.visible_bias = nn.Parameter(torch.full((units,), -_MIDDLE))
        self.hidden_bias = nn.Parameter(torch.zeros(options.hidden))

    def forward(self, images: Tensor) -> Features:
        """Probabilities (B, hidden) that the hidden units are on; no maps."""
        return Features(self.hidden(self.visible(images)))

    def visible(self, images: Tensor) -> Tensor:
        """Visible units (B, V) in [0, 1] of stretched images (B, C, H, W)."""
        return torch.sigmoid(resized(images, *self.shape[1:]).flatten(1) - _MIDDLE)

    def hidden(self, visible: Tensor) -> Tensor:
        """Probabilities (B, K) that hidden units are on, given visible units (B, V)."""
        return torch.sigmoid(visible @ self.weight + self.hidden_bias)

    def free_energy(self, visible: Tensor) -> Tensor:
        """−b·v − Σ log(1 + exp(c + W·v)) (B,), the hidden units summed over."""
        inner = softplus(visible @ self.weight + self.hidden_bias).sum(1)
        return -(visible @ self.visible_bias) - inner

    def gibbs(self, visible: Tensor, generator: torch.Generator) -> Tensor:
        """Visible units (B, V) after one step: hidden units drawn, then the visible ones."""
        with torch.no_grad():
            hidden = _drawn(self.hidden(visible), generator)
            return _drawn(self._visible_given(hidden), generator)

    def reconstruct(self, images: Tensor) -> Tensor:
        """Stretched images (B, C, H, W) out of the hidden probabilities, at the input's size."""
        visible = self._visible_given(self.hidden(self.visible(images)))
        grid = torch.logit(visible, _EDGE) + _MIDDLE
        return resized(grid.unflatten(1, self.shape), *images.shape[2:])

    def _visible_given(self, hidden: Tensor) -> Tensor:
        return torch.sigmoid(hidden @ self.weight.T + self.visible_bias)


def _drawn(probability: Tensor, generator: torch.Generator) -> Tensor:
    chance = torch.rand(probability.shape, generator=generator).to(probability)
    return (chance < probability).to(probability)
