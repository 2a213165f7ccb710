"""The one stretch between observed images and what encoders see, the same for every entrant."""

from __future__ import annotations

import torch
from torch import Tensor

STRETCH = "asinh-3sigma"
"""Name of the stretch, as it stands in descriptions."""

_SOFTENING = 3.0


def stretch(images: Tensor) -> Tensor:
    """asinh(x / 3) of images in units of σ: linear in the noise, logarithmic in the bright.

    After Lupton, Gunn & Szalay 1999 (AJ 118, 1406).
    """
    return torch.asinh(images / _SOFTENING)


def unstretch(stretched: Tensor) -> Tensor:
    """The inverse of `stretch`: back to units of σ."""
    return torch.sinh(stretched) * _SOFTENING
