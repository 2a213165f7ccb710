"""What tasks with the sky as their target share: a head, a loss and metrics of images."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from lensbench import (
    Features,
    FeatureShape,
    Metric,
    Predictions,
    Samples,
    SkyTarget,
    stretch,
    unstretch,
)
from lensbench_reference.deconvolution import deconvolved

_AT_ONCE = 16
"""Images whose similarity is worked out together: fastest on a CPU, by about two to one."""


class ResidualHead(nn.Module):
    """Fuses all maps with the image and its deconvolution, and predicts a residual.

    The residual is added, in the stretched domain, to the image deconvolved with its condition's
    PSF by `deconvolved`; it is zero at the start, so that training begins at a traditional answer.
    All is worked out on a grid of every second pixel of the image, each place of which stands for
    its pixels, and for all fine ones in them: there convolutions cost least.
    """

    WIDTH = 32
    GRID = 2
    GAIN = 4.0
    """Of the residual over the last convolution: how much faster than the rest it learns."""

    def __init__(self, shape: FeatureShape, sky: SkyTarget) -> None:
        super().__init__()
        self.sky = sky
        self.fine = self.GRID * sky.upsample
        width, answered = self.WIDTH, shape.channels * self.fine**2
        self.stem = nn.Conv2d(shape.channels * self.GRID**2 + answered, width, 3, padding=1)
        self.maps = nn.ModuleList(
            nn.Conv2d(d, width * max(1, stride // 8) ** 2, 1) for d, stride in shape.maps
        )
        self.body = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.out = nn.Conv2d(width, answered, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias if self.out.bias is not None else torch.empty(0))
        self.to(memory_format=torch.channels_last)

    def forward(self, features: Features, batch: Samples) -> Tensor:
        """Images (B, C, sH, sW) in the unit of the input."""
        start = stretch(deconvolved(batch, self.sky))
        seen = (
            nn.functional.pixel_unshuffle(stretch(batch.images), self.GRID),
            nn.functional.pixel_unshuffle(start, self.fine),
        )
        hidden = self.stem(torch.cat(seen, 1).contiguous(memory_format=torch.channels_last))
        for project, feature_map in zip(self.maps, features.maps, strict=True):
            projected = project(feature_map)
            finer = math.isqrt(projected.shape[1] // self.WIDTH)
            projected = nn.functional.pixel_shuffle(projected, finer)
            hidden = hidden + nn.functional.interpolate(
                projected, hidden.shape[-2:], mode="bilinear"
            )
        for layer in self.body:
            hidden = hidden + layer(nn.functional.gelu(hidden))
        residual = self.out(nn.functional.gelu(hidden))
        return unstretch(start + self.GAIN * nn.functional.pixel_shuffle(residual, self.fine))


def sky_loss(answer: Tensor, batch: Samples) -> Tensor:
    """Mean logarithm of each image's mean squared error: the mean PSNR but for a factor."""
    return torch.log(_mean_squared_error(answer, batch.targets["sky"])).mean()


def sky_metrics() -> tuple[Metric, ...]:
    """Metrics of answered skies, the PSNR first. PSNR and SSIM take the dataset's data range."""
    return (
        Metric("psnr", _psnr, unit="dB", per_sample=True),
        Metric("ssim", _ssim, per_sample=True),
        Metric("flux_error", _flux_error, higher_is_better=False, per_sample=True),
        Metric("residual_chi2", _residual_chi2, higher_is_better=False, per_sample=True),
    )


def _mean_squared_error(answer: Tensor, wanted: Tensor) -> Tensor:
    """(B,) over the pixels where the truth is known."""
    known = torch.isfinite(wanted)
    squared = torch.where(known, answer - torch.nan_to_num(wanted), 0.0) ** 2
    return squared.sum((1, 2, 3)) / known.sum((1, 2, 3)).clamp(min=1)


def _pair(predictions: Predictions, samples: Samples) -> tuple[Tensor, Tensor]:
    return torch.as_tensor(predictions["sky"]), samples.targets["sky"]


def _psnr(predictions: Predictions, samples: Samples) -> np.ndarray:
    """10 log10(range² / mean squared error), image by image [dB]."""
    error = _mean_squared_error(*_pair(predictions, samples)).clamp(min=1e-20)
    return (20 * math.log10(samples.data_range) - 10 * torch.log10(error)).numpy()


def _ssim(predictions: Predictions, samples: Samples) -> np.ndarray:
    """Structural similarity (Wang et al. 2004), over the pixels where the truth is known."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    answer, wanted = _pair(predictions, samples)
    known = torch.isfinite(wanted)
    # A few at a time, as channels of one image: the convolutions behind it then stay in the cache.
    parts = [
        structural_similarity_index_measure(
            a.flatten(0, 1)[None],
            w.flatten(0, 1)[None],
            reduction="none",
            data_range=samples.data_range,
            return_full_image=True,
        )[1].reshape(w.shape)
        for a, w in zip(
            torch.where(known, answer, 0.0).split(_AT_ONCE),
            torch.nan_to_num(wanted).split(_AT_ONCE),
            strict=True,
        )
    ]
    similarity = torch.cat(parts)
    count = known.sum((1, 2, 3)).clamp(min=1)
    return (torch.where(known, similarity, 0.0).sum((1, 2, 3)) / count).numpy()


def _flux_error(predictions: Predictions, samples: Samples) -> np.ndarray:
    """|flux of the answer / flux of the truth − 1|, image by image."""
    answer, wanted = _pair(predictions, samples)
    known = torch.isfinite(wanted)
    flux = torch.where(known, answer, 0.0).sum((1, 2, 3))
    truth = torch.nan_to_num(wanted).sum((1, 2, 3))
    return (flux / truth - 1).abs().numpy()


def _residual_chi2(predictions: Predictions, samples: Samples) -> np.ndarray:
    """Mean squared residual over the variance of the input's noise there, image by image.

    One pixel of the input at surface brightness t [σ] varies by 1 + max(t, 0)/(σ_e R²), with σ_e
    electrons of noise in an empty one and R its `noise_correlation`: the second term is the
    photons of the source. One is what an answer as noisy as the input has.
    """
    answer, wanted = _pair(predictions, samples)
    known = torch.isfinite(wanted)
    condition = samples.condition
    electrons = condition.sigma_electrons * condition.noise_correlation**2
    variance = 1 + torch.nan_to_num(wanted).clamp(min=0) / electrons
    squared = torch.where(known, answer - torch.nan_to_num(wanted), 0.0) ** 2 / variance
    return (squared.sum((1, 2, 3)) / known.sum((1, 2, 3)).clamp(min=1)).numpy()
