"""An observing condition: everything between the sky and the pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

MICROJANSKY_ZEROPOINT = 23.9
"""AB magnitude of a source of 1 µJy (Oke & Gunn 1983: m_AB = 8.90 − 2.5 log10(f/Jy))."""


@dataclass(frozen=True)
class Condition:
    """One observation operator, in the units that instrument papers use.

    Attributes:
        name: What the user types, e.g. `euclid-vis`.
        pixel_scale: Side of a pixel [arcsec].
        psf_fwhm: Full width at half maximum of the PSF, pixel not included [arcsec].
        zeropoint: AB magnitude that gives one electron per second.
        sky_brightness: AB magnitude of a square arcsecond of empty sky.
        exposure_time: Length of one exposure [s].
        num_exposures: How many exposures are added.
        read_noise: Standard deviation of one read [electrons].
        psf: Shape of the PSF.
        psf_beta: Power of a Moffat PSF; ignored by a Gaussian one.
        summary: One sentence.
        source: Where the numbers are from.
    """

    name: str
    pixel_scale: float
    psf_fwhm: float
    zeropoint: float
    sky_brightness: float
    exposure_time: float
    num_exposures: int
    read_noise: float
    psf: Literal["gaussian", "moffat"] = "gaussian"
    psf_beta: float = 3.0
    summary: str = ""
    source: str = ""

    @property
    def total_time(self) -> float:
        """Exposure time of the sum [s]."""
        return self.exposure_time * self.num_exposures

    @property
    def electrons_per_sb(self) -> float:
        """Electrons in a pixel per unit of surface brightness [electrons / (µJy/arcsec²)]."""
        rate = 10 ** (0.4 * (self.zeropoint - MICROJANSKY_ZEROPOINT))
        return rate * self.pixel_scale**2 * self.total_time

    @property
    def sky_electrons(self) -> float:
        """Electrons that the empty sky leaves in a pixel."""
        sky = 10 ** (0.4 * (MICROJANSKY_ZEROPOINT - self.sky_brightness))
        return sky * self.electrons_per_sb

    @property
    def sigma_electrons(self) -> float:
        """Noise of an empty pixel: sky and reads, added in variance [electrons]."""
        return math.sqrt(self.sky_electrons + self.num_exposures * self.read_noise**2)

    @property
    def noise_level(self) -> float:
        """Surface brightness that equals the noise of one empty pixel [µJy/arcsec²]."""
        return self.sigma_electrons / self.electrons_per_sb

    def vector(self) -> tuple[float, float, float]:
        """The condition as an encoder may ask for it: log10 of scale, PSF width and depth."""
        return (
            math.log10(self.pixel_scale),
            math.log10(self.psf_fwhm),
            math.log10(self.noise_level * self.pixel_scale),
        )

    def image_size(self, field_of_view: float) -> int:
        """Pixels on a side for a field [arcsec]: the nearest multiple of 8, at least 8."""
        return max(8, 8 * round(field_of_view / self.pixel_scale / 8))
