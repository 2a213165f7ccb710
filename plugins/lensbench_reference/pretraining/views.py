"""Views of an image that leave the lens as it is: turned, flipped, shifted a little, noisier.

None zooms or crops, for that would change the Einstein radius. Images are in units of the noise
of an empty pixel, before the stretch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor

from lensbench import IncompatibleError


def check_no_planes(encoder: Any, name: str) -> None:
    """Refuses an encoder that looks at planes beside the images, of which views have none.

    Raises:
        IncompatibleError: Naming the strategy.
    """
    if encoder.planes:
        raise IncompatibleError(
            f"pretraining {name!r} changes images, and {type(encoder).__name__} looks at planes "
            "that were made of them",
            "try --pretraining none or supervised",
        )


@dataclass(frozen=True)
class ViewOptions:
    """How much views differ.

    Attributes:
        shift: Largest shift along either axis [pixels]; fractions of a pixel occur.
        noise: Deviation of the noise that is added [σ of an empty pixel].
    """

    shift: Annotated[float, Ge(0)] = 2.0
    noise: Annotated[float, Ge(0)] = 0.5


def view(images: Tensor, options: ViewOptions, generator: torch.Generator) -> Tensor:
    """Each image (B, C, H, W) with a symmetry, a shift and noise of its own."""
    symmetries = draw_symmetries(len(images), generator)
    return disturbed(symmetric(images, symmetries), options, generator)


def disturbed(images: Tensor, options: ViewOptions, generator: torch.Generator) -> Tensor:
    """Each image (B, C, H, W) shifted and made noisier, at its own chance."""
    if options.shift:
        offsets = 2 * torch.rand(len(images), 2, generator=generator) - 1
        images = shifted(images, options.shift * offsets.to(images))
    if options.noise:
        noise = torch.randn(images.shape, generator=generator)
        images = images + options.noise * noise.to(images)
    return images


def draw_symmetries(count: int, generator: torch.Generator) -> Tensor:
    """Of each image (count, 3): whether rows and columns change places, or either turns round.

    The eight are the quarter turns of an image and of its mirror image.
    """
    return torch.randint(2, (count, 3), generator=generator).bool()


def symmetric(images: Tensor, symmetries: Tensor) -> Tensor:
    """Images (B, C, H, W) under `draw_symmetries`; rows and columns change places in squares only.

    The same symmetries fit images of any size, so those of a scene under two conditions agree.
    """
    transpose, vertical, horizontal = symmetries.to(images.device)[:, :, None, None, None].unbind(1)
    if images.shape[2] == images.shape[3]:
        images = torch.where(transpose, images.mT, images)
    images = torch.where(vertical, images.flip(2), images)
    return torch.where(horizontal, images.flip(3), images)


def shifted(images: Tensor, offsets: Tensor) -> Tensor:
    """Images (B, C, H, W) shifted by offsets (B, 2) down and right [pixels], around the edges.

    By the Fourier shift theorem: noise stays white and flux the same, which interpolation between
    neighbours would not keep.
    """
    height, width = images.shape[2:]
    down = _phases(torch.fft.fftfreq(height, device=images.device), offsets[:, 0])
    right = _phases(torch.fft.rfftfreq(width, device=images.device), offsets[:, 1])
    spectra = torch.fft.rfft2(images) * (down[:, :, None] * right[:, None, :])[:, None]
    return torch.fft.irfft2(spectra, s=(height, width))


def _phases(frequencies: Tensor, offsets: Tensor) -> Tensor:
    """Factors (B, F) of a shift [pixels]; real at the highest frequency, whose sign is open."""
    angles = -2 * torch.pi * offsets[:, None] * frequencies
    phases = torch.polar(torch.ones_like(angles), angles)
    return torch.where(frequencies.abs() == 0.5, phases.real.to(phases.dtype), phases)


def blurred(images: Tensor, fwhm: Tensor, generator: torch.Generator) -> Tensor:
    """Images (B, C, H, W) behind a further round Gaussian each, with noise of one again.

    The blur takes away noise, too, of which white noise makes up the rest: nearly what the image
    would be behind a wider PSF. The field is taken as periodic.

    Args:
        images: In units of the noise.
        fwhm: Full widths at half maximum (B,) [pixels].
        generator: Of the noise.
    """
    sigma_squared = (fwhm.to(images) ** 2 / (8 * math.log(2)))[:, None, None, None]
    k_y = torch.fft.fftfreq(images.shape[-2], device=images.device)[:, None]
    k_x = torch.fft.fftfreq(images.shape[-1], device=images.device)[None, :]
    transfer = torch.exp(-2 * math.pi**2 * sigma_squared * (k_y**2 + k_x**2))
    left = transfer.square().mean((2, 3), keepdim=True)
    half = transfer[..., : images.shape[-1] // 2 + 1]
    soft = torch.fft.irfft2(torch.fft.rfft2(images) * half, s=images.shape[-2:])
    noise = torch.randn(images.shape, generator=generator).to(images)
    return soft + (1 - left).clamp(min=0).sqrt() * noise
