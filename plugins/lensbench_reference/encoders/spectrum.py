"""Hand-made features as an encoder: the floor under everything that learns."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lensbench import Encoder, Features, ring_features, unstretch
from lensbench_reference.hand_made_features import oriented_gradients, shape_statistics


class Spectrum(Encoder, nn.Module):
    """Power spectrum, azimuthal moments, shape statistics and oriented gradients.

    It has no weights, gives no maps, and looks at the mean of the stretched bands.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, images: Tensor) -> Features:
        """Features (B, 244) of stretched images (B, C, H, W)."""
        flat = images.mean(1)
        shapes = shape_statistics(unstretch(flat))
        return Features(torch.cat([ring_features(flat), shapes, oriented_gradients(flat)], 1))
