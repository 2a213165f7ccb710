"""What a fit says of each image by itself: the lens with errors, and whether a lens is needed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from lensbench import Measurements, Samples
from lensbench_reference.lens_fitting.lens_fit import Fit, Optics, descend, with_slopes
from lensbench_reference.lens_fitting.lens_images import Fitting, chunks, fits_of, one_image
from lensbench_reference.lens_fitting.lens_verdict import is_far_out, parameter_names
from lensbench_reference.lens_fitting.smooth_lens import (
    LARGEST_ELLIPTICITY,
    LARGEST_SHEAR,
    LENS_ONLY,
    NAMES,
    bounded,
    einstein_radius,
    named,
)

_STEPS = 15
"""Of the fit of a galaxy without a lens."""

_RENAMED = {"source_magnitude": "magnitude"}

NUMBERS = ("theta_E", "lens_e1", "lens_e2", "shear_1", "shear_2", "lens_x", "lens_y")
"""What is measured, by the names of the targets."""


def measured_lenses(samples: Samples, fitting: Fitting) -> dict[str, Tensor]:
    """Numbers (N,) with errors, χ² a pixel, Δχ² of the lens, and models (N, H, W) of images.

    Errors are those of (JᵀJ)⁻¹ times the root of the reduced χ² where that is above one. `gain` is
    how much larger χ² is where the lens has no mass, and two galaxies remain: the light of the
    lens, and what was the source. `edge_NAME` is one where that parameter is far out in its prior.

    Args:
        samples: Images in units of their noise.
        fitting: How lenses are fitted.
    """
    images = one_image(samples)
    fit = fits_of(samples, fitting, Measurements())
    reduced = fit.chi_squared / images[0].numel()
    inflation = reduced.clamp(min=1).sqrt()
    found = {"chi_squared": reduced, "gain": torch.zeros_like(reduced)}
    for name in NUMBERS:
        value, slope = with_slopes(partial(value_of, name), fit.theta)
        error = (slope[:, None] @ fit.covariance @ slope[:, :, None])[:, 0, 0]
        found[name] = value
        found[f"{name}_sigma"] = error.clamp(min=0).sqrt() * inflation
    for name, far in zip(parameter_names(fit), is_far_out(fit).double().unbind(1), strict=True):
        found[f"edge_{name}"] = far
    models = torch.zeros(images.shape)
    for condition, chosen in chunks(samples):
        optics = Optics(condition, images.shape[-1], fitting.oversampling)
        some = fit.take(chosen).to(images.device)
        models[chosen] = optics.images(some.theta).cpu()
        without = _without_lens(optics, images[chosen], some)
        found["gain"][chosen] = (without - some.chi_squared).cpu()
    return {**found, "model": models}


def _without_lens(optics: Optics, images: Tensor, fit: Fit) -> Tensor:
    """χ² (B,) of the best galaxies without a lens, in the noise of the fitted lens.

    From two starts: the source where it would be unlensed, and one as wide as the ring.
    """
    lensless = replace(optics, lensless=True)
    weight = 1 / optics.variance(optics.images(fit.theta))
    flat = fit.theta.clone()
    flat[:, : NAMES.index("lens_x")] = flat.new_tensor([-4.6, 0.0, 0.0])
    for name in ("gamma_1", "gamma_2"):
        flat[:, NAMES.index(name)] = 0.0
    wide = flat.clone()
    wide[:, NAMES.index("ln_radius")] = fit.theta[:, 0]
    wide[:, NAMES.index("source_x") : LENS_ONLY] = 0.0
    wide[:, NAMES.index("magnitude")] -= 2.0
    best = torch.full_like(flat[:, 0], torch.inf)
    for start in (flat, wide):
        theta, _ = descend(lensless, images, start, _STEPS)
        left = ((images - lensless.images(theta)).double() ** 2 * weight).sum((1, 2))
        best = torch.minimum(best, left.nan_to_num(nan=torch.inf))
    return best


def value_of(name: str, theta: Tensor) -> Tensor:
    """A target of one lens's parameters (14,)."""
    p = named(theta)
    if name == "theta_E":
        return einstein_radius(theta)
    if name == "source_radius":
        return p["ln_radius"].exp()
    if name in ("lens_e1", "lens_e2"):
        return p[name] * _shortened(p["lens_e1"], p["lens_e2"], LARGEST_ELLIPTICITY)
    if name.startswith("shear"):
        shear = (p["gamma_1"], p["gamma_2"])
        part = {"shear_1": shear[0], "shear_2": shear[1], "shear": torch.hypot(*shear)}
        return part[name] * _shortened(*shear, LARGEST_SHEAR)
    return p[_RENAMED.get(name, name)]


def _shortened(x: Tensor, y: Tensor, largest: float) -> Tensor:
    """By how much the fit takes a direction's components to be shorter than they are."""
    size = torch.sqrt(x**2 + y**2 + 1e-12)
    return bounded(size, largest) / size
