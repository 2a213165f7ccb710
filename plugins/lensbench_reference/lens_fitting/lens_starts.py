"""Where a lens fit begins: found in the image alone."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from lensbench_reference.lens_fitting.lens_fit import Optics
from lensbench_reference.lens_fitting.rings import without_centre
from lensbench_reference.lens_fitting.smooth_lens import (
    CENTRE,
    COMPONENTS,
    LENS_ONLY,
    LIGHT_NAMES,
    NAMES,
)

_RADII = tuple(0.25 * 1.08**k for k in range(40))
"""Einstein radii tried [arcsec]."""

_OFFSETS = ((0.03, 1), (0.12, 6), (0.25, 8), (0.4, 8))
"""Distances of the source from the lens in units of the Einstein radius, and how many ways."""

_SOURCE_RADIUS = 0.2

MICROJANSKY_ZEROPOINT = 23.9
"""AB magnitude of 1 µJy (Oke & Gunn 1983)."""


def blind_starts(optics: Optics, images: Tensor, count: int, light: bool = False) -> Tensor:
    """The best `count` of a library of simple lenses for each image: parameters (count, B, 14).

    Lenses are round and centred, sources are exponential discs of 0.2″; their flux is solved for.
    After the best comes the best whose source is on the other side, as a nearly whole ring can
    be fitted by a lens that is moved and flattened instead; then the best on either side once
    more, with another Einstein radius.

    Args:
        optics: Makes images.
        images: (B, N, N) in units of σ.
        count: How many starts an image.
        light: Whether the lens galaxy shines: it is taken off first, and parameters are 19, its
            flux that of what was taken off.
    """
    scale = optics.condition.pixel_scale
    ring = without_centre(images, scale) if light else images
    theta = _best(optics, ring, count)
    if not light:
        return theta
    flux = (images - ring).sum((1, 2)).double().clamp(min=1.0)
    brightness = flux * scale**2 * optics.condition.noise_level
    galaxy = CENTRE[LENS_ONLY : LENS_ONLY + len(LIGHT_NAMES) // len(COMPONENTS)].to(theta.device)
    galaxy = galaxy.repeat(*theta.shape[:2], 1)
    galaxy[..., 0] = MICROJANSKY_ZEROPOINT - 2.5 * torch.log10(brightness)
    return torch.cat([theta, galaxy], -1)


def with_disc(theta: Tensor) -> Tensor:
    """Parameters (..., 24) of lenses with bulge and disc, from those of one component (..., 19)."""
    theta, light = theta.clone(), theta[..., LENS_ONLY:]
    disc = CENTRE[LENS_ONLY + light.shape[-1] :].to(theta.device).expand(light.shape).clone()
    half = 2.5 * math.log10(2)
    disc[..., 0], theta[..., LENS_ONLY] = light[..., 0] + half, light[..., 0] + half
    disc[..., 1], theta[..., LENS_ONLY + 1] = light[..., 1] + 0.4, light[..., 1] - 0.4
    disc[..., 3:] = light[..., 3:]
    return torch.cat([theta, disc], -1)


def _best(optics: Optics, images: Tensor, count: int) -> Tensor:
    """Starts (count, B, 14), the best first."""
    trial, model = _library(optics, images.device)
    weight = 1 / optics.variance(images).flatten(1)
    projected = (images.flatten(1) * weight) @ model.T
    squared = (weight @ (model**2).T).clamp(min=1e-12)
    flux = (projected / squared).clamp(min=1e-4)
    gain = 2 * flux * projected - flux**2 * squared
    source = trial[:, [NAMES.index("source_x"), NAMES.index("source_y")]]
    theta_E = trial[:, NAMES.index("ln_theta_E")]
    chosen: list[Tensor] = []
    allowed = torch.ones_like(gain, dtype=torch.bool)
    for _ in range(count):
        chosen.append(torch.where(allowed, gain, -torch.inf).argmax(1))
        allowed = (source[chosen[-1]] @ source.T) < 0
        for used in chosen[:-1]:
            allowed &= theta_E[used][:, None] != theta_E
    starts = trial[torch.stack(chosen)]
    fluxes = torch.stack([flux.gather(1, one[:, None])[:, 0] for one in chosen])
    starts[..., NAMES.index("magnitude")] -= 2.5 * torch.log10(fluxes.double())
    return starts


@functools.lru_cache(maxsize=8)
def _library(optics: Optics, device: torch.device) -> tuple[Tensor, Tensor]:
    """Simple lenses: parameters (K, 14) and images (K, N²)."""
    trial = _grid().flatten(0, 1).to(device)
    return trial, torch.cat([optics.images(some).flatten(1) for some in trial.split(64)])


def _grid() -> Tensor:
    """Parameters (radii, places, 14)."""
    places = [
        (distance * math.cos(angle), distance * math.sin(angle))
        for distance, ways in _OFFSETS
        for angle in (2 * math.pi * (k + 0.5) / ways for k in range(ways))
    ]
    grid = CENTRE[:LENS_ONLY].repeat(len(_RADII), len(places), 1)
    theta_E = torch.tensor(_RADII, dtype=torch.float64)
    where = torch.tensor(places, dtype=torch.float64)
    grid[..., NAMES.index("ln_theta_E")] = theta_E.log()[:, None]
    grid[..., NAMES.index("source_x")] = theta_E[:, None] * where[:, 0]
    grid[..., NAMES.index("source_y")] = theta_E[:, None] * where[:, 1]
    grid[..., NAMES.index("ln_radius")] = math.log(_SOURCE_RADIUS)
    grid[..., NAMES.index("ln_index")] = 0.0
    return grid
