"""Conditions of surveys from the ground: DES, KiDS, HSC and Rubin."""

from __future__ import annotations

from lensbench.api.condition import Condition

_DES_SOURCE = (
    "pixel_scale, read_noise, psf_fwhm, zeropoint, sky_brightness, exposure_time, num_exposures: "
    "Abbott et al. 2018 (arXiv:1801.03181); as in lenstronomy 1.14 (DES, 3 years)"
)
_RUBIN_SOURCE = (
    "pixel_scale, read_noise, psf_fwhm, zeropoint, sky_brightness, exposure_time, num_exposures: "
    "Ivezić et al. 2019 (arXiv:0805.2366); as in lenstronomy 1.14 (LSST)"
)
_HSC_SOURCE = (
    "pixel_scale, exposure_time, num_exposures: Aihara et al. 2018 (arXiv:1704.05858); "
    "psf_fwhm: Aihara et al. 2022 (arXiv:2108.13045), Table 1, Wide; "
    "read_noise: Subaru, HSC instrument parameters; "
    "zeropoint: from the filters' throughput and 8.2 m, as in galcheat 1.0 (HSC); "
    "sky_brightness: Subaru exposure time calculator, as in galcheat 1.0 (HSC)"
)


def _des(band: str, zeropoint: float, sky: float, fwhm: float, time: float = 90.0) -> Condition:
    return Condition(
        name=f"des-{band}",
        pixel_scale=0.263,
        psf_fwhm=fwhm,
        zeropoint=zeropoint,
        sky_brightness=sky,
        exposure_time=time,
        num_exposures=10,
        read_noise=7.0,
        summary=f"Dark Energy Survey {band} band: 10 × {time:.0f} s.",
        source=_DES_SOURCE,
    )


def _hsc(
    band: str, zeropoint: float, sky: float, fwhm: float, time: float, count: int
) -> Condition:
    return Condition(
        name=f"hsc-{band}",
        pixel_scale=0.168,
        psf_fwhm=fwhm,
        zeropoint=zeropoint,
        sky_brightness=sky,
        exposure_time=time,
        num_exposures=count,
        read_noise=4.5,
        summary=f"Hyper Suprime-Cam SSP Wide {band} band: {count} × {time:.0f} s.",
        source=_HSC_SOURCE,
    )


def _rubin(
    band: str, zeropoint: float, sky: float, fwhm: float, count: int, years: int = 10
) -> Condition:
    exposures = years * count // 10
    after = "ten years" if years == 10 else "one year"
    return Condition(
        name=f"rubin-{band}" if years == 10 else f"rubin-{band}-y{years}",
        pixel_scale=0.2,
        psf_fwhm=fwhm,
        zeropoint=zeropoint,
        sky_brightness=sky,
        exposure_time=15.0,
        num_exposures=exposures,
        read_noise=10.0,
        summary=f"Rubin LSST {band} band after {after}: {exposures} × 15 s.",
        source=_RUBIN_SOURCE,
    )


KIDS_R = Condition(
    name="kids-r",
    pixel_scale=0.214,
    psf_fwhm=0.70,
    zeropoint=25.86,
    sky_brightness=20.79,
    exposure_time=360.0,
    num_exposures=5,
    read_noise=5.0,
    summary="Kilo-Degree Survey r band: 5 × 360 s.",
    source=(
        "pixel_scale, psf_fwhm, exposure_time, num_exposures: Kuijken et al. 2019 "
        "(arXiv:1902.11265); read_noise: OmegaCAM signal-to-noise pages of Astro-WISE; "
        "zeropoint: estimated here, 4.6 m² at a total throughput of 0.4 over Δλ/λ = 0.22; "
        "sky_brightness: set so that 5σ in 2″ is the 25.02 mag of Kuijken et al. 2019"
    ),
)

_RUBIN_BANDS = (
    ("u", 26.50, 22.99, 0.81, 140),
    ("g", 28.30, 22.26, 0.77, 200),
    ("r", 28.13, 21.20, 0.73, 460),
    ("i", 27.79, 20.48, 0.71, 460),
    ("z", 27.40, 19.60, 0.69, 400),
    ("y", 26.58, 18.61, 0.68, 400),
)

GROUND = (
    _des("g", 26.58, 22.01, 1.12),
    _des("r", 26.78, 21.15, 0.96),
    _des("i", 26.75, 19.89, 0.88),
    _des("z", 26.48, 18.72, 0.84),
    _des("y", 25.40, 17.96, 0.90, time=45.0),
    KIDS_R,
    _hsc("g", 28.90, 21.4, 0.79, 150.0, 4),
    _hsc("r", 28.86, 20.6, 0.75, 150.0, 4),
    _hsc("i", 28.61, 19.7, 0.61, 200.0, 6),
    _hsc("z", 27.68, 18.3, 0.68, 200.0, 6),
    _hsc("y", 27.33, 17.9, 0.68, 200.0, 6),
    *(_rubin(*band) for band in _RUBIN_BANDS),
    *(_rubin(*band, years=1) for band in _RUBIN_BANDS),
)
"""All surveys from the ground."""
