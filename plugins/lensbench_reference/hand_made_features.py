"""Hand-made features as torch operations: shape statistics and oriented gradients.

Shared by plugins of more than one kind. All work on any device and on any image whose sides are
multiples of eight.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn

SHAPES = 4
CELLS = 4
ORIENTATIONS = 8
_THRESHOLD = 3.0
_EPSILON = 1e-12


def shape_statistics(images: Tensor) -> Tensor:
    """Gini, M20, asymmetry and concentration (B, SHAPES) of images (B, H, W) in units of σ.

    Gini coefficient (Lotz et al. 2004, eq. 6) and M20 (eqs. 7 and 8) of the pixels above three
    times the noise; asymmetry under a half turn about the image's centre, Σ|I − I_turned|/2Σ|I|
    over the same pixels and their counterparts (Conselice 2003, eq. 1, without the noise's
    share); concentration 5 log10(r80/r20) about the centroid (eq. 4), the radii found in the
    growth curve. All zero where no pixel is above.
    """
    flux = torch.where(images > _THRESHOLD, images, 0.0)
    light = flux.flatten(1)
    total = light.sum(1, keepdim=True)
    squared = _squared_radius(flux, total).flatten(1)
    values, order = light.sort(1, descending=True)
    statistics = torch.stack(
        [
            _gini(values, total),
            _m20(values, squared.gather(1, order), total),
            _asymmetry(images, flux),
            _concentration(flux, total),
        ],
        1,
    )
    return torch.where(total > 0, statistics, 0.0)


def oriented_gradients(images: Tensor) -> Tensor:
    """Histograms (B, CELLS² × ORIENTATIONS) of the gradients' directions in images (B, H, W).

    After Dalal & Triggs 2005: central differences, unsigned orientations, means of the strength
    over a grid of cells, the whole of a descriptor in the norm L2-Hys (clipped at 0.2).
    """
    g_y, g_x = torch.zeros_like(images), torch.zeros_like(images)
    g_y[:, 1:-1] = images[:, 2:] - images[:, :-2]
    g_x[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
    strength = torch.sqrt(g_x.square() + g_y.square() + 1e-20)  # with a gradient at zero
    angle = torch.atan2(g_y, g_x) / torch.pi
    which = (angle * ORIENTATIONS).floor().long() % ORIENTATIONS
    b, height, width = images.shape
    votes = images.new_zeros(b, ORIENTATIONS, height, width)
    votes.scatter_(1, which[:, None], strength[:, None])
    cells = votes.reshape(b, ORIENTATIONS, CELLS, height // CELLS, CELLS, width // CELLS)
    descriptor = _normed(cells.mean((3, 5)).flatten(1)).clamp(max=0.2)
    return _normed(descriptor)


def _gini(values: Tensor, total: Tensor) -> Tensor:
    """Of values (B, P) that fall; 0 where all are the same, 1 where one has all the light."""
    n = (values > 0).sum(1, keepdim=True)
    rank = torch.arange(values.shape[1], device=values.device)
    weighted = ((n - 1 - 2 * rank) * values).sum(1)
    return weighted / ((total[:, 0] * (n[:, 0] - 1)).clamp(min=_EPSILON))


def _m20(values: Tensor, squared: Tensor, total: Tensor) -> Tensor:
    """log10 of the second moment of the brightest fifth of the light over that of all."""
    moment = values * squared
    brightest = values.cumsum(1) - values < 0.2 * total
    share = (moment * brightest).sum(1) / moment.sum(1).clamp(min=_EPSILON)
    return torch.log10(share.clamp(min=1e-4))


def _asymmetry(images: Tensor, flux: Tensor) -> Tensor:
    inside = (flux > 0) | (flux > 0).flip(1, 2)
    difference = torch.where(inside, (images - images.flip(1, 2)).abs(), 0.0).sum((1, 2))
    return difference / (2 * torch.where(inside, images.abs(), 0.0).sum((1, 2))).clamp(min=_EPSILON)


def _concentration(flux: Tensor, total: Tensor) -> Tensor:
    """5 log10(r80/r20) of circles about the centre, radii interpolated linearly in the growth."""
    circles = _circles(flux.shape[1], flux.shape[2], flux.device)
    growth = flux.flatten(1) @ circles / total.clamp(min=_EPSILON)
    before = nn.functional.pad(growth, (1, 0))[:, :-1]

    def reached(share: float) -> Tensor:
        index = (growth < share).sum(1, keepdim=True).clamp(max=growth.shape[1] - 1)
        low, high = before.gather(1, index)[:, 0], growth.gather(1, index)[:, 0]
        return index[:, 0] + ((share - low) / (high - low).clamp(min=_EPSILON)).clamp(0, 1)

    return 5 * torch.log10(reached(0.8) / reached(0.2))


def _squared_radius(flux: Tensor, total: Tensor) -> Tensor:
    """Squared distance (B, H, W) from the flux's centroid [pixels²]."""
    rows, columns = (torch.arange(side, device=flux.device) + 0.5 for side in flux.shape[1:])
    total = total.clamp(min=_EPSILON)
    y = rows - (flux.sum(2) @ rows)[:, None] / total
    x = columns - (flux.sum(1) @ columns)[:, None] / total
    return y[:, :, None].square() + x[:, None, :].square()


def _normed(descriptor: Tensor) -> Tensor:
    return descriptor / torch.sqrt(descriptor.square().sum(1, keepdim=True) + 1e-4)


@functools.lru_cache(maxsize=16)
def _circles(height: int, width: int, device: torch.device) -> Tensor:
    """Pixels (pixels, R) within each of the radii 1, 2, … R about the centre, R the corner's."""
    with torch.inference_mode(False):
        y, x = (torch.arange(side) - (side - 1) / 2 for side in (height, width))
        radius = torch.hypot(y[:, None], x[None, :]).flatten()
        reached = torch.arange(1, int(radius.max()) + 2)
        return (radius[:, None] <= reached).float().to(device)
