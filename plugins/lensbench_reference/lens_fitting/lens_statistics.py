"""Statistics of lens fits: what a smooth lens explains, and its residual."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from lensbench import Condition, Measurements, Samples
from lensbench_reference.lens_fitting.lens_fit import Fit, Optics, descend
from lensbench_reference.lens_fitting.lens_images import (
    Fitting,
    chunks,
    fits_of,
    one_image,
    plainly_seen,
)
from lensbench_reference.lens_fitting.lens_residual import Residual, residual_features
from lensbench_reference.lens_fitting.smooth_lens import (
    CENTRE,
    NAMES,
    named,
    shining,
    without_mass,
)

_STEPS = 8
"""Of the fit of a galaxy without lens."""


STATISTICS = 34
"""How many there are."""


def statistics_of(samples: Samples, fitting: Fitting, measurements: Measurements) -> Tensor:
    """Statistics (N, `STATISTICS`) of lens fits to images."""
    return measurements.of(samples, lens_statistics, fitting)["statistics"]


def lens_statistics(
    samples: Samples, fitting: Fitting, measurements: Measurements
) -> Mapping[str, Tensor]:
    """Measures images: `statistics` (N, `STATISTICS`) of each lens fit."""
    images, fits = one_image(samples), fits_of(samples, fitting, measurements)
    places, rows = [], []
    for condition, chosen in chunks(samples):
        places.append(chosen)
        fit = fits.take(chosen).to(images.device)
        rows.append(_statistics(images[chosen], condition, fit).cpu())
    return {"statistics": torch.cat(rows)[torch.cat(places).argsort()]}


def described_lenses(theta: Tensor) -> Tensor:
    """What fits (N, P) say of lens, source and light (N, D), by numbers that no turn changes.

    Sizes, profiles, magnitudes, flattenings and offsets, and how they compare: of the source with
    the radius of the ring and the light of the lens.
    """
    p = named(theta)
    radius = p["ln_theta_E"]
    offset = torch.hypot(p["source_x"], p["source_y"])
    columns = [
        radius,
        torch.hypot(p["lens_e1"], p["lens_e2"]),
        torch.hypot(p["lens_x"], p["lens_y"]),
        torch.hypot(p["gamma_1"], p["gamma_2"]),
        p["magnitude"],
        p["ln_radius"],
        p["ln_index"],
        torch.hypot(p["source_e1"], p["source_e2"]),
        offset,
        offset / radius.exp(),
        p["ln_radius"] - radius,
    ]
    for part in shining(p):
        e_1, e_2 = p[f"{part}_e1"], p[f"{part}_e2"]
        columns += [p[f"{part}_magnitude"], p[f"ln_{part}_radius"], p[f"ln_{part}_index"]]
        columns += [torch.hypot(e_1, e_2), p["lens_e1"] * e_1 + p["lens_e2"] * e_2]
        columns += [p["magnitude"] - p[f"{part}_magnitude"], p[f"ln_{part}_radius"] - radius]
    return torch.stack(columns, 1)


def _statistics(images: Tensor, condition: Condition, fit: Fit) -> Tensor:
    found = Residual.of(*plainly_seen(condition, images, fit.theta), fit.theta)
    evidence = torch.stack(_evidence(found, fit), 1)
    return torch.cat([residual_features(found), evidence], 1).nan_to_num().clamp(-50, 50)


def _evidence(found: Residual, fit: Fit) -> list[Tensor]:
    """How much better the lens is than an empty sky and than a galaxy, in χ², by logarithms."""
    images, pixels = found.images, found.images[0].numel()
    empty = images.double().square().sum((1, 2))
    galaxy = _galaxy(found.optics, images, fit.theta.shape[1])
    lens = found.chi_squared.clamp(min=1.0)
    return [
        (empty / pixels).clamp(min=1e-6).log(),
        (empty / lens).clamp(min=1e-6).log(),
        (galaxy / lens).clamp(min=1e-6).log(),
        (galaxy / pixels).clamp(min=1e-6).log(),
        fit.theta[:, 0],
    ]


def _galaxy(optics: Optics, images: Tensor, count: int) -> Tensor:
    """χ² (B,) of a galaxy that lenses nothing, a disc and perhaps a bulge about one place."""
    alone = Optics(optics.condition, optics.size, 1, lensless=True)
    centre, _ = without_mass(CENTRE[:count], CENTRE[:count])
    start = centre.repeat(len(images), 1).to(images.device)
    start[:, NAMES.index("magnitude")] = 21.0
    start[:, NAMES.index("ln_radius")] = -0.3
    smooth = images.clamp(min=0)
    theta, _ = descend(alone, images, start, _STEPS, smooth)
    model = alone.images(theta)
    left = (images - model).double().square() / alone.variance(model)
    return left.sum((1, 2)).nan_to_num(nan=1e12, posinf=1e12)
