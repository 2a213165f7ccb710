"""Shape statistics of galaxy images, as morphologists measure them.

All are of the pixels that belong to the object: those above three times the noise. An image that
has fewer than five of these has every statistic zero.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from lensbench import stretch
from lensbench_reference.lens_fitting.rings import azimuthal_profile

_THRESHOLD = 3.0
_FEWEST = 5
_PROFILE = 12
_CHUNK = 128


def shape_features(images: Tensor) -> np.ndarray:
    """Statistics (N, 20) of images (N, C, H, W) in units of σ, bands added.

    In turn: Gini, M20, asymmetry under half and quarter turns, concentration, ellipticity, root
    mean square radius over the image's side, share of pixels in the object, and the radial
    profile, stretched, in twelve rings about the centre.
    """
    parts = []
    for chunk in images.cpu().float().split(_CHUNK):
        image = chunk.sum(1) / math.sqrt(chunk.shape[1])
        flux = torch.where(image > _THRESHOLD, image, 0.0).double()
        enough = (flux > 0).sum((1, 2)) >= _FEWEST
        ellipticity, size = second_moments(flux)
        side = image.shape[-1]
        single = torch.stack(
            [
                gini(flux),
                m20(flux),
                asymmetry(image, 2),
                asymmetry(image, 1),
                concentration(flux),
                ellipticity,
                size / side,
                (flux > 0).double().mean((1, 2)),
            ],
            1,
        )
        profile, _ = azimuthal_profile(stretch(image), 1.0, side / 2 / _PROFILE)
        profile = torch.nn.functional.pad(profile, (0, _PROFILE - profile.shape[1]))
        parts.append(torch.cat([torch.where(enough[:, None], single, 0.0), profile.double()], 1))
    features: np.ndarray = torch.cat(parts).numpy()
    return features


def gini(flux: Tensor) -> Tensor:
    """Gini coefficient (B,) of the pixels above zero (Lotz et al. 2004, eq. 6).

    0 where all are the same, 1 where one has all the light.
    """
    values = flux.flatten(1).sort(1).values
    n = (values > 0).sum(1, keepdim=True)
    rank = torch.arange(1, values.shape[1] + 1) - (values.shape[1] - n)
    total = values.sum(1).clamp(min=1e-12)
    weighted = ((2 * rank - n - 1) * values).sum(1)
    return weighted / (total * (n[:, 0] - 1).clamp(min=1))


def m20(flux: Tensor) -> Tensor:
    """M20 (B,): log10 of the second moment of the brightest fifth over that of all light.

    Lotz et al. 2004, eqs. 7 and 8; the centre is the one of least moment, the centroid. The
    brightest fifth are the pixels before which less than a fifth of the light has come.
    """
    _, _, squared = _about_centroid(flux)
    values, order = flux.flatten(1).sort(1, descending=True)
    moment = (values * squared.flatten(1).gather(1, order)).clamp(min=0)
    total = values.sum(1, keepdim=True)
    brightest = (values.cumsum(1) - values) < 0.2 * total
    share = (moment * brightest).sum(1) / moment.sum(1).clamp(min=1e-12)
    return torch.log10(share.clamp(min=1e-4))


def asymmetry(image: Tensor, quarters: int) -> Tensor:
    """Asymmetry (B,) under a turn about the image's centre (Conselice 2003, eq. 1).

    Σ|I − I_turned|/Σ|I| over pixels that are in the object or whose counterpart is, less what
    noise of one σ does to it, 2/√π a pixel. The centre is the field's, for it is the lens's.

    Args:
        image: (B, N, N) in units of σ.
        quarters: Of a turn: 2 is the asymmetry of the literature.
    """
    turned = torch.rot90(image, quarters, (1, 2))
    inside = (image > _THRESHOLD) | (turned > _THRESHOLD)
    difference = torch.where(inside, (image - turned).abs() - 2 / math.sqrt(math.pi), 0.0)
    light = torch.where(inside, image.abs(), 0.0).sum((1, 2))
    return (difference.sum((1, 2)) / light.clamp(min=1e-12)).double()


def concentration(flux: Tensor) -> Tensor:
    """5 log10(r80/r20) (B,) of circles about the centroid (Conselice 2003, eq. 4).

    Radii are where a share of the light of the object's pixels is reached, between pixels by
    the rank of the light, and at least half a pixel.
    """
    _, _, squared = _about_centroid(flux)
    radius, order = squared.flatten(1).clamp(min=0).sqrt().sort(1)
    growth = flux.flatten(1).gather(1, order).cumsum(1)
    total = growth[:, -1:].clamp(min=1e-12)

    def reached(share: float) -> Tensor:
        index = torch.searchsorted(growth, share * total).clamp(max=radius.shape[1] - 1)
        return radius.gather(1, index)[:, 0].clamp(min=0.5)

    return 5 * torch.log10(reached(0.8) / reached(0.2))


def second_moments(flux: Tensor) -> tuple[Tensor, Tensor]:
    """Ellipticity (1 − q)/(1 + q) (B,) and root mean square radius (B,) [pixels]."""
    x, y, _ = _about_centroid(flux)
    total = flux.sum((1, 2)).clamp(min=1e-12)
    xx, yy, xy = ((flux * one).sum((1, 2)) / total for one in (x * x, y * y, x * y))
    trace = xx + yy
    spread = torch.hypot(xx - yy, 2 * xy)
    large = ((trace + spread) / 2).clamp(min=1e-12).sqrt()
    small = ((trace - spread) / 2).clamp(min=0).sqrt()
    return (large - small) / (large + small), trace.clamp(min=0).sqrt()


def _about_centroid(flux: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x, y and squared distance (B, N, N) from the flux's centroid [pixels]."""
    rows, columns = (torch.arange(side, dtype=flux.dtype) for side in flux.shape[1:])
    total = flux.sum((1, 2)).clamp(min=1e-12)
    centre_y = (flux.sum(2) * rows).sum(1) / total
    centre_x = (flux.sum(1) * columns).sum(1) / total
    x = (columns - centre_x[:, None])[:, None, :].expand_as(flux)
    y = (rows - centre_y[:, None])[:, :, None].expand_as(flux)
    return x, y, x**2 + y**2
