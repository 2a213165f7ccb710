"""Metrics of predicted skies: pixels, light, scales, arcs, and agreement with the image."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lensbench import Metric, Predictions, Samples, SkyTarget, UndefinedError, condition_of
from lensbench_reference.deconvolution import SkyOperator

Measure = Callable[[Predictions, Samples], np.ndarray]
"""From predictions and samples to one value a sample (N,)."""

_TOGETHER = 256
"""Samples that a metric is computed of together."""

_AT_ONCE = 16
"""Images whose similarity is computed together: fastest on a CPU, by about two to one."""

SCALES = {"0.2": (0.14, 0.28), "0.4": (0.28, 0.57)}
"""Wavelengths [arcsec] between which power and correlation are taken, by the name of the band."""

_ARCS = (0.5, 1.5)
"""Radii between which arcs lie, in units of the Einstein radius."""

_CLOSE = 1e-3
"""Relative difference below which lengths count as equal."""

_FAINTEST = 0.1
"""Surface brightness of the arcs over that of their brightest pixel, at least."""


def sky_metrics(sky: SkyTarget) -> tuple[Metric, ...]:
    """Metrics of answered skies, the PSNR first. PSNR and SSIM take the dataset's data range.

    Args:
        sky: What is answered.
    """

    def metric(name: str, measure: Measure, up: bool | None = True, **more: Any) -> Metric:
        asked = partial(_in_parts, sky, measure)
        return Metric(name, asked, higher_is_better=up, per_sample=True, **more)

    arcs = {"target": "theta_E"}
    return (
        metric("psnr", _psnr, unit="dB"),
        metric("ssim", _ssim),
        metric("flux_error", _flux_error, False, scale="log"),
        metric("residual_chi2", _residual_chi2, False, interval=False),
        metric("image_chi2", partial(_image_chi2, sky), None),
        *(
            metric(f"power_ratio_{name}", partial(_power_ratio, sky, band), None)
            for name, band in SCALES.items()
        ),
        *(
            metric(f"correlation_{name}", partial(_correlation, sky, band))
            for name, band in SCALES.items()
        ),
        metric("arc_flux", partial(_arc_flux, sky), None, **arcs),
        metric("arc_offset", partial(_arc_offset, sky), False, unit="arcsec", **arcs),
        metric("arc_radius", partial(_arc_radius, sky), None, unit="arcsec", **arcs),
    )


def _in_parts(
    sky: SkyTarget, measure: Measure, predictions: Predictions, samples: Samples
) -> np.ndarray:
    """A metric of a part of the samples at a time, so that memory does not grow with their number.

    Raises:
        UndefinedError: Where the image is sharper than the target, by its PSF or its pixels.
    """
    condition = samples.condition
    if sky.reference and (reference := condition_of(sky.reference)).psf_fwhm > condition.psf_fwhm:
        raise UndefinedError(
            f"{condition.name} is sharper than the target, which has the PSF of {reference.name}"
        )
    if sky.fixed and condition.pixel_scale < (1 - _CLOSE) * sky.pixel_scale:
        raise UndefinedError(
            f"{condition.name} has pixels of {condition.pixel_scale:g} arcsec, finer than those "
            f"of the target ({sky.pixel_scale:g} arcsec)"
        )
    parts = torch.split(torch.arange(len(samples)), _TOGETHER)
    return np.concatenate(
        [measure({"sky": predictions["sky"][part.numpy()]}, samples.take(part)) for part in parts]
    )


def mean_squared_error(answer: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared error (B,) over the pixels where the truth is known."""
    known = torch.isfinite(wanted)
    squared = torch.where(known, answer - torch.nan_to_num(wanted), 0.0) ** 2
    return squared.sum((1, 2, 3)) / known.sum((1, 2, 3)).clamp(min=1)


def _pair(predictions: Predictions, samples: Samples) -> tuple[Tensor, Tensor]:
    return torch.as_tensor(predictions["sky"]), samples.targets["sky"]


def _psnr(predictions: Predictions, samples: Samples) -> np.ndarray:
    """10 log10(range² / mean squared error), image by image [dB]."""
    error = mean_squared_error(*_pair(predictions, samples)).clamp(min=1e-20)
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


