"""Where a lens fit begins: found in the image alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensbench_reference.baselines.lens_fit import CENTRE, LENS_ONLY, NAMES, Optics
from lensbench_reference.baselines.rings import ring_radius, without_centre

_RADII = (0.7, 0.8, 0.87, 0.94, 1.01, 1.1, 1.25)
"""Einstein radii tried, in units of the mean radius of the ring's light."""

_OFFSETS = ((0.03, 1), (0.12, 6), (0.25, 8), (0.4, 8))
"""Distances of the source from the lens in units of the Einstein radius, and how many ways."""

_SOURCE_RADIUS = 0.2
_LARGEST = 5.0

MICROJANSKY_ZEROPOINT = 23.9
"""AB magnitude of 1 µJy (Oke & Gunn 1983)."""


def blind_starts(optics: Optics, images: Tensor, count: int, light: bool = False) -> Tensor:
    """The best `count` of a grid of simple lenses for each image: parameters (count, B, 14).

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
    seen = ring_radius(images, optics.condition.pixel_scale).clamp(0.1, _LARGEST)
    starts = [
        _of_one(optics, image, float(radius), count)
        for image, radius in zip(ring, seen, strict=True)
    ]
    theta = torch.stack(starts, 1)
    if not light:
        return theta
    flux = (images - ring).sum((1, 2)).double().clamp(min=1.0)
    brightness = flux * scale**2 * optics.condition.noise_level
    galaxy = CENTRE[LENS_ONLY:].repeat(*theta.shape[:2], 1)
    galaxy[..., 0] = MICROJANSKY_ZEROPOINT - 2.5 * torch.log10(brightness)
    return torch.cat([theta, galaxy], -1)


def _of_one(optics: Optics, image: Tensor, ring: float, count: int) -> Tensor:
    """Starts (count, 14) for one image, the best first."""
    trial = _grid(ring).flatten(0, 1)
    model = optics.images(trial).flatten(1)
    weight = 1 / optics.variance(image).flatten()
    projected = (model * weight) @ image.flatten()
    flux = (projected / ((model**2) @ weight).clamp(min=1e-12)).clamp(min=1e-4)
    gain = 2 * flux * projected - flux**2 * ((model**2) @ weight)
    trial[:, NAMES.index("magnitude")] -= 2.5 * torch.log10(flux.double())
    chosen: list[int] = []
    source = trial[:, [NAMES.index("source_x"), NAMES.index("source_y")]]
    theta_E = trial[:, NAMES.index("ln_theta_E")]
    while len(chosen) < count:
        allowed = torch.ones_like(gain, dtype=torch.bool)
        if chosen:
            side = source @ source[chosen[-1]]
            allowed = (side < 0) & ~torch.isin(theta_E, theta_E[chosen[:-1]])
        chosen.append(int(torch.where(allowed, gain, -torch.inf).argmax()))
    return trial[chosen]


def _grid(ring: float) -> Tensor:
    """Parameters (radii, places, 14)."""
    places = [
        (distance * math.cos(angle), distance * math.sin(angle))
        for distance, ways in _OFFSETS
        for angle in (2 * math.pi * (k + 0.5) / ways for k in range(ways))
    ]
    grid = CENTRE[:LENS_ONLY].repeat(len(_RADII), len(places), 1)
    theta_E = torch.tensor(_RADII, dtype=torch.float64) * ring
    where = torch.tensor(places, dtype=torch.float64)
    grid[..., NAMES.index("ln_theta_E")] = theta_E.log()[:, None]
    grid[..., NAMES.index("source_x")] = theta_E[:, None] * where[:, 0]
    grid[..., NAMES.index("source_y")] = theta_E[:, None] * where[:, 1]
    grid[..., NAMES.index("ln_radius")] = math.log(_SOURCE_RADIUS)
    grid[..., NAMES.index("ln_index")] = 0.0
    return grid
