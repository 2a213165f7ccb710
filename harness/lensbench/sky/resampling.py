"""Sampling a band-limited image on any grid, with any blur, by way of its Fourier transform."""

from __future__ import annotations

import torch
from torch import Tensor


def gaussian_transfer(k_squared: Tensor, fwhm: Tensor) -> Tensor:
    """Optical transfer function of a Gaussian PSF.

    Args:
        k_squared: Squared spatial frequencies (H, W) [cycles²/arcsec²].
        fwhm: Full width at half maximum (B,) [arcsec].
    """
    sigma_squared = (fwhm / 2.3548200450309493) ** 2
    return torch.exp(-2 * torch.pi**2 * sigma_squared[:, None, None] * k_squared)


def moffat_transfer(size: int, pixel_scale: float, fwhm: float, beta: float) -> Tensor:
    """Transfer function (size, size // 2 + 1) of a sampled Moffat PSF (Moffat 1969) of unit sum."""
    alpha = fwhm / (2 * (2 ** (1 / beta) - 1) ** 0.5)
    axis = torch.fft.fftfreq(size, 1 / size, dtype=torch.float64) * pixel_scale
    radius_squared = axis[:, None] ** 2 + axis[None, :] ** 2
    psf = (1 + radius_squared / alpha**2) ** (-beta)
    transfer: Tensor = torch.fft.rfft2(psf / psf.sum()).real.to(torch.float32)
    return transfer


def frequencies(size: int, pixel_scale: float) -> tuple[Tensor, Tensor]:
    """Frequencies along y (size,) and, halved, along x (size // 2 + 1,) [cycles/arcsec]."""
    return torch.fft.fftfreq(size, pixel_scale), torch.fft.rfftfreq(size, pixel_scale)


def sample(
    image: Tensor,
    pixel_scale: float,
    new_scale: float,
    new_size: int,
    transfer: Tensor | None = None,
) -> Tensor:
    """Blurs images, integrates them over new pixels and samples them on a new centred grid.

    Values are surface brightness, so they keep their level whatever the pixel. The image is taken
    as periodic: what must not wrap around needs empty sky at its borders.

    Args:
        image: Square images (B, S, S).
        pixel_scale: Side of their pixels [arcsec].
        new_scale: Side of the new pixels [arcsec].
        new_size: New pixels on a side.
        transfer: Transfer function of a blur, broadcast to (B, S, S // 2 + 1).

    Returns:
        Images (B, new_size, new_size).
    """
    size = image.shape[-1]
    spectrum = torch.fft.rfft2(image)
    if transfer is not None:
        spectrum = spectrum * transfer
    k_y, k_x = frequencies(size, pixel_scale)
    rows = _sampling_matrix(k_y, size, pixel_scale, new_scale, new_size)
    columns = _sampling_matrix(k_x, size, pixel_scale, new_scale, new_size)
    weight = torch.full((len(k_x),), 2.0)
    weight[0] = 1.0
    if size % 2 == 0:
        weight[-1] = 1.0
    sampled: Tensor = ((rows @ spectrum) @ (columns * weight).T).real
    return sampled


def resample(image: Tensor, pixel_scale: float, new_scale: float, new_size: int) -> Tensor:
    """Images (B, S, S) on another centred grid: integrated over its pixels, without a blur."""
    return sample(image, pixel_scale, new_scale, new_size)


def _sampling_matrix(
    k: Tensor, size: int, pixel_scale: float, new_scale: float, new_size: int
) -> Tensor:
    """Values at the new pixels (new_size, len(k)) of the Fourier modes k, pixels integrated.

    The sum over the points of a new pixel has the transfer sinc(kP)/sinc(kp), for whole P/p the
    Dirichlet kernel of a block average; pixels finer than the old ones are interpolated.
    """
    position = (torch.arange(new_size) - (new_size - 1) / 2) * new_scale
    start = -(size - 1) / 2 * pixel_scale
    integral = torch.sinc(k * new_scale) / torch.sinc(k * pixel_scale)
    if new_scale < pixel_scale:
        integral = torch.ones_like(k)
    phase = 2 * torch.pi * (position[:, None] - start) * k[None, :]
    return torch.polar((integral / size).expand_as(phase).contiguous(), phase)
