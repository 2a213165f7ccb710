"""Wiener deconvolution: the best linear estimate for known PSF, noise and power spectrum."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lensbench import (
    Baseline,
    FitContext,
    Predictions,
    Predictor,
    Progress,
    Samples,
    SkyTarget,
    resample,
)
from lensbench_reference.baselines.interpolation import sky_of
from lensbench_reference.deconvolution import SkyOperator
from lensbench_reference.sampling import at_each_scale

_CHOICES = 256


class Wiener(Baseline):
    """Linear minimum mean squared error estimate (Wiener 1949).

    The power spectrum of the skies, isotropic, is that of the training targets, which are behind
    the reference's PSF already: the estimate is of them, T, and the image is taken as the
    condition's transfer over the reference's, times T, in pixels, with white noise of one σ.
    As scenes differ in brightness by far more than in the shape of their spectrum, the power is
    scaled to what each image has beyond its noise.
    """

    def fit(self, context: FitContext) -> Predictor:
        """Measures the mean and the power spectrum of up to 256 training skies."""
        sky = sky_of(context, "wiener")
        known = context.train.take(torch.arange(min(_CHOICES, len(context.train))))
        wanted = known.targets["sky"].cpu().float()
        finite = torch.isfinite(wanted)
        level = torch.where(finite, wanted, 0.0).sum() / finite.sum().clamp(min=1)
        # Unknown pixels count as mean ones.
        power = radial_power(torch.where(finite, wanted - level, 0.0).flatten(0, 1))
        unit = torch.tensor(known.condition.noise_level)
        context.report(Progress(1, 1))
        grid = (wanted.shape[-1], sky.pixel(known.condition))
        shape = torch.tensor(grid, dtype=torch.float64)
        return LinearEstimate(sky, power * unit**2, level * unit, shape)

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The predictor whose state this was."""
        names = ("power", "level", "grid")
        return LinearEstimate(sky_of(context, "wiener"), *(state[name] for name in names))


@dataclass(frozen=True)
class LinearEstimate:
    """The estimate, for images of any condition.

    Attributes:
        sky: What is wanted.
        power: Mean squared modulus of the skies' Fourier modes, by frequency in units of one over
            the field, divided by the number of fine pixels [(µJy/arcsec²)²].
        level: Mean of the skies [µJy/arcsec²].
        grid: What the power was measured on: fine pixels on a side, and their side [arcsec].
    """

    sky: SkyTarget
    power: Tensor
    level: Tensor
    grid: Tensor

    def __call__(self, samples: Samples) -> Predictions:
        """Skies behind the reference's PSF, in units of σ."""
        return {"sky": at_each_scale(self._answers, samples, self.sky)}

    def _answers(self, samples: Samples) -> Tensor:
        images = samples.images.float().cpu()
        unit = samples.condition.noise_level
        level = float(self.level) / unit
        whole = replace(SkyOperator.of(samples, self.sky), target=None)
        power = self.spectrum(whole)
        answers = []
        for index, image in enumerate(images - level):
            operator = whole.one(index)
            weights = wiener_weights(operator, power * brightness(operator, power, image))
            fine = apply_weights(weights, image, operator.upsample) + level
            answers.append(self._on_target(fine, operator))
        return torch.stack(answers)

    def _on_target(self, fine: Tensor, operator: SkyOperator) -> Tensor:
        """A fine sky (C, sN, sN) in the pixels of the target."""
        if not self.sky.fixed:
            return fine
        return resample(fine, operator.fine, self.sky.pixel_scale, self.sky.size)

    def spectrum(self, operator: SkyOperator) -> Tensor:
        """Power (sN, sN) on the fine grid of an operator, in its σ², by frequency on the sky.

        Modes past those that were measured have the power of the last.
        """
        fine = operator.fine
        side, scale = self.grid.tolist()
        ring = _ring(operator.size * operator.upsample, fine, side * scale)
        power = self.power[ring.clamp(max=len(self.power) - 1)] * (scale / fine) ** 2
        return power / operator.condition.noise_level**2

    def state(self) -> Mapping[str, Tensor]:
        """Power spectrum and level."""
        return {"power": self.power, "level": self.level, "grid": self.grid}


def radial_power(skies: Tensor) -> Tensor:
    """Mean of |mode|²/pixels (bins,) of skies (B, S, S), in rings of frequency.

    Rings are as wide as modes are apart, so each has some.
    """
    side = skies.shape[-1]
    mean = (torch.fft.fft2(skies).abs() ** 2).mean(0) / side**2
    ring = _ring(side, 1.0, side).flatten()
    counts = torch.bincount(ring)
    sums = torch.zeros(len(counts)).index_add_(0, ring, mean.flatten())
    return (sums / counts).clamp(min=1e-12)


def brightness(operator: SkyOperator, power: Tensor, image: Tensor) -> float:
    """How much more power an image (C, N, N) has than skies on average, its noise taken off."""
    seen = float((transfer_between(operator).abs() ** 2 * power).mean())
    return max(float((image**2).mean()) - 1.0, 1e-3) / max(seen, 1e-12)


def wiener_weights(operator: SkyOperator, power: Tensor) -> Tensor:
    """Weights (sN, sN), complex, of the image's modes in those of the sky.

    A fine mode k is seen with the transfer h(k), and what several fine modes alias to is one
    mode of the image, m(κ) = Σ h(k) T(k)/s² + noise. The estimate is
    h*(k) P(k) m(κ) / (Σ |h|² P/s² + noise power), the sum over the modes that alias to κ.
    """
    s, n = operator.upsample, operator.size
    transfer = transfer_between(operator)
    seen = (transfer.abs() ** 2 * power).view(s, n, s, n).sum((0, 2)) / s**2
    return transfer.conj() * power / (seen + 1.0).repeat(s, s)


def apply_weights(weights: Tensor, images: Tensor, upsample: int) -> Tensor:
    """Fine skies (..., sN, sN) of images (..., N, N)."""
    modes = torch.fft.fft2(images).repeat(*(1,) * (images.ndim - 2), upsample, upsample)
    return torch.fft.ifft2(modes * weights).real


@functools.lru_cache(maxsize=16)
def transfer_between(operator: SkyOperator) -> Tensor:
    """Transfer (sN, sN), complex, from a sky behind the reference's PSF to the image's pixels.

    Measured with a point source, whose image is taken at fine sampling, pixels integrated; where
    the reference passes next to nothing, or less than the condition, it is one at the most.
    """
    s, n = operator.upsample, operator.size
    side = s * n
    point = torch.zeros(side, side, dtype=torch.float64)
    point[0, 0] = 1.0
    blurred = replace(operator, reference=None).answer(point)
    reference = operator.answer(point)
    ratio = torch.fft.fft2(blurred) / _away_from_zero(torch.fft.fft2(reference))
    ratio = ratio / ratio.abs().clamp(min=1.0)
    # A coarse pixel is the mean of its s × s fine ones, of which it begins at the first.
    kernel = torch.zeros(side, dtype=torch.float64)
    kernel[(-torch.arange(s)) % side] = 1 / s
    block = torch.fft.fft(kernel)
    return (ratio * block[:, None] * block[None, :]).to(torch.complex64)


def _away_from_zero(values: Tensor) -> Tensor:
    return torch.where(values.abs() < 1e-6, torch.full_like(values, 1e-6), values)


def _ring(side: int, pixel_scale: float, field: float) -> Tensor:
    """Which ring each mode (side, side) is of: its frequency times the field, rounded."""
    axis = torch.fft.fftfreq(side) / pixel_scale
    return (torch.hypot(axis[:, None], axis[None, :]) * field).round().long()
