"""Hand-made features: what a classifier can do that never learned to see."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from lensbench import Baseline, FitContext, Predictor, stretch
from lensbench_reference.baselines.classes import logistic_regression, restored

RADIAL_BINS = 16
MOMENTS = 6
_CHUNK = 64


class SpectrumLogisticRegression(Baseline):
    """Radial power spectrum and azimuthal moments into a logistic regression."""

    @dataclass(frozen=True)
    class Options:
        """Options of `spectrum-logreg`.

        Attributes:
            bands: Whether bands are averaged, or each has its own features, so that colours count.
        """

        bands: Literal["mean", "each"] = "mean"

    def __init__(self, options: Options) -> None:
        self._features = spectrum_features if options.bands == "mean" else features_of_bands

    def fit(self, context: FitContext) -> Predictor:
        """Chooses the regularisation by cross-validation on the training samples."""
        return logistic_regression(self._features, context, "spectrum-logreg")

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The predictor whose state this was."""
        return restored(self._features, context, "spectrum-logreg", state)


def features_of_bands(images: Tensor) -> np.ndarray:
    """The features of each band of images (B, C, N, N), one after the other."""
    return np.concatenate([spectrum_features(band) for band in images.split(1, 1)], 1)


def spectrum_features(images: Tensor) -> np.ndarray:
    """Features (B, RADIAL_BINS + RADIAL_BINS × MOMENTS) of images in units of σ.

    The logarithm of the azimuthally averaged power spectrum, in bins of radius up to the Nyquist
    frequency, and the amplitudes of azimuthal Fourier modes 1 to `MOMENTS` of the stretched image
    in rings about its centre.

    Args:
        images: (B, C, N, N); bands are averaged after the stretch.
    """
    spectral, real, imaginary = _rings(images.shape[-1])
    parts = []
    for chunk in images.cpu().float().split(_CHUNK):
        flat = stretch(chunk).mean(1)
        power = torch.fft.rfft2(flat).abs().square().flatten(1)
        spectrum = torch.log(power @ spectral + 1e-6)
        pixels = flat.flatten(1)
        parts.append(torch.cat([spectrum, torch.hypot(pixels @ real, pixels @ imaginary)], 1))
    return torch.cat(parts).numpy()


@functools.lru_cache(maxsize=8)
def _rings(size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Means over rings as matrices: of modes (halved by symmetry), and of cos and sin moments."""
    k_y = torch.fft.fftfreq(size)
    k_x = torch.fft.rfftfreq(size)
    twice = torch.full((len(k_x),), 2.0)
    twice[0] = 1.0
    if size % 2 == 0:
        twice[-1] = 1.0
    k = torch.hypot(k_y[:, None], k_x[None, :])
    spectral = _ring_means(k / 0.5, twice.expand(size, -1))

    axis = (torch.arange(size) - (size - 1) / 2) / (size / 2)
    radius = torch.hypot(axis[:, None], axis[None, :])
    angle = torch.atan2(axis[:, None].expand_as(radius), axis[None, :].expand_as(radius))
    rings = _ring_means(radius, torch.ones_like(radius))
    orders = range(1, MOMENTS + 1)
    real = torch.cat([rings * torch.cos(m * angle).flatten()[:, None] for m in orders], 1)
    imaginary = torch.cat([rings * torch.sin(m * angle).flatten()[:, None] for m in orders], 1)
    return spectral, real, imaginary


def _ring_means(radius: Tensor, weight: Tensor) -> Tensor:
    """Weights (pixels, RADIAL_BINS) of means over rings of equal width, of radius 0 to 1."""
    ring = (radius * RADIAL_BINS).long().flatten()
    member = torch.nn.functional.one_hot(ring.clamp(max=RADIAL_BINS), RADIAL_BINS + 1)
    weights = member[:, :RADIAL_BINS] * weight.flatten()[:, None]
    return weights / weights.sum(0).clamp(min=1)
