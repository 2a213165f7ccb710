"""How deep conditions are: magnitudes that follow from their numbers, beside those published."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from lensbench.api.condition import Condition
from lensbench.sky.blur import blur_of

_FIELD, _SAMPLES = 64, 256
"""Side of the field [FWHM] and points along it on which a PSF is measured."""


@dataclass(frozen=True)
class PublishedDepth:
    """A depth that a survey states, and how it measured it.

    Attributes:
        magnitude: AB magnitude at 5σ.
        diameter: Of the aperture [arcsec]; zero for a point source whose PSF is fitted.
        total: Whether the magnitude is of all light, and not of what falls into the aperture.
        source: Where it stands.
        remark: What is assumed about it.
    """

    magnitude: float
    diameter: float
    total: bool
    source: str
    remark: str = ""


def noise_equivalent_area(condition: Condition) -> float:
    """Area [arcsec²] whose noise is that of a point source's flux, PSF and pixels known.

    One over the integral of the squared image of a point (King 1983, doi:10.1086/131139).
    """
    field = _FIELD * condition.psf_fwhm
    return float(field**2 / _imaged(condition).square().sum())


def encircled(condition: Condition, diameter: float) -> float:
    """Share of a point source's light in a centred circular aperture [arcsec], pixels included."""
    field = _FIELD * condition.psf_fwhm
    frequency = torch.fft.fftfreq(_SAMPLES, field / _SAMPLES, dtype=torch.float64)
    k = torch.hypot(frequency[:, None], frequency[None, :])
    x = math.pi * diameter * k
    disc = torch.where(x > 0, 2 * torch.special.bessel_j1(x) / x.clamp(min=1e-12), 1.0)
    area = math.pi * (diameter / 2) ** 2
    return float((_imaged(condition) * disc).sum() * area / field**2)


def _imaged(condition: Condition) -> torch.Tensor:
    """Modulus of the transfer (n, n) of PSF and pixel."""
    step = _FIELD * condition.psf_fwhm / _SAMPLES
    frequency = torch.fft.fftfreq(_SAMPLES, step, dtype=torch.float64)
    half = blur_of(condition, 0.0).transfer(_SAMPLES, step).abs()
    mirrored = half[(-torch.arange(_SAMPLES)) % _SAMPLES][:, 1 : _SAMPLES // 2].flip(1)
    pixel = torch.sinc(frequency * condition.pixel_scale).abs()
    whole: torch.Tensor = torch.cat([half, mirrored], 1) * pixel[:, None] * pixel[None, :]
    return whole


def point_source_depth(condition: Condition, significance: float = 5.0) -> float:
    """AB magnitude of a point source on empty sky whose fitted flux is so many times its error."""
    area = noise_equivalent_area(condition)
    return condition.limiting_magnitude(2 * math.sqrt(area / math.pi), significance)


def derived_depth(condition: Condition, published: PublishedDepth) -> float:
    """The 5σ depth of a condition, as a survey states it."""
    if not published.diameter:
        return point_source_depth(condition)
    depth = condition.limiting_magnitude(published.diameter)
    if not published.total:
        return depth
    return depth + 2.5 * math.log10(encircled(condition, published.diameter))


_EUCLID = "Scaramella et al. 2022 (arXiv:2108.01201)"
_DES = "Abbott et al. 2021 (arXiv:2101.05765), 10σ less 0.75"
_COSMOS_WEB = "Casey et al. 2023 (arXiv:2211.07865), two exposures"
_SMTN = "SMTN-002, visits of 1 × 30 s, and 1.25 log₁₀ of their number"
_HSC = "Aihara et al. 2022 (arXiv:2108.13045), Table 1"
_VISITS = {"u": (23.70, 56), "g": (24.97, 80), "r": (24.52, 184), "i": (24.13, 184),
           "z": (23.56, 160), "y": (22.55, 160)}  # fmt: skip


def _published() -> Iterator[tuple[str, PublishedDepth]]:
    acs = PublishedDepth(27.2, 0.24, True, "Koekemoer et al. 2007 (astro-ph/0703095)")
    yield from (("hst-acs", acs), ("hst-acs-drizzled", acs))
    candels = "Nayyeri et al. 2017 (arXiv:1612.07364)"
    scaled = 27.56 + 1.25 * math.log10(5400 / 3200)
    yield (
        "hst-wfc3-f160w",
        PublishedDepth(scaled, 0.34, True, candels, "27.56 of CANDELS in 3,200 s, for 5,400 s"),
    )
    vis = "McCracken et al. 2025 (arXiv:2503.15303)"
    measured = 25.6 + 2.5 * math.log10(2)
    yield "euclid-vis", PublishedDepth(measured, 1.3, False, vis, "25.6 at 10σ, measured in Q1")
    for band, magnitude in (("y", 24.3), ("j", 24.5), ("h", 24.4)):
        yield f"euclid-nisp-{band}", PublishedDepth(magnitude, 2.0, True, _EUCLID, "2″ is assumed")
    for band, magnitude in (("f106", 26.5), ("f129", 26.4), ("f158", 26.4)):
        rotac = "Roman Observations Time Allocation Committee 2025"
        yield f"roman-{band}", PublishedDepth(magnitude, 0.5, True, rotac, "0.5″ is assumed")
    for band, magnitude in (("f150w", 27.35), ("f277w", 27.99), ("f444w", 27.83)):
        yield f"jwst-nircam-{band}", PublishedDepth(magnitude, 0.3, False, _COSMOS_WEB)
    for band, magnitude in zip("grizy", (24.7, 24.4, 23.8, 23.1, 21.7), strict=True):
        yield f"des-{band}", PublishedDepth(magnitude + 2.5 * math.log10(2), 1.95, False, _DES)
    yield "kids-r", PublishedDepth(25.02, 2.0, False, "Kuijken et al. 2019 (arXiv:1902.11265)")
    for band, magnitude in zip("grizy", (26.5, 26.5, 26.2, 25.2, 24.4), strict=True):
        yield f"hsc-{band}", PublishedDepth(magnitude, 0.0, True, _HSC, "the sky is set to it")
    for band, (magnitude, visits) in _VISITS.items():
        for name, count in ((f"rubin-{band}", visits), (f"rubin-{band}-y1", visits // 10)):
            coadded = magnitude + 1.25 * math.log10(count)
            yield name, PublishedDepth(coadded, 0.0, True, _SMTN)


PUBLISHED = dict(_published())
"""Depths that surveys state, by the name of their condition."""
