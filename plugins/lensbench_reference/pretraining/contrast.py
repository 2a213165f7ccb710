"""What contrastive strategies share: the projector and the loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def projector(features: int, width: int) -> nn.Sequential:
    """A perceptron of one hidden layer, as wide as the features, to vectors of a width."""
    return nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, width))


def contrastive_loss(one: Tensor, other: Tensor, temperature: float) -> Tensor:
    """Normalised temperature-scaled cross-entropy of pairs (Chen et al. 2020, eq. 1).

    Args:
        one, other: (B, D), row by row of the same scenes; all other rows of both are contrasted.
        temperature: What cosines are divided by.
    """
    z = nn.functional.normalize(torch.cat([one, other]), dim=1)
    similarity = z @ z.T / temperature
    similarity.fill_diagonal_(-torch.inf)
    partner = torch.arange(len(z), device=z.device).roll(len(one))
    return nn.functional.cross_entropy(similarity, partner)


def cross_contrast(one: Tensor, other: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of finding a row's partner among the rows of the other, both ways.

    InfoNCE (van den Oord et al. 2018, arXiv:1807.03748, eq. 4) made symmetric. All rows to choose
    from are of the same other condition, so the condition gives no hint.

    Args:
        one, other: (B, D), row by row of the same scenes.
        temperature: What cosines are divided by.
    """
    normalize = nn.functional.normalize
    similarity = normalize(one, dim=1) @ normalize(other, dim=1).T / temperature
    partner = torch.arange(len(one), device=one.device)
    cross_entropy = nn.functional.cross_entropy
    return 0.5 * (cross_entropy(similarity, partner) + cross_entropy(similarity.T, partner))
