"""How far vectors are from a standard normal distribution, by random directions."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_KNOTS, _REACH = 17, 5.0
"""Places at which characteristic functions are compared, and the largest of them."""


def epps_pulley(values: Tensor) -> Tensor:
    """The statistic of Epps & Pulley 1983 (Biometrika 70, 723) of columns (N, K), against N(0, 1).

    N ∫ |φ_N(t) − e^(−t²/2)|² e^(−t²/2) dt, with φ_N the empirical characteristic function, by the
    trapezoidal rule. Of normal values its mean is `EXPECTED` for any N.
    """
    t = torch.linspace(0, _REACH, (_KNOTS + 1) // 2, device=values.device)
    angles = values[..., None] * t
    normal = torch.exp(-(t**2) / 2)
    apart = (angles.cos().mean(0) - normal) ** 2 + angles.sin().mean(0) ** 2
    return len(values) * 2 * torch.trapezoid(apart * normal, t)  # even in t


def gaussianity_loss(vectors: Tensor, directions: int, generator: torch.Generator) -> Tensor:
    """Sketched isotropic Gaussian regularisation (SIGReg; Balestriero & LeCun 2025).

    The mean of `epps_pulley` over projections of vectors on random directions. A distribution all
    of whose projections are standard normal is that itself (Cramér & Wold 1936), so it holds
    vectors apart without a teacher, a contrast or a queue.

    Args:
        vectors: (N, D).
        directions: How many are drawn.
        generator: Of the directions.
    """
    chosen = torch.randn(vectors.shape[1], directions, generator=generator).to(vectors)
    return epps_pulley(vectors @ torch.nn.functional.normalize(chosen, dim=0)).mean()


EXPECTED = math.sqrt(2 * math.pi) * (1 - 1 / math.sqrt(3))
"""Mean of `epps_pulley` of standard normal values: ∫ (1 − e^(−t²)) e^(−t²/2) dt, about 1.06."""
