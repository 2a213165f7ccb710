"""What spoils an image beside noise: cosmic rays, hot pixels, columns, trails, gradients, borders.

Five severities: 1 is what a careful reduction leaves behind, 5 a single raw exposure near the edge
of a detector. Amplitudes follow from the condition: electrons for charge, the noise of an empty
pixel for a trail, a share of the sky for a gradient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensbench.api.condition import Condition

Image = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Severity:
    """How much of each artefact.

    Attributes:
        cosmic_rays: Mean number on 64 × 64 pixels.
        hot_pixels: Share of all pixels.
        bad_columns: Mean number on 64 columns.
        trail: Chance of a satellite's trail.
        gradient: Of the background from the field's centre to its edge, as a share of the sky.
        border: Width of the masked border as a share of the field, on a side drawn at random.
    """

    cosmic_rays: float
    hot_pixels: float
    bad_columns: float
    trail: float
    gradient: float
    border: float


SEVERITIES = {
    1: Severity(0.5, 0.0002, 0.05, 0.02, 0.01, 0.0),
    2: Severity(1.5, 0.0005, 0.15, 0.06, 0.02, 0.02),
    3: Severity(4.0, 0.0015, 0.4, 0.15, 0.05, 0.05),
    4: Severity(10.0, 0.004, 0.8, 0.3, 0.1, 0.1),
    5: Severity(25.0, 0.01, 1.6, 0.6, 0.2, 0.15),
}

_CHARGE_PER_PIXEL = 1000.0
"""Median charge of a cosmic ray in a pixel it crosses [electrons]: 80 pairs per µm of silicon
(Groom 2002, "Cosmic rays and other nonsense in astronomical CCD imagers") over 12 µm."""

_TRACK_LENGTH = 4.0
"""Mean length of a cosmic ray's track [pixels]."""


@dataclass(frozen=True)
class Artefacts:
    """One draw, over an image (C, N, N).

    Attributes:
        photons: Expected electrons of light and dark current that the sky lacks, subject to
            Poisson noise.
        charge: Electrons that particles leave.
        dead: Pixels that hold no charge at all.
        masked: Pixels that the reduction has set to the empty sky.
    """

    photons: Image
    charge: Image
    dead: Mask
    masked: Mask

    def spoil(self, recorded: Image, sky: float) -> Image:
        """Recorded electrons (C, N, N): charge added, dead pixels empty, masked ones at the sky."""
        spoilt = np.where(self.dead, 0.0, recorded + self.charge)
        return np.where(self.masked, sky, spoilt)


def draw_artefacts(
    condition: Condition, shape: tuple[int, ...], random: np.random.Generator
) -> Artefacts:
    """Artefacts of a condition's severity over an image of this shape (C, N, N)."""
    severity = SEVERITIES[condition.artefacts]
    photons, charge = np.zeros(shape), np.zeros(shape)
    dead, masked = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for channel in range(shape[0]):
        photons[channel] += _gradient(severity, condition, shape[-1], random)
        photons[channel] += _hot_pixels(severity, condition, shape[-1], random)
        photons[channel] += _trail(severity, condition, shape[-1], random)
        charge[channel] += _cosmic_rays(severity, shape[-1], random)
        dead[channel] |= _bad_columns(severity, shape[-1], random)
        masked[channel] |= _border(severity, shape[-1], random)
    return Artefacts(photons, charge, dead, masked)


def _gradient(
    severity: Severity, condition: Condition, size: int, random: np.random.Generator
) -> Image:
    """A plane through zero at the centre, of random direction: scattered light, or a bad flat."""
    phi = random.uniform(0, 2 * math.pi)
    axis = np.linspace(-1, 1, size)
    plane = axis[None, :] * math.cos(phi) + axis[:, None] * math.sin(phi)
    return np.asarray(severity.gradient * condition.sky_electrons * plane)


def _hot_pixels(
    severity: Severity, condition: Condition, size: int, random: np.random.Generator
) -> Image:
    """Dark current, log-normal about 20 times the noise of an empty pixel, in few pixels."""
    hot = random.uniform(size=(size, size)) < severity.hot_pixels
    current = condition.sigma_electrons * random.lognormal(math.log(20), 1.0, (size, size))
    return np.where(hot, current, 0.0)


def _trail(
    severity: Severity, condition: Condition, size: int, random: np.random.Generator
) -> Image:
    """A satellite's trail: a straight line as wide as the PSF, 3 to 60 σ high, across the field."""
    there = random.uniform() < severity.trail
    phi = random.uniform(0, math.pi)
    offset = random.uniform(-0.4, 0.4) * size
    height = condition.sigma_electrons * math.exp(random.uniform(math.log(3), math.log(60)))
    if not there:
        return np.zeros((size, size))
    axis = np.arange(size) - (size - 1) / 2
    across = axis[None, :] * math.sin(phi) - axis[:, None] * math.cos(phi) - offset
    width = max(condition.psf_fwhm / 2.355 / condition.pixel_scale, 0.5)
    return np.asarray(height * np.exp(-0.5 * (across / width) ** 2))


def _cosmic_rays(severity: Severity, size: int, random: np.random.Generator) -> Image:
    """Straight tracks of exponential length and random direction, charge log-normal along them."""
    charge = np.zeros((size, size))
    for _ in range(random.poisson(severity.cosmic_rays * (size / 64) ** 2)):
        start = random.uniform(0, size, 2)
        phi = random.uniform(0, 2 * math.pi)
        steps = 4 * math.ceil(random.exponential(_TRACK_LENGTH) + 1)
        along = np.arange(steps) / 4
        rows = np.floor(start[0] + along * math.sin(phi)).astype(int)
        columns = np.floor(start[1] + along * math.cos(phi)).astype(int)
        deposit = random.lognormal(math.log(_CHARGE_PER_PIXEL / 4), 0.5, steps)
        inside = (rows >= 0) & (rows < size) & (columns >= 0) & (columns < size)
        np.add.at(charge, (rows[inside], columns[inside]), deposit[inside])
    return charge


def _bad_columns(severity: Severity, size: int, random: np.random.Generator) -> Mask:
    """Columns that read nothing, from a random row on: a trap on the way to the amplifier."""
    bad = np.zeros((size, size), dtype=bool)
    for _ in range(random.poisson(severity.bad_columns * size / 64)):
        bad[random.integers(size) :, random.integers(size)] = True
    return bad


def _border(severity: Severity, size: int, random: np.random.Generator) -> Mask:
    """A masked strip along one side: the gap between two detectors."""
    masked = np.zeros((size, size), dtype=bool)
    turn = int(random.integers(4))
    masked[: round(severity.border * size)] = True
    return np.rot90(masked, turn)
