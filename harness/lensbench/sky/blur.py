"""PSFs as transfer functions on the frequencies of a sky."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lensbench.api.condition import Condition, PsfShape
from lensbench.api.psf_image import PsfImage
from lensbench.sky.diffraction import smoothed_transfer

SIGMAS_PER_FWHM = 2 * math.sqrt(2 * math.log(2))


@dataclass(frozen=True)
class Blur:
    """What a sky still lacks to be as blurred as a condition makes it.

    Attributes:
        psf: Shape.
        fwhm: Of a profile [arcsec].
        beta: Power of a Moffat profile.
        diffraction: λ/D over the FWHM of an `airy` profile.
        obstruction: Of its aperture.
        e1: Ellipticity |e| cos 2φ of a profile.
        e2: Ellipticity |e| sin 2φ.
        image: The PSF itself, where the shape is `image`.
    """

    psf: PsfShape
    fwhm: float
    beta: float = 0.0
    diffraction: float = 0.0
    obstruction: float = 0.0
    e1: float = 0.0
    e2: float = 0.0
    image: PsfImage | None = None

    @property
    def separable(self) -> bool:
        """Whether it is the same along both axes, and one after the other: a round Gaussian."""
        return self.psf == "gaussian" and not self.e1 and not self.e2

    def transfer(self, size: int, pixel_scale: float) -> Tensor:
        """Transfer function (size, size // 2 + 1), complex, of a sky of so many pixels."""
        k_y, k_x = frequencies(size, pixel_scale)
        if self.image is not None:
            return image_transfer(self.image, k_y, k_x, pixel_scale)
        if self.psf == "moffat":
            return self._moffat(size, pixel_scale).to(torch.complex128)
        k_squared = stretched(k_y[:, None], k_x[None, :], -self.e1, -self.e2)
        if self.psf == "airy":
            cycles = self.fwhm * k_squared.sqrt()
            transfer = smoothed_transfer(cycles, self.diffraction, self.obstruction)
            return transfer.to(torch.complex128)
        return gaussian_transfer(k_squared, self.fwhm).to(torch.complex128)

    def _moffat(self, size: int, pixel_scale: float) -> Tensor:
        """Transfer function (size, size // 2 + 1) of a Moffat PSF, sampled on the sky."""
        axis = torch.fft.fftfreq(size, 1 / size, dtype=torch.float64) * pixel_scale
        squared = stretched(axis[:, None], axis[None, :], self.e1, self.e2)
        psf = moffat_profile(squared, self.fwhm, self.beta)
        transfer: Tensor = torch.fft.rfft2(psf / psf.sum()).real
        return transfer


def blur_of(condition: Condition, already: float) -> Blur:
    """The blur of a condition for a sky that is blurred by a Gaussian of FWHM `already` [arcsec].

    A blurred sky gets the Gaussian that is missing in quadrature, whatever the shape of the PSF,
    and one that is blurred more than the PSF is left as it is.
    """
    if already > 0:
        return Blur("gaussian", math.sqrt(max(condition.psf_fwhm**2 - already**2, 0.0)))
    if condition.psf == "image":
        return Blur("image", condition.psf_fwhm, image=condition.psf_image)
    moffat, airy = condition.psf == "moffat", condition.psf == "airy"
    return Blur(
        condition.psf,
        condition.psf_fwhm,
        beta=condition.psf_beta if moffat else 0.0,
        diffraction=condition.psf_diffraction if airy else 0.0,
        obstruction=condition.psf_obstruction if airy else 0.0,
        e1=condition.psf_e1,
        e2=condition.psf_e2,
    )


def stretched(y: Tensor, x: Tensor, e1: float, e2: float) -> Tensor:
    """Squared elliptical radius of the same area as the circle's, at places (y, x).

    The ellipse is long along the angle φ of e1 = |e| cos 2φ, e2 = |e| sin 2φ; in Fourier space it
    is long across it, which both signs turned about give.
    """
    e = math.hypot(e1, e2)
    if not e:
        return y**2 + x**2
    across = (1 + e**2) / (1 - e**2)  # (q + 1/q)/2 with q = (1 − e)/(1 + e)
    along = 2 / (1 - e**2)  # (1/q − q)/2 over e
    return across * (x**2 + y**2) - along * (e1 * (x**2 - y**2) + 2 * e2 * x * y)


def frequencies(size: int, pixel_scale: float) -> tuple[Tensor, Tensor]:
    """Frequencies along y (size,) and, halved, along x (size // 2 + 1,) [cycles/arcsec]."""
    kind = torch.float64
    return (
        torch.fft.fftfreq(size, pixel_scale, dtype=kind),
        torch.fft.rfftfreq(size, pixel_scale, dtype=kind),
    )


def gaussian_transfer(k_squared: Tensor, fwhm: float) -> Tensor:
    """Optical transfer function of a Gaussian PSF, exp(−2π²σ²k²).

    Args:
        k_squared: Squared spatial frequencies (H, W) [cycles²/arcsec²].
        fwhm: Full width at half maximum [arcsec].
    """
    return torch.exp(-2 * torch.pi**2 * (fwhm / SIGMAS_PER_FWHM) ** 2 * k_squared)


def moffat_profile(radius_squared: Tensor, fwhm: float, beta: float) -> Tensor:
    """Moffat PSF (Moffat 1969), one at the centre, at squared radii [arcsec²]."""
    alpha = fwhm / (2 * math.sqrt(2 ** (1 / beta) - 1))
    return (1 + radius_squared / alpha**2) ** (-beta)


def image_transfer(image: PsfImage, k_y: Tensor, k_x: Tensor, pixel_scale: float) -> Tensor:
    """Transfer function (len(k_y), len(k_x)), complex, of a PSF given by its samples.

    The samples are interpolated by their own band limit: on a sky finer than the PSF's pixels,
    frequencies past what the PSF's sampling can hold are zero.

    Args:
        image: The PSF, its centre in the middle of the image.
        k_y, k_x: Frequencies [cycles/arcsec].
        pixel_scale: Side of the sky's pixels [arcsec].
    """
    values = torch.tensor(image.values, dtype=torch.complex128)
    position = (torch.arange(image.size, dtype=torch.float64) - (image.size - 1) / 2) * (
        image.pixel_scale
    )
    one = torch.ones((), dtype=torch.float64)
    e_y, e_x = (torch.polar(one, -2 * torch.pi * k[:, None] * position) for k in (k_y, k_x))
    transfer = e_y @ values @ e_x.T
    if image.pixel_scale > pixel_scale:
        limit = 0.5 / image.pixel_scale
        transfer = transfer * (k_y.abs()[:, None] <= limit) * (k_x.abs()[None, :] <= limit)
    return transfer
