"""What the light of an image says about a ring, without a model of the lens."""

from __future__ import annotations

import torch
from torch import Tensor

_CENTRAL = 0.35
"""Radius within which light is the lens galaxy's as well as the ring's [arcsec]."""


def radii(size: int, pixel_scale: float) -> Tensor:
    """Distance (size, size) of pixels from the image's centre [arcsec]."""
    axis = (torch.arange(size, dtype=torch.float32) - (size - 1) / 2) * pixel_scale
    return torch.hypot(axis[:, None], axis[None, :])


def azimuthal_profile(images: Tensor, pixel_scale: float, step: float) -> tuple[Tensor, Tensor]:
    """Mean light (B, bins) in rings about the centre, and their mid radii (bins,) [arcsec].

    Args:
        images: (B, N, N).
        pixel_scale: Side of a pixel [arcsec].
        step: Width of a ring [arcsec]; at least a pixel's side.
    """
    size = images.shape[-1]
    ring = (radii(size, pixel_scale) / max(step, pixel_scale)).long().flatten().to(images.device)
    bins = int(size / 2 * pixel_scale / max(step, pixel_scale))
    inside = ring < bins
    sums = images.new_zeros(len(images), bins).index_add_(
        1, ring[inside], images.flatten(1)[:, inside]
    )
    counts = torch.bincount(ring[inside], minlength=bins).clamp(min=1)
    middle = (torch.arange(bins, device=images.device) + 0.5) * max(step, pixel_scale)
    return sums / counts, middle


def peak_radius(images: Tensor, pixel_scale: float) -> Tensor:
    """Radius (B,) where rings about the centre, less the galaxy there, hold most light [arcsec]."""
    light = without_centre(images, pixel_scale)
    profile, middle = azimuthal_profile(light, pixel_scale, 0.1)
    return middle[(profile * middle * (middle > _CENTRAL)).argmax(1)]


def without_centre(images: Tensor, pixel_scale: float) -> Tensor:
    """Images (B, N, N) less the round galaxy at their centre.

    The galaxy is what the two faintest of four quarter turns have in common, averaged over rings
    and made to fall outwards: a ring stands out from what falls, arcs are not in all turns.
    """
    turns = torch.stack([torch.rot90(images, k, (1, 2)) for k in range(4)])
    smallest = turns.sort(0).values[:2].mean(0)
    profile, middle = azimuthal_profile(smallest, pixel_scale, pixel_scale)
    falling = profile.clamp(min=0).cummin(1).values
    position = (radii(images.shape[-1], pixel_scale) / pixel_scale - 0.5).clamp(min=0)
    position = position.to(images.device)
    low = position.long().clamp(max=len(middle) - 1)
    high = (low + 1).clamp(max=len(middle) - 1)
    share = (position - low).clamp(0, 1)
    return images - (falling[:, low] * (1 - share) + falling[:, high] * share)


def shines(images: Tensor, pixel_scale: float) -> bool:
    """Whether most images (B, N, N) are brighter at their centre than any ring about it."""
    profile, middle = azimuthal_profile(images, pixel_scale, 0.15)
    outside = torch.where(middle > _CENTRAL, profile, -torch.inf).max(1).values
    return bool((profile[:, 0] > outside.clamp(min=3.0)).float().mean() > 0.5)


def ring_radius(images: Tensor, pixel_scale: float) -> Tensor:
    """Mean radius (B,) of significant light outside the centre, less the central galaxy [arcsec].

    Light above three times the noise counts by its square root, so that one bright knot does not
    rule; an image without any has the radius of even light.

    Args:
        images: (B, N, N) in units of σ.
        pixel_scale: Side of a pixel [arcsec].
    """
    return mean_radius(without_centre(images, pixel_scale), pixel_scale)


def mean_radius(light: Tensor, pixel_scale: float) -> Tensor:
    """Mean radius (B,) of what is above three in images (B, N, N), outside the centre [arcsec]."""
    radius = radii(light.shape[-1], pixel_scale).to(light.device)
    light = torch.where((light > 3) & (radius > _CENTRAL), light, 0.0)
    weight = light.clamp(min=0).sqrt()
    weight = weight + 1e-6 * (radius > _CENTRAL)
    mean: Tensor = (weight * radius).sum((1, 2)) / weight.sum((1, 2))
    return mean
