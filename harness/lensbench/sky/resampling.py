"""Sampling a band-limited image on any grid, with any blur, by way of its Fourier transform.

The blur, the integration over pixels and the sampling are linear, so they are one operator of the
geometry, built once and kept. Where the blur is a round Gaussian the whole operator is separable:
two small real matrices, which the sky is multiplied by from both sides. Any other blur goes
through an FFT, without the frequencies that the blur leaves nothing of.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lensbench.sky.blur import Blur, frequencies, gaussian_transfer

_NEGLIGIBLE = 1e-7
"""Share of the PSF's peak that all modes left out may add up to: single precision's last digit."""


@dataclass(frozen=True)
class Separable:
    """New rows (N, S) and new columns (S, N) of old ones, blur and pixels included; real."""

    rows: Tensor
    columns: Tensor

    def __call__(self, image: Tensor) -> Tensor:
        """Images (..., S, S) as new images (..., N, N)."""
        return self.rows @ image @ self.columns


@dataclass(frozen=True)
class Spectral:
    """An operator by way of an FFT.

    Attributes:
        kept_y: Which of the S modes along y are kept (m,).
        transfer: Of the blur (m, k), complex, or one an image (B, 1, m, k).
        rows: Modes to new rows (N, m), complex, pixels integrated.
        columns: Modes to new columns (2k, N), real, for the real and the imaginary part.
    """

    kept_y: Tensor
    transfer: Tensor
    rows: Tensor
    columns: Tensor

    def __call__(self, image: Tensor) -> Tensor:
        """Images (..., S, S) as new images (..., N, N)."""
        spectrum = torch.fft.rfft2(image)[..., self.kept_y, : self.transfer.shape[-1]]
        half = self.rows @ (spectrum * self.transfer)
        new: Tensor = torch.cat([half.real, half.imag], -1) @ self.columns
        return new


@functools.lru_cache(maxsize=128)
def operator(
    size: int,
    pixel_scale: float,
    new_scale: float,
    new_size: int,
    blur: Blur | None = None,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
) -> Separable | Spectral:
    """The operator from images of `size` pixels of `pixel_scale` to new ones [arcsec]."""
    if blur is None or blur.separable:
        return _separable(size, pixel_scale, new_scale, new_size, blur, dtype, device)
    return _spectral(size, pixel_scale, new_scale, new_size, blur, dtype, device)


def operators(
    size: int,
    pixel_scale: float,
    new_scale: float,
    new_size: int,
    blurs: Sequence[Blur],
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
) -> Separable | Spectral:
    """One operator for images (B, C, S, S), each with a blur of its own: the same but for width."""
    narrowest = min(blurs, key=lambda blur: blur.fwhm)
    grids = (size, pixel_scale, new_scale, new_size)
    if all(blur == narrowest for blur in blurs):
        return operator(*grids, narrowest, dtype, device)
    one = _spectral(*grids, narrowest, dtype, device)
    count = one.transfer.shape[-1]
    kept_y = one.kept_y.cpu()
    transfers = [_transfer(blur, size, pixel_scale)[kept_y, :count] for blur in blurs]
    transfer = torch.stack(transfers)[:, None].to(device, dtype.to_complex())
    return replace(one, transfer=transfer)


@functools.lru_cache(maxsize=64)
def _transfer(blur: Blur, size: int, pixel_scale: float) -> Tensor:
    return blur.transfer(size, pixel_scale)


@functools.lru_cache(maxsize=128)
def _spectral(
    size: int,
    pixel_scale: float,
    new_scale: float,
    new_size: int,
    blur: Blur,
    dtype: torch.dtype,
    device: str,
) -> Spectral:
    """The operator of any blur, without the frequencies that it leaves nothing of."""
    k_y, k_x = frequencies(size, pixel_scale)
    transfer = _transfer(blur, size, pixel_scale)
    kept_y, count = _kept(transfer, k_y, k_x, pixel_scale, new_scale)
    k_y, k_x = k_y[kept_y], k_x[:count]
    rows = _sampling_matrix(k_y, size, pixel_scale, new_scale, new_size)
    columns = _sampling_matrix(k_x, size, pixel_scale, new_scale, new_size)
    columns = (columns * _weights(size)[:count]).T
    return Spectral(
        kept_y=kept_y.to(device),
        transfer=transfer[kept_y, :count].to(device, dtype.to_complex()),
        rows=rows.to(device, dtype.to_complex()),
        columns=torch.cat([columns.real, -columns.imag], 0).to(device, dtype),
    )


def _separable(
    size: int,
    pixel_scale: float,
    new_scale: float,
    new_size: int,
    blur: Blur | None,
    dtype: torch.dtype,
    device: str,
) -> Separable:
    """The operator of a Gaussian blur, or of none: the same matrix along both axes."""
    k = frequencies(size, pixel_scale)[1]
    transfer = torch.ones_like(k) if blur is None else gaussian_transfer(k**2, blur.fwhm)
    synthesis = _sampling_matrix(k, size, pixel_scale, new_scale, new_size)
    phase = -2 * torch.pi * k[:, None] * torch.arange(size, dtype=torch.float64) * pixel_scale
    analysis = torch.polar(torch.ones_like(phase), phase)
    matrix = ((synthesis * (_weights(size) * transfer)) @ analysis).real.to(device, dtype)
    return Separable(matrix.contiguous(), matrix.T.contiguous())


def _weights(size: int) -> Tensor:
    """How often each of the halved frequencies (size // 2 + 1,) stands in the full transform."""
    weights = torch.full((size // 2 + 1,), 2.0, dtype=torch.float64)
    weights[0] = 1.0
    if size % 2 == 0:
        weights[-1] = 1.0
    return weights


def sample(
    image: Tensor,
    pixel_scale: float,
    new_scale: float,
    new_size: int,
    blur: Blur | None = None,
) -> Tensor:
    """Blurs images, integrates them over new pixels and samples them on a new centred grid.

    Values are surface brightness, so they keep their level whatever the pixel. The image is taken
    as periodic: what must not wrap around needs empty sky at its borders. Each image of a batch
    is worked on alone on a CPU, so that its pixels are the same, bit for bit, in any batch.

    Args:
        image: Square images (B, ..., S, S).
        pixel_scale: Side of their pixels [arcsec].
        new_scale: Side of the new pixels [arcsec].
        new_size: New pixels on a side.
        blur: A blur, where there is one.

    Returns:
        Images (B, ..., new_size, new_size).
    """
    apply = operator(
        image.shape[-1], pixel_scale, new_scale, new_size, blur, image.dtype, str(image.device)
    )
    if image.device.type != "cpu":
        return apply(image)
    return torch.stack([apply(one.clone()) for one in image])


def resample(image: Tensor, pixel_scale: float, new_scale: float, new_size: int) -> Tensor:
    """Images (B, S, S) on another centred grid: integrated over its pixels, without a blur."""
    return sample(image, pixel_scale, new_scale, new_size)


def _kept(
    transfer: Tensor, k_y: Tensor, k_x: Tensor, pixel_scale: float, new_scale: float
) -> tuple[Tensor, int]:
    """Modes that matter: indices along y and how many along x.

    A point's image peaks at the sum of |transfer| over all modes, and no mode of a sky of positive
    light is larger than its total: the sum over what is left out bounds the error.
    """
    power = transfer.abs() * (
        _integral(k_y, pixel_scale, new_scale).abs()[:, None]
        * _integral(k_x, pixel_scale, new_scale).abs()[None, :]
    )
    allowed = _NEGLIGIBLE / 2 * power.sum()
    tail = power.sum(0).flip(0).cumsum(0).flip(0)
    count = max(1, int((tail > allowed).sum()))
    order = k_y.abs().argsort(stable=True)
    tail = power.sum(1)[order].flip(0).cumsum(0).flip(0)
    kept = order[: max(1, int((tail > allowed).sum()))]
    return kept.sort().values, count


def _integral(k: Tensor, pixel_scale: float, new_scale: float) -> Tensor:
    """Transfer of the integration over new pixels, for modes k.

    The sum over the points of a new pixel has the transfer sinc(kP)/sinc(kp), for whole P/p the
    Dirichlet kernel of a block average; pixels finer than the old ones are interpolated.
    """
    if new_scale < pixel_scale:
        return torch.ones_like(k)
    return torch.sinc(k * new_scale) / torch.sinc(k * pixel_scale)


def _sampling_matrix(
    k: Tensor, size: int, pixel_scale: float, new_scale: float, new_size: int
) -> Tensor:
    """Values at the new pixels (new_size, len(k)) of the Fourier modes k, pixels integrated."""
    position = (torch.arange(new_size, dtype=torch.float64) - (new_size - 1) / 2) * new_scale
    start = -(size - 1) / 2 * pixel_scale
    integral = _integral(k, pixel_scale, new_scale)
    phase = 2 * torch.pi * (position[:, None] - start) * k[None, :]
    return torch.polar(torch.ones_like(phase), phase) * (integral / size)
