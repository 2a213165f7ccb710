"""Amplitudes of rings about the centre of images: features that need no weights."""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn

RADIAL_BINS = 16
MOMENTS = 6
RING_FEATURES = RADIAL_BINS * (1 + MOMENTS)
"""Of an image: its power spectrum and `MOMENTS` azimuthal modes, each in as many rings."""

_SLOPE = 1 / 3
"""Of the stretch where images are faint: its deviation of one σ."""


def ring_features(images: Tensor) -> Tensor:
    """Features (B, RING_FEATURES) of stretched images (B, H, W).

    The logarithm of the azimuthally averaged power spectrum, in rings up to the Nyquist
    frequency, and `ring_amplitudes`. None changes where a square image is turned by a quarter or
    flipped.
    """
    return torch.cat([torch.log(_ring_power(images) + 1e-6), ring_amplitudes(images)], 1)


def log_ring_power(images: Tensor) -> Tensor:
    """log(1 + P/N) (B, RADIAL_BINS) of stretched images (B, H, W).

    P is the power spectrum averaged in rings up to the Nyquist frequency, N that of white noise
    of one σ a pixel. What is below the noise is about the same whatever is left of it, as
    after an interpolation.
    """
    noise = images[0].numel() * _SLOPE**2
    return torch.log1p(_ring_power(images) / noise)


def ring_amplitudes(images: Tensor) -> Tensor:
    """Amplitudes (B, RADIAL_BINS × MOMENTS) of azimuthal Fourier modes 1 to `MOMENTS`.

    In rings about the centre of stretched images (B, H, W).
    """
    _, real, imaginary = _rings(images.shape[1], images.shape[2], images.device)
    pixels = images.flatten(1)
    return _length(pixels @ real, pixels @ imaginary)


def _ring_power(images: Tensor) -> Tensor:
    spectral, _, _ = _rings(images.shape[1], images.shape[2], images.device)
    power: Tensor = torch.fft.rfft2(images).abs().square().flatten(1) @ spectral
    return power


def _length(y: Tensor, x: Tensor) -> Tensor:
    """√(x² + y²), with a gradient at zero."""
    return torch.sqrt(y.square() + x.square() + 1e-20)


@functools.lru_cache(maxsize=16)
def _rings(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Means over rings as matrices: of modes (halved by symmetry), and of cos and sin moments."""
    with torch.inference_mode(False):
        k_y, k_x = torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
        twice = torch.full((len(k_x),), 2.0)
        twice[0] = 1.0
        if width % 2 == 0:
            twice[-1] = 1.0
        k = torch.hypot(k_y[:, None], k_x[None, :])
        spectral = _ring_means(k / 0.5, twice.expand(height, -1))

        half = min(height, width) / 2
        y, x = ((torch.arange(side) - (side - 1) / 2) / half for side in (height, width))
        radius = torch.hypot(y[:, None], x[None, :])
        angle = torch.atan2(y[:, None].expand_as(radius), x[None, :].expand_as(radius)).flatten()
        rings = _ring_means(radius, torch.ones_like(radius))
        orders = range(1, MOMENTS + 1)
        real = torch.cat([rings * torch.cos(m * angle)[:, None] for m in orders], 1)
        imaginary = torch.cat([rings * torch.sin(m * angle)[:, None] for m in orders], 1)
        return spectral.to(device), real.to(device), imaginary.to(device)


def _ring_means(radius: Tensor, weight: Tensor) -> Tensor:
    """Weights (pixels, RADIAL_BINS) of means over rings of equal width, of radius 0 to 1."""
    ring = (radius * RADIAL_BINS).long().flatten()
    member = nn.functional.one_hot(ring.clamp(max=RADIAL_BINS), RADIAL_BINS + 1)
    weights = member[:, :RADIAL_BINS] * weight.flatten()[:, None]
    return weights / weights.sum(0).clamp(min=1)
