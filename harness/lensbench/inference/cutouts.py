"""One image made ready for a lens fit: of one size, in units of its noise, with its own PSF."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lensbench.api.condition import MICROJANSKY_ZEROPOINT, Condition
from lensbench.api.psf_image import PsfImage
from lensbench.data.picture import Picture
from lensbench.errors import DataError
from lensbench.inference.cosmic_rays import MISSING, astroscrappy, cosmic_rays, filled
from lensbench.inference.framing import flaws
from lensbench.sky.psf import measure_fwhm
from lensbench.training.noise import background_and_noise

_BRIGHT = 10.0
"""Pixels that the gain of a noise map is read from are brighter than this [σ]."""


@dataclass(frozen=True)
class Cutout:
    """One image made ready: of one size, in units of its noise, with what is known of it.

    Attributes:
        image: (H, H) in units of the noise of an empty pixel. Pixels that cannot be used are filled
            in from their neighbours; wide gaps are zero.
        condition: With the image's own pixel scale, PSF and noise.
        notes: What is assumed or doubtful, a few words each.
        rays: How many pixels cosmic rays have hit.
    """

    image: np.ndarray
    condition: Condition
    notes: tuple[str, ...]
    rays: int = 0


def cutout_of(picture: Picture, base: Condition, field: float) -> Cutout:
    """The middle of an image, at the signal-to-noise ratio that it has.

    Bands are added up. The pixel scale, PSF and noise map are those of the file; what it does not
    have is that of the base condition, which `notes` say.

    Args:
        picture: As it was read.
        base: Condition that files leave open.
        field: Side of what is looked at [arcsec].

    Raises:
        DataError: Where the image cannot be used.
    """
    notes = []
    bad = picture.unusable() | ~np.isfinite(picture.pixels)
    pixels = np.where(bad, 0, picture.pixels)[None]
    if reason := flaws(pixels)[0]:
        raise DataError(reason, "")
    ruled_out = bad[None] if bad.any() else None
    noise = picture.noise
    background, sigma = background_and_noise(
        pixels, picture.unit, None if noise is None else noise[None], ruled_out
    )
    scaled = np.where(bad, 0, (pixels - background[..., None, None]) / sigma[..., None, None])[0]
    scale = picture.pixel_scale
    if not scale:
        scale = base.pixel_scale
        notes.append(f"pixels taken as {scale:g} arcsec")
    middle = _middle(scaled.shape[-2:], round(field / scale))
    if bad[(slice(None), *middle)].mean() > 0.01:
        notes.append("masked pixels")
    condition = replace(
        base, pixel_scale=scale, psf_error=0.0, psf_error_e1=0.0, seeing_scatter=0.0
    )
    if (psf := picture.square_psf()) is not None:
        fwhm = measure_fwhm(PsfImage(scale, psf))
        condition = replace(condition.with_psf(psf), psf_fwhm=fwhm)
    elif picture.psf_fwhm and condition.psf != "image":
        condition = replace(condition, psf_fwhm=picture.psf_fwhm)
    else:
        notes.append(f"PSF of {base.name}")
    if noise is None:
        notes.append("noise of the border")
    else:
        plane = np.broadcast_to(noise, picture.pixels.shape)[0] / sigma[0, 0]
        condition = _with_photons(condition, scaled[0], plane, bad[0])
    if picture.microjansky:
        condition = _of_level(
            condition, condition.sigma_electrons, float(sigma[0, 0]) * picture.microjansky
        )
    bands, holes = scaled[(slice(None), *middle)], bad[(slice(None), *middle)]
    holes, rays, said = _without_rays(bands, holes, condition)
    whole_bands = [filled(band, hole) for band, hole in zip(bands, holes, strict=True)]
    image = np.sum(whole_bands, axis=0) / math.sqrt(len(bands))
    return Cutout(image.astype(np.float32), condition, (*notes, *said), rays)


def _without_rays(
    bands: np.ndarray, bad: np.ndarray, condition: Condition
) -> tuple[np.ndarray, int, list[str]]:
    """Pixels (C, H, W) not to be used, those hit by cosmic rays too: how many, and notes."""
    library = astroscrappy()
    if library is None:
        return bad, 0, [MISSING.partition(":")[0]]
    found = [
        cosmic_rays(library, np.where(hole, 0, band), condition)
        for band, hole in zip(bands, bad, strict=True)
    ]
    if any(one is None for one in found):
        return bad, 0, ["cosmic rays not looked for (sharp sources)"]
    hit = np.stack([one for one in found if one is not None]) & ~bad
    return bad | hit, int(hit.sum()), ["cosmic rays masked"] if hit.any() else []


def _middle(shape: tuple[int, ...], side: int) -> tuple[slice, slice]:
    """Rows and columns of the middle: a square of at most so many pixels, a multiple of four."""
    side = min(side, *shape) // 4 * 4
    top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
    return slice(top, top + side), slice(left, left + side)


def _with_photons(
    condition: Condition, image: np.ndarray, noise: np.ndarray, bad: np.ndarray
) -> Condition:
    """A condition whose photons make the noise grow with brightness as a map (H, W) says [σ]."""
    chosen = (image > _BRIGHT) & ~bad
    if not chosen.any():
        return condition
    excess = (noise[chosen] ** 2 - 1).clip(min=0) / image[chosen]
    per_sigma = float(np.median(excess))
    electrons = 1 / per_sigma if per_sigma > 1e-6 else 1e6
    return _of_level(condition, electrons, condition.noise_level)


def _of_level(condition: Condition, electrons: float, level: float) -> Condition:
    """A condition whose empty pixels scatter by so many electrons, and by a level [µJy/arcsec²]."""
    rate = electrons / level
    return replace(
        condition,
        zeropoint=MICROJANSKY_ZEROPOINT + 2.5 * math.log10(rate / condition.pixel_scale**2),
        sky_brightness=MICROJANSKY_ZEROPOINT - 2.5 * math.log10(electrons * level),
        exposure_time=1.0,
        num_exposures=1,
        read_noise=0.0,
        dark_current=0.0,
        noise_correlation=1.0,
    )