def _image_chi2(sky: SkyTarget, predictions: Predictions, samples: Samples) -> np.ndarray:
    """Mean squared residual of the image less the answer seen under its condition, over the noise.

    The answer is behind the reference's PSF, so it is blurred by the ratio of both PSFs' transfer
    functions and averaged over the image's pixels. One is what the truth has; below one the answer
    takes up noise, above it the answer contradicts the image. The PSF is the true one, whatever
    the method was told. The noise is as in `residual_chi2`. Pixels count where the answer reaches
    a width of the PSF beyond them.
    """
    answer, wanted = _pair(predictions, samples)
    known = torch.isfinite(wanted)
    truly = replace(samples, condition=samples.condition.true)
    seen = SkyOperator.of(truly, sky).again(torch.where(known, answer, 0.0))
    coarse = _well_inside(sky, known, samples)
    condition = samples.condition
    electrons = condition.sigma_electrons * condition.noise_correlation**2
    squared = (samples.images - seen) ** 2 / (1 + seen.clamp(min=0) / electrons)
    total = torch.where(coarse, squared, 0.0).sum((1, 2, 3))
    return (total / coarse.sum((1, 2, 3)).clamp(min=1)).numpy()


def _well_inside(sky: SkyTarget, known: Tensor, samples: Samples) -> Tensor:
    """Pixels of the image (B, C, H, W) whose light, but for the PSF's wings, comes from known sky.

    Args:
        sky: What is answered.
        known: Where the truth is known (B, C, S, T).
        samples: With images.
    """
    condition, pixel = samples.condition, sky.pixel(samples.condition)
    behind = condition_of(sky.reference).psf_fwhm if sky.reference else condition.psf_fwhm
    added = math.sqrt(max(0.0, condition.psf_fwhm**2 - behind**2))
    if sky.fixed:
        reach = math.ceil(added / pixel)
        unknown = torch.nn.functional.pad((~known).float(), (reach,) * 4, value=1.0)
        for window in ((2 * reach + 1, 1), (1, 2 * reach + 1)):  # quicker than the square
            unknown = torch.nn.functional.max_pool2d(unknown, window, 1)
        known = unknown == 0
    rows, columns = (
        _shares(side, condition.pixel_scale, fine, pixel).to(samples.images)
        for side, fine in zip(samples.images.shape[-2:], known.shape[-2:], strict=True)
    )
    return rows @ known.to(samples.images) @ columns.T > 1 - _CLOSE


def _shares(size: int, scale: float, fine_size: int, fine: float) -> Tensor:
    """Share of each pixel (size, fine_size) that lies in each fine one, on grids of one centre."""
    edges, inner = (
        (torch.arange(n + 1, dtype=torch.float64) - n / 2) * side
        for n, side in ((size, scale), (fine_size, fine))
    )
    upper = torch.minimum(edges[1:, None], inner[None, 1:])
    lower = torch.maximum(edges[:-1, None], inner[None, :-1])
    return (upper - lower).clamp(min=0) / scale


def _power_ratio(
    sky: SkyTarget, band: tuple[float, float], predictions: Predictions, samples: Samples
) -> np.ndarray:
    """Power of the answer over that of the truth between two wavelengths, image by image."""
    answer, truth = _waves(sky, band, predictions, samples)
    return (_power(answer) / _power(truth)).numpy()


def _correlation(
    sky: SkyTarget, band: tuple[float, float], predictions: Predictions, samples: Samples
) -> np.ndarray:
    """Correlation of answer and truth between two wavelengths, image by image; zero of no power."""
    answer, truth = _waves(sky, band, predictions, samples)
    both = (answer * truth.conj()).real.sum(1)
    norm = (_power(answer) * _power(truth)).sqrt()
    return torch.where(norm > 0, both / norm.clamp(min=1e-30), 0.0).numpy()


def _power(waves: Tensor) -> Tensor:
    return waves.abs().square().sum(1)


