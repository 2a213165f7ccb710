"""Whether a lens fit is to be trusted: what it leaves over, and parameters far out in their priors.

A fit far out in its priors has mostly ended in a wrong minimum, or models what no smooth lens is.
"""

from __future__ import annotations

from torch import Tensor

from lensbench import Measurements, Samples
from lensbench_reference.lens_fitting.lens_fit import Fit, Optics
from lensbench_reference.lens_fitting.lens_images import Fitting, chunks, fits_of, one_image
from lensbench_reference.lens_fitting.smooth_lens import LIGHT_NAMES, NAMES, priors

FAR = 2.5
"""Widths of its prior from which a parameter is far out."""

BRIGHT = 3.0
"""Of a model, in units of σ: where a residual counts that faint pixels must not dilute."""

_POOR = 2.0
"""χ² a pixel of bright pixels above which a fit is poor."""


def doubts(samples: Samples, fitting: Fitting, measurements: Measurements) -> list[list[str]]:
    """Why each fit is not to be trusted as it stands; empty where nothing says so."""
    images, fit = one_image(samples), fits_of(samples, fitting, measurements)
    whole = fit.chi_squared / images[0].numel()
    bright = whole.clone()
    for condition, chosen in chunks(samples):
        optics = Optics(condition, images.shape[-1], fitting.oversampling)
        model = optics.images(fit.theta[chosen].to(images.device))
        found = bright_chi_squared(images[chosen], model, optics.variance(model))
        bright[chosen] = found.to(bright.device)
    return [
        [*_poor(*each), *_far(names)]
        for *each, names in zip(whole.tolist(), bright.tolist(), far_out(fit), strict=True)
    ]


def edges(samples: Samples, fitting: Fitting, measurements: Measurements) -> list[str]:
    """Which parameters of each fit are far out in their priors; empty where none is."""
    found = far_out(fits_of(samples, fitting, measurements))
    return ["; ".join(_far(names)) for names in found]


def bright_chi_squared(images: Tensor, model: Tensor, variance: Tensor) -> Tensor:
    """χ² a pixel (B,) of those pixels (B, N, N) where models are bright; of all if none is."""
    squared = (images - model).double().square() / variance
    lit = model > BRIGHT
    lit = lit | ~lit.any(2).any(1)[:, None, None]
    return (squared * lit).sum((1, 2)) / lit.sum((1, 2))


def far_out(fit: Fit) -> list[list[str]]:
    """Names of the parameters of each fit that lie far out in their priors."""
    names = parameter_names(fit)
    return [
        [name for name, one in zip(names, row, strict=True) if one]
        for row in is_far_out(fit).tolist()
    ]


def is_far_out(fit: Fit) -> Tensor:
    """Whether (B, P) parameters lie far out in their priors."""
    centre, width = priors(fit.theta)
    return ((fit.theta - centre) / width).abs() > FAR


def parameter_names(fit: Fit) -> tuple[str, ...]:
    """Names of the parameters (P) of a fit."""
    return (*NAMES, *LIGHT_NAMES)[: fit.theta.shape[1]]


def _poor(whole: float, bright: float) -> list[str]:
    if bright <= _POOR:
        return []
    return [f"poor fit: χ² of {whole:.1f} a pixel, {bright:.1f} where it is bright"]


def _far(names: list[str]) -> list[str]:
    return [f"edge of priors: {', '.join(names)}"] if names else []
