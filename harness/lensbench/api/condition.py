"""An observing condition: everything between the sky and the pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from lensbench.api.psf_image import PsfImage
from lensbench.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MICROJANSKY_ZEROPOINT = 23.9
"""AB magnitude of a source of 1 µJy (Oke & Gunn 1983: m_AB = 8.90 − 2.5 log10(f/Jy))."""

PsfShape = Literal["gaussian", "moffat", "airy", "image"]

_RANGES = {
    "psf_beta": (1.1, 100.0),
    "psf_diffraction": (0.01, 1.1),
    "psf_obstruction": (0.0, 0.9),
    "psf_e1": (-0.6, 0.6),
    "psf_e2": (-0.6, 0.6),
    "psf_error": (-0.9, 9.0),
    "psf_error_e1": (-0.6, 0.6),
    "seeing_scatter": (0.0, 1.0),
    "dark_current": (0.0, math.inf),
}
"""What numbers of a condition may be."""


@dataclass(frozen=True)
class Condition:
    """One observation operator, in the units that instrument papers use.

    Attributes:
        name: What the user types, e.g. `euclid-vis`.
        pixel_scale: Side of a pixel [arcsec].
        psf_fwhm: Full width at half maximum of the PSF, pixel not included [arcsec]. It is the
            only scale of the PSF: another width is the same shape, larger or smaller.
        zeropoint: AB magnitude that gives one electron per second.
        sky_brightness: AB magnitude of a square arcsecond of empty sky.
        exposure_time: Length of one exposure [s].
        num_exposures: How many exposures are added.
        read_noise: Standard deviation of one read [electrons].
        psf: Shape of the PSF: `airy` is the diffraction of a circular aperture with a central
            obstruction, smoothed by a Gaussian (jitter, charge diffusion) to the width that is
            stated.
        psf_beta: Power of a Moffat PSF; ignored by the others.
        psf_diffraction: λ/D of an `airy` PSF in units of its FWHM; ignored by the others.
        psf_obstruction: Diameter of the central obstruction over that of the aperture.
        psf_e1: Ellipticity of the PSF, |e| cos 2φ with |e| = (1 − q)/(1 + q).
        psf_e2: Likewise |e| sin 2φ. A PSF that is an image has no other ellipticity.
        psf_error: Relative error of the width that methods get: images are made with `psf_fwhm`,
            and `told` has (1 + psf_error) times that.
        psf_error_e1: Error of the ellipticity that methods get: added to `psf_e1` in `told`.
        seeing_scatter: Standard deviation of the logarithm of the PSF's width from scene to
            scene. Methods get the width of each scene.
        dark_current: Of one pixel [electrons/s].
        psf_image: The PSF where `psf` is `image`; `psf_fwhm` is then its measured width.
        noise_correlation: Ratio R ≥ 1 of the noise on large areas to what the scatter of single
            pixels suggests, as drizzling makes it (Fruchter & Hook 2002, section 7); 1 for
            independent pixels, and below 2.66.
        artefacts: Severity of cosmic rays, hot pixels, bad columns, satellite trails,
            background gradients and masked borders: 0 for none, then 1 to 5.
        filter_edges: Wavelengths at which the filter passes half of its most [nm]; colours of
            scenes follow from it.
        bands: Conditions of one filter each, with the same pixels: an image has a channel under
            each, in units of the noise of that. None for a condition of one filter.
        reference_band: Which of the bands all other numbers are of. What a scene's catalogue says
            of brightness is of this band.
        summary: One sentence.
        source: Where each number is from: names of fields, a colon, the source; the next
            after a semicolon.
    """

    name: str
    pixel_scale: float
    psf_fwhm: float
    zeropoint: float
    sky_brightness: float
    exposure_time: float
    num_exposures: int
    read_noise: float
    psf: PsfShape = "gaussian"
    psf_beta: float = 3.0
    psf_diffraction: float = 0.9
    psf_obstruction: float = 0.0
    psf_e1: float = 0.0
    psf_e2: float = 0.0
    psf_error: float = 0.0
    psf_error_e1: float = 0.0
    seeing_scatter: float = 0.0
    psf_image: PsfImage | None = None
    dark_current: float = 0.0
    noise_correlation: float = 1.0
    artefacts: int = 0
    filter_edges: tuple[float, float] | None = None
    bands: tuple[Condition, ...] = ()
    reference_band: int = 0
    summary: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if (self.psf == "image") != (self.psf_image is not None):
            raise DataError(f"condition {self.name}: psf={self.psf!r} and psf_image do not agree")
        if not 1 <= self.noise_correlation < 2.66:
            raise DataError(
                f"condition {self.name}: noise_correlation={self.noise_correlation}, "
                "expected 1 to 2.66"
            )
        if self.artefacts not in range(6):
            raise DataError(f"condition {self.name}: artefacts={self.artefacts}, expected 0 to 5")
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise DataError(
                    f"condition {self.name}: {name}={getattr(self, name)}, "
                    f"expected {low:g} to {high:g}"
                )
        if self.psf == "image" and self.told != self:
            raise DataError(
                f"condition {self.name}: the PSF is an image, and psf_error is of a profile",
                "take a profile, or give methods another image",
            )
        if self.bands:
            self._check_bands()

    def _check_bands(self) -> None:
        """Refuses bands that do not make one image, or numbers that are not the reference's."""
        scales = {band.pixel_scale for band in self.bands}
        if len(scales) > 1:
            raise DataError(
                f"condition {self.name}: bands with pixels of {min(scales)}″ and {max(scales)}″",
                "take bands of one pixel scale",
            )
        for band in self.bands:
            if band.bands or band.filter_edges is None:
                raise DataError(
                    f"condition {self.name}: band {band.name!r} has no filter_edges of its own",
                    "name the filter's half-maximum wavelengths in nm",
                )
        whole, band = self.single, self.reference
        if whole != replace(band, name=self.name, summary=self.summary, source=self.source):
            raise DataError(
                f"condition {self.name}: its numbers are not those of {self.reference.name!r}",
                "change the bands, and take the numbers of one",
            )

    @property
    def reference(self) -> Condition:
        """The band that all other numbers are of; the condition itself if it has one filter."""
        return self.bands[self.reference_band] if self.bands else self

    @property
    def single(self) -> Condition:
        """The reference band alone, under the name of the whole."""
        return replace(self, bands=(), reference_band=0) if self.bands else self

    def _changed(self, change: Callable[[Condition], Condition]) -> Condition:
        """The condition with the same change made to each of its bands."""
        whole = change(self.single)
        if not self.bands:
            return whole
        bands = tuple(change(band) for band in self.bands)
        return replace(whole, bands=bands, reference_band=self.reference_band)

    @property
    def told(self) -> Condition:
        """The condition as methods get it: its PSF may have an error."""
        return self._changed(Condition._told)

    def _told(self) -> Condition:
        if not self.psf_error and not self.psf_error_e1:
            return self
        return replace(
            self,
            psf_fwhm=self.psf_fwhm * (1 + self.psf_error),
            psf_e1=self.psf_e1 + self.psf_error_e1,
            psf_error=0.0,
            psf_error_e1=0.0,
        )

    def over_scene(self, psf_fwhm: float) -> Condition:
        """The condition over a scene above which its PSF was this wide [arcsec].

        Of several bands it is the reference band alone, as in all that change the geometry.
        """
        return replace(self.single, psf_fwhm=psf_fwhm, seeing_scatter=0.0)

    def on_pixels(self, pixel_scale: float) -> Condition:
        """The condition with pixels of another side [arcsec], in which σ is as bright as before."""
        wider = 5 * math.log10(pixel_scale / self.pixel_scale)
        return replace(self.single, pixel_scale=pixel_scale, zeropoint=self.zeropoint - wider)

    def magnified(self, factor: float) -> Condition:
        """The condition with all angles so many times as large: the image in pixels is the same."""
        image = self.psf_image
        if image is not None:
            image = PsfImage(image.pixel_scale * factor, image.values)
        larger = replace(self.single, psf_fwhm=self.psf_fwhm * factor, psf_image=image)
        return larger.on_pixels(self.pixel_scale * factor)

    def with_psf(self, psf: NDArray[np.float64]) -> Condition:
        """The condition with this PSF (n, n), in its own pixels."""
        image = PsfImage(self.pixel_scale, psf)
        return replace(self.single, psf="image", psf_image=image, psf_e1=0.0, psf_e2=0.0)

    @property
    def true(self) -> Condition:
        """The same condition without an error of the PSF: methods get the PSF that makes images."""
        return self._changed(lambda one: replace(one, psf_error=0.0, psf_error_e1=0.0))

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
    def background_electrons(self) -> float:
        """Electrons that the empty sky and the dark current leave in a pixel."""
        return self.sky_electrons + self.dark_current * self.total_time

    @property
    def read_electrons(self) -> float:
        """Noise of all reads together [electrons]."""
        return math.sqrt(self.num_exposures) * self.read_noise

    @property
    def sigma_electrons(self) -> float:
        """Noise of an empty pixel: sky, dark current and reads, added in variance [electrons].

        Noise that is spread over neighbours scatters less from pixel to pixel, by the ratio R of
        `noise_correlation`, and as much as ever over large areas.
        """
        return (
            math.hypot(math.sqrt(self.background_electrons), self.read_electrons)
            / self.noise_correlation
        )

    @property
    def noise_tap(self) -> float:
        """Weight c of a neighbour's noise, for the kernel (c, 1, c)/(1 + 2c) along each axis.

        Its sum is one and the sum of its squares 1/R: (1 + 2c)² = R (1 + 2c²), solved for c.
        """
        R = self.noise_correlation
        if math.isclose(R, 2.0):
            return (R - 1) / 4
        return (math.sqrt(4 - (4 - 2 * R) * (1 - R)) - 2) / (4 - 2 * R)

    @property
    def noise_level(self) -> float:
        """Surface brightness that equals the noise of one empty pixel [µJy/arcsec²]."""
        return self.sigma_electrons / self.electrons_per_sb

    def limiting_magnitude(self, diameter: float = 2.0, significance: float = 5.0) -> float:
        """AB magnitude that empty sky allows to detect in an aperture.

        Args:
            diameter: Of the circular aperture, which is taken to hold all the light [arcsec].
            significance: In units of the aperture's noise.
        """
        pixels = math.pi * (diameter / 2 / self.pixel_scale) ** 2
        noise = self.sigma_electrons * self.noise_correlation * math.sqrt(pixels)
        return self.zeropoint - 2.5 * math.log10(significance * noise / self.total_time)

    def vector(self) -> tuple[float, float, float]:
        """The condition as input of an encoder: log10 of pixel scale, PSF width and depth.

        The width is the one that methods get.
        """
        return (
            math.log10(self.pixel_scale),
            math.log10(self.told.psf_fwhm),
            math.log10(self.noise_level * self.pixel_scale),
        )

    def image_size(self, field_of_view: float) -> int:
        """Pixels on a side for a field [arcsec]: the nearest multiple of 8, at least 8."""
        return max(8, 8 * round(field_of_view / self.pixel_scale / 8))
