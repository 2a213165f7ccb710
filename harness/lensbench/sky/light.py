"""Surface brightness of galaxies [µJy/arcsec²]."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from lensbench.api.condition import MICROJANSKY_ZEROPOINT
from lensbench.sky import scalars
from lensbench.sky.lensing import rotate
from lensbench.sky.scalars import Number

Interpolation = Literal["bilinear", "bicubic"]


def sersic_b(n: Number) -> Number:
    """b_n, for which R_sersic holds half the light (Ciotti & Bertin 1999, eq. 18)."""
    return (
        2 * n
        - 1 / 3
        + 4 / (405 * n)
        + 46 / (25515 * n**2)
        + 131 / (1148175 * n**3)
        - 2194697 / (30690717750 * n**4)
    )


def flux(magnitude: Number) -> Number:
    """Flux [µJy] of an AB magnitude."""
    return 10 ** (0.4 * (MICROJANSKY_ZEROPOINT - magnitude))


def sersic(
    x: Tensor, y: Tensor, magnitude: Number, R_sersic: Number, n: Number, q: Number, phi: Number
) -> Tensor:
    """Sérsic profile of given total magnitude (Graham & Driver 2005, eqs. 1 and 4).

    Args:
        x, y: Positions relative to the centre [arcsec].
        magnitude: AB magnitude of all the light.
        R_sersic: Half-light radius, of the circle of the same area [arcsec].
        n: Sérsic index.
        q: Axis ratio.
        phi: Position angle of the major axis, from the x axis [rad].

    Returns:
        Surface brightness [µJy/arcsec²].
    """
    xx, xy, yy, power, rate, peak = sersic_terms(magnitude, R_sersic, n, q, phi)
    squared = x * (xx * x + xy * y) + (yy * y * y + 1e-12)
    return 2.0 ** (peak - rate * torch.pow(squared, power))


def sersic_terms(
    magnitude: Number, R_sersic: Number, n: Number, q: Number, phi: Number
) -> tuple[Number, ...]:
    """What of a Sérsic profile is the same everywhere, with the arguments of `sersic`.

    Returns:
        Factors of x², xy and y² in the squared radius r²; 1/2n; b_n R^(−1/n)/ln 2; and the
        logarithm to base two of the brightness at the centre [µJy/arcsec²].
    """
    b = sersic_b(n)
    cos, sin = scalars.cos(phi), scalars.sin(phi)
    log_total = (
        math.log(2 * math.pi)
        + 2 * scalars.log(R_sersic)
        + scalars.log(n)
        - 2 * n * scalars.log(b)
        + scalars.lgamma(2 * n)
    )
    log_flux = 0.4 * math.log(10) * (MICROJANSKY_ZEROPOINT - magnitude)
    return (
        q * cos**2 + sin**2 / q,
        2 * cos * sin * (q - 1 / q),
        q * sin**2 + cos**2 / q,
        0.5 / n,
        b * R_sersic ** (-1 / n) / math.log(2),
        (log_flux - log_total) / math.log(2),
    )


def spiral(
    x: Tensor,
    y: Tensor,
    magnitude: Number,
    R_sersic: Number,
    q: Number,
    phi: Number,
    arms: Number,
    contrast: Number,
    pitch: Number,
) -> Tensor:
    """An exponential disc with logarithmic spiral arms, of given total magnitude.

    The disc is multiplied by 1 + c cos(m(φ − ln(r)/tan p)), which moves light and adds none
    (logarithmic arms: e.g. Seigar & James 1998).

    Args:
        x, y: Positions relative to the centre [arcsec].
        magnitude: AB magnitude of all the light.
        R_sersic: Half-light radius of the disc [arcsec].
        q: Axis ratio of the inclined disc.
        phi: Position angle of its major axis [rad].
        arms: How many arms, m.
        contrast: Amplitude c of the arms, 0 to 1.
        pitch: Pitch angle p [rad].

    Returns:
        Surface brightness [µJy/arcsec²].
    """
    u, v = rotate(x, y, phi)
    v = v / q
    log_radius = 0.5 * torch.log(u**2 + v**2 + 1e-12)
    winding = scalars.cos(pitch) / scalars.sin(pitch)
    wave = torch.cos(arms * (torch.atan2(v, u) - log_radius * winding))
    disc = sersic(x, y, magnitude, R_sersic * scalars.sqrt(q), 1.0, q, phi)
    return disc * (1 + contrast * wave)


def ring(
    x: Tensor, y: Tensor, magnitude: Number, radius: Number, width: Number, q: Number, phi: Number
) -> Tensor:
    """A ring of Gaussian section: a collisional or polar ring galaxy, which no lens made.

    Args:
        x, y: Positions relative to the centre [arcsec].
        magnitude: AB magnitude of all the light.
        radius: Radius of the ridge, of the circle of the same area [arcsec].
        width: Standard deviation of the section, below a third of the radius [arcsec].
        q: Axis ratio.
        phi: Position angle of the major axis [rad].

    Returns:
        Surface brightness [µJy/arcsec²].
    """
    u, v = rotate(x, y, phi)
    r = torch.sqrt(q * u**2 + v**2 / q)
    section = torch.exp(-0.5 * ((r - radius) / width) ** 2)
    amplitude = flux(magnitude) / ((2 * math.pi) ** 1.5 * width * radius)
    brightness: Tensor = amplitude * section
    return brightness


def image(
    x: Tensor,
    y: Tensor,
    pixels: Tensor,
    pixel_scale: Number,
    phi: Number,
    interpolation: Interpolation = "bilinear",
) -> Tensor:
    """The surface brightness of an image of a galaxy, nothing beyond its borders.

    Args:
        x, y: Positions (H, W) relative to the image's centre [arcsec].
        pixels: Surface brightness (C, h, w) of the image [µJy/arcsec²].
        pixel_scale: Side of its pixels as they appear on the sky [arcsec].
        phi: Angle of its x axis from that of the sky [rad].
        interpolation: Between its pixels.

    Returns:
        Surface brightness (C, H, W) [µJy/arcsec²].
    """
    u, v = rotate(x, y, phi)
    height, width = pixels.shape[-2:]
    grid = torch.stack([u / (pixel_scale * width / 2), v / (pixel_scale * height / 2)], -1)
    return torch.nn.functional.grid_sample(
        pixels[None], grid[None], mode=interpolation, padding_mode="zeros", align_corners=False
    )[0]
