"""Smooth lenses fitted to images from blind starts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from lensbench import Condition, Measurements, Samples
from lensbench_reference.lens_fitting.lens_fit import Fit, Optics, descend, least_squares
from lensbench_reference.lens_fitting.lens_starts import blind_starts, with_disc

_COARSE = 0.1
"""Side of the pixels that a fit starts with, at most [arcsec]."""

_HEATS = ((2, 4), (1, 10))
"""How many starts are left after how many steps more."""

_WITH_DISC = 15
"""Steps more after the light of a galaxy has been split into bulge and disc."""

_CPU = torch.device("cpu")

_CHUNK = 16
"""Images fitted together: few enough for a core's cache to hold the derivatives of."""

_FINEST = 4
"""Rays along the side of a pixel, by which coarser sampling is measured."""

_DETECTED = 50.0
"""How much better than an empty sky a fit has to be, in χ², for it to say anything."""


@dataclass(frozen=True)
class Fitting:
    """How lenses are fitted.

    Attributes:
        starts: How many blind starts an image has.
        oversampling: Rays along the side of a pixel, at the end.
        light: Components of the light of lens galaxies: none, one, or a bulge and a disc.
    """

    starts: int = 5
    oversampling: int = 2
    light: int = 0


def chunks(samples: Samples) -> Iterator[tuple[Condition, Tensor]]:
    """Indices of samples to fit together, and the condition with their own seeing."""
    seen = samples.conditions
    for condition in dict.fromkeys(seen):
        same = torch.tensor([i for i, one in enumerate(seen) if one == condition])
        for chosen in same.split(_CHUNK):
            yield condition, chosen


def fitted(samples: Samples, fitting: Fitting, measurements: Measurements) -> Mapping[str, Tensor]:
    """Measures images: the fields of a `Fit`, by name."""
    images = one_image(samples)
    places, fits = [], []
    for condition, chosen in chunks(samples):
        places.append(chosen)
        fits.append(fit_lenses(images[chosen], condition, fitting).to(_CPU))
    order = torch.cat(places).argsort()
    return {
        field.name: torch.cat([getattr(fit, field.name) for fit in fits])[order]
        for field in fields(Fit)
    }


def fits_of(samples: Samples, fitting: Fitting, measurements: Measurements) -> Fit:
    """Lenses fitted to samples, in their order, on the CPU."""
    return Fit(**measurements.of(samples, fitted, fitting))


def fit_lenses(images: Tensor, condition: Condition, fitting: Fitting) -> Fit:
    """Fits images (B, N, N) of a condition, from blind starts.

    All starts go a few steps on pixels of at least 0.1″ with one ray each, the better ones of an
    image to the end, and the best of these on the image as it is, with finer rays. A disc is added
    between these two.
    """
    coarser, coarse = binned(condition, images)
    rough = Optics(coarser, coarse.shape[-1], 1)
    smooth = avg_pool2d(coarse[:, None], 3, 1, 1, count_include_pad=False)[:, 0]
    theta = blind_starts(rough, coarse, fitting.starts, fitting.light > 0)
    for kept, steps in _HEATS:
        count = len(theta)
        seen, floor = (values.repeat(count, 1, 1) for values in (coarse, smooth))
        ends, cost = descend(rough, seen, theta.flatten(0, 1), steps, floor)
        best = cost.view(count, -1).argsort(0)[:kept, :, None]
        ends = ends.view(count, len(images), -1)
        theta = ends.gather(0, best.expand(-1, -1, ends.shape[-1]))
    best = theta[0]
    if fitting.light > 1:
        best, _ = descend(rough, coarse, with_disc(best), _WITH_DISC, smooth)
    fine = Optics(condition, images.shape[-1], fitting.oversampling)
    return least_squares(fine, images, best, 15)


def binned(condition: Condition, images: Tensor) -> tuple[Condition, Tensor]:
    """A condition and its images (B, N, N) with pixels added up to at most 0.1″, for a start."""
    factor = max(1, int(_COARSE / condition.pixel_scale + 1e-6))
    while images.shape[-1] % factor:
        factor -= 1
    coarser = replace(
        condition,
        name=f"{condition.name}-binned",
        pixel_scale=condition.pixel_scale * factor,
        read_noise=condition.read_noise * factor,
        dark_current=condition.dark_current * factor**2,
    )
    return coarser, avg_pool2d(images[:, None], factor)[:, 0] * factor


def plainly_seen(condition: Condition, images: Tensor, theta: Tensor) -> tuple[Optics, Tensor]:
    """Images (B, N, N) for fits with one ray a pixel of at least 0.1″, and the optics of these.

    Images are changed by as much as the fitted lenses (B, P) change from sixteen rays a pixel to
    one, so that what such fits leave over is no matter of sampling.
    """
    coarser, coarse = binned(condition, images)
    optics = Optics(coarser, coarse.shape[-1], 1)
    _, fine = binned(condition, Optics(condition, images.shape[-1], _FINEST).images(theta))
    return optics, coarse - fine + optics.images(theta)


def one_image(samples: Samples) -> Tensor:
    """All bands of samples as one image (N, H, W), whose empty pixels scatter by one.

    Where bands have PSFs of their own it is the reference band, whose PSF the condition has.
    """
    images = samples.images
    if samples.condition.bands:
        return images[:, samples.condition.reference_band]
    return images.sum(1) / math.sqrt(images.shape[1])


def detected(fit: Fit, images: Tensor) -> Tensor:
    """Whether (B,) a lens explains far more than an empty sky does, and more than half of it.

    The second keeps out what is no lens and so bright that anything is better than nothing.
    """
    empty = (images.double() ** 2).sum((1, 2)).to(fit.chi_squared.device)
    gained = empty - fit.chi_squared
    return (gained > _DETECTED) & (gained > 0.5 * (empty - images[0].numel()))