def _waves(
    sky: SkyTarget, band: tuple[float, float], predictions: Predictions, samples: Samples
) -> tuple[Tensor, Tensor]:
    """Amplitudes (B, K) of the answer and of the truth between two wavelengths [arcsec].

    Raises:
        UndefinedError: Where the pixels are too coarse for them.
    """
    answer, wanted = _pair(predictions, samples)
    known = torch.isfinite(wanted)
    if samples.pixel_scale is not None and not sky.fixed:
        raise UndefinedError("images have several pixel scales, and wavelengths are of one")
    pixel = sky.pixel(samples.condition)
    rows, columns = (torch.fft.fftfreq(side, pixel) for side in wanted.shape[-2:])
    frequency = torch.hypot(rows[:, None], columns[None])
    short, long = band
    if short < 2 * pixel:
        raise UndefinedError(f"pixels of {pixel:.3g} arcsec hold no wavelength of {short:g} arcsec")
    chosen = (frequency >= 1 / long) & (frequency < 1 / short)
    both = (torch.where(known, answer, 0.0), torch.nan_to_num(wanted))
    one, other = (torch.fft.fft2(image.double())[..., chosen].flatten(1) for image in both)
    return one, other


def _arc_flux(sky: SkyTarget, predictions: Predictions, samples: Samples) -> np.ndarray:
    """Flux of the answer over that of the truth, less one, where the truth has arcs."""
    answer, truth, *_ = _arcs(sky, predictions, samples)
    return (answer.sum((1, 2)) / truth.sum((1, 2)) - 1).numpy()


def _arc_offset(sky: SkyTarget, predictions: Predictions, samples: Samples) -> np.ndarray:
    """Distance [arcsec] between the centres of light of answer and truth, where there are arcs."""
    answer, truth, x, y = _arcs(sky, predictions, samples)
    (ax, ay), (tx, ty) = (
        ((light * x).sum((1, 2)), (light * y).sum((1, 2)))
        for light in (_share(answer), _share(truth))
    )
    return torch.hypot(ax - tx, ay - ty).numpy()


def _arc_radius(sky: SkyTarget, predictions: Predictions, samples: Samples) -> np.ndarray:
    """Mean radius of the light in the arcs of the answer, less that of the truth [arcsec].

    The mean is taken of both in the same way, so that it is an error of the Einstein radius that
    one would measure on the answer, not a difference of definitions.
    """
    answer, truth, x, y = _arcs(sky, predictions, samples)
    radius = torch.hypot(x, y)
    of_answer, of_truth = ((_share(light) * radius).sum((1, 2)) for light in (answer, truth))
    return (of_answer - of_truth).numpy()


def _share(light: Tensor) -> Tensor:
    """Each pixel's share of the positive light (B, H, W); even where there is none."""
    positive = light.clamp(min=0) + 1e-12 * (light != 0)
    return positive / positive.sum((1, 2), keepdim=True).clamp(min=1e-30)


def _arcs(
    sky: SkyTarget, predictions: Predictions, samples: Samples
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Answer and truth (B, H, W) where the truth has arcs, zero elsewhere, and places [arcsec].

    Arcs lie between half and one and a half Einstein radii, and are at least a tenth as
    bright as their brightest pixel.
    """
    answer, wanted = (image.mean(1).double() for image in _pair(predictions, samples))
    if "theta_E" not in samples.targets:
        raise NotImplementedError("no Einstein radius says where the arcs are")
    scales = torch.tensor([sky.pixel(condition) for condition in samples.conditions])
    pixel = scales[:, None, None]
    y, x = (torch.arange(side) - (side - 1) / 2 for side in wanted.shape[-2:])
    x, y = torch.broadcast_tensors(pixel * x[None], pixel * y[:, None])
    theta_E = samples.targets["theta_E"].double()[:, None, None]
    ring = torch.hypot(x, y) / theta_E
    around = torch.isfinite(wanted) & (ring > _ARCS[0]) & (ring < _ARCS[1])
    light = torch.where(around, torch.nan_to_num(wanted), 0.0)
    mask = around & (light > _FAINTEST * light.amax((1, 2), keepdim=True))
    return torch.where(mask, answer, 0.0), torch.where(mask, light, 0.0), x, y
