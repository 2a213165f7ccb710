"""Amplitudes of rings alone, as an encoder: what an encoder has to add to."""

from __future__ import annotations

from torch import Tensor, nn

from lensbench import Encoder, Features, ring_features


class Rings(Encoder, nn.Module):
    """Power spectrum and azimuthal modes in rings about the centre; no weights, no maps.

    It looks at the mean of the stretched bands. `rings:view=0.1` has rings of the same radius in
    arcsec under every condition.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, images: Tensor) -> Features:
        """Features (B, RING_FEATURES) of stretched images (B, C, H, W)."""
        return Features(ring_features(images.mean(1)))
