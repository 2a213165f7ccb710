"""Hand-made features: what a classifier can do that never learned to see."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lensbench import FitContext, Predictions, Predictor, Samples, stretch

RADIAL_BINS = 16
MOMENTS = 6


class SpectrumLogisticRegression:
    """Radial power spectrum and azimuthal moments into a logistic regression."""

    version = "1"

    def fit(self, context: FitContext) -> Predictor:
        """Chooses the regularisation by cross-validation on the training samples."""
        from sklearn.linear_model import LogisticRegressionCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        target = context.task.targets[0]
        model = make_pipeline(
            StandardScaler(),
            LogisticRegressionCV(
                Cs=8, cv=4, max_iter=2000, scoring="neg_log_loss",
                l1_ratios=(0.0,), use_legacy_attributes=False,
            ),
        )  # fmt: skip
        wanted = context.train.targets[target].cpu().numpy()
        model.fit(spectrum_features(context.train.images), wanted)
        context.report(1, 1, "")

        def predict(samples: Samples) -> Predictions:
            return {"probability": model.predict_proba(spectrum_features(samples.images))}

        return predict


def spectrum_features(images: Tensor) -> np.ndarray:
    """Features (B, RADIAL_BINS + RADIAL_BINS × MOMENTS) of images in units of σ.

    The logarithm of the azimuthally averaged power spectrum, in bins of radius up to the Nyquist
    frequency, and the amplitudes of azimuthal Fourier modes 1 to `MOMENTS` of the stretched image
    in rings about its centre.
    """
    flat = stretch(images.cpu()).mean(1)
    power = torch.fft.fft2(flat).abs() ** 2
    frequency = torch.fft.fftfreq(flat.shape[-1])
    k = torch.hypot(frequency[:, None], frequency[None, :])
    spectrum = torch.log(_ring_means(power, k / 0.5) + 1e-6)

    axis = (torch.arange(flat.shape[-1]) - (flat.shape[-1] - 1) / 2) / (flat.shape[-1] / 2)
    radius = torch.hypot(axis[:, None], axis[None, :])
    angle = torch.atan2(axis[:, None].expand_as(radius), axis[None, :].expand_as(radius))
    moments = [
        _ring_means(flat * torch.exp(1j * m * angle), radius).abs() for m in range(1, MOMENTS + 1)
    ]
    return torch.cat([spectrum, *moments], 1).numpy()


def _ring_means(values: Tensor, radius: Tensor) -> Tensor:
    """Means (B, RADIAL_BINS) over rings of equal width, of radius 0 to 1."""
    ring = (radius * RADIAL_BINS).long().flatten()
    inside = ring < RADIAL_BINS
    sums = torch.zeros(len(values), RADIAL_BINS, dtype=values.dtype)
    sums.index_add_(1, ring[inside], values.flatten(1)[:, inside])
    counts = torch.bincount(ring[inside], minlength=RADIAL_BINS).clamp(min=1)
    return sums / counts
