"""Conditions of telescopes in space: HST, Euclid, Roman and JWST."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal, TypedDict

from lensbench.api.condition import Condition


class Airy(TypedDict):
    """Fields of a condition that say its diffraction."""

    psf: Literal["airy"]
    psf_fwhm: float
    psf_diffraction: float
    psf_obstruction: float


_ARCSEC = 180 * 3600 / math.pi


def _diffraction(diameter: float, obstruction: float, wavelength: float, fwhm: float) -> Airy:
    """The PSF of an aperture [m] at a wavelength [µm], as wide [arcsec] as it was measured."""
    ratio = wavelength * 1e-6 / diameter * _ARCSEC / fwhm
    return Airy(psf="airy", psf_fwhm=fwhm, psf_diffraction=ratio, psf_obstruction=obstruction)


_PSF_SOURCE = "psf: diffraction at the pivot wavelength of an aperture of {}, smoothed to psf_fwhm"

HST_ACS = Condition(
    name="hst-acs",
    pixel_scale=0.05,
    **_diffraction(2.4, 0.33, 0.8045, 0.088),
    zeropoint=25.94,
    sky_brightness=21.6,
    exposure_time=507.0,
    num_exposures=4,
    read_noise=5.0,
    dark_current=0.0062,
    summary="HST ACS/WFC F814W at the depth of COSMOS: 4 × 507 s, native pixels.",
    source=(
        "pixel_scale, exposure_time, num_exposures: Koekemoer et al. 2007 (astro-ph/0703095); "
        "psf_fwhm: their 0.095″ less the pixel; zeropoint, read_noise, dark_current: ACS "
        "Instrument Handbook; sky_brightness: its 22.0, with the zodiacal light 1.7 times its "
        f"mean at the ecliptic latitude of −9° (Leinert et al. 1998, Table 17); "
        f"{_PSF_SOURCE.format('2.4 m, 0.33 obstructed')}"
    ),
)

HST_ACS_DRIZZLED = replace(
    HST_ACS,
    name="hst-acs-drizzled",
    pixel_scale=0.03,
    read_noise=3.0,
    dark_current=0.0022,
    noise_correlation=1.78,
    summary="HST ACS/WFC F814W of COSMOS, drizzled to 0.03″: its noise is correlated.",
    source=(
        "pixel_scale: Koekemoer et al. 2007 (astro-ph/0703095); noise_correlation: Fruchter & "
        "Hook 2002 (astro-ph/9808087), section 7, for pixfrac 0.8 on 0.6 of a native pixel; "
        "read_noise, dark_current: of the share of a native pixel that falls on one; "
        "psf_fwhm, zeropoint, sky_brightness, exposure_time, num_exposures: as hst-acs"
    ),
)

HST_WFC3_F160W = Condition(
    name="hst-wfc3-f160w",
    pixel_scale=0.08,
    **_diffraction(2.4, 0.33, 1.5369, 0.151),
    zeropoint=25.96,
    sky_brightness=22.3,
    exposure_time=1350.0,
    num_exposures=4,
    read_noise=7.5,
    dark_current=0.019,
    noise_correlation=1.73,
    summary="HST WFC3/IR F160W: two orbits of four dithers, drizzled from 0.128″ to 0.08″.",
    source=(
        "psf_fwhm: WFC3 Instrument Handbook, and Windhorst et al. 2011 (arXiv:1005.2776); "
        "pixel_scale, zeropoint, sky_brightness: as in lenstronomy 1.14 (HST, WFC3_F160W); "
        "exposure_time, num_exposures: its 5400 s in four dithers; read_noise, dark_current: "
        "12 e⁻ of a fitted ramp and 0.048 e⁻/s (WFC3 Instrument Handbook), of the share of a "
        "native pixel that falls on one; noise_correlation: Fruchter & Hook 2002 "
        "(astro-ph/9808087), section 7, for pixfrac 0.8 on 0.625 of a native pixel; "
        + _PSF_SOURCE.format("2.4 m, 0.33 obstructed")
    ),
)

EUCLID_VIS = Condition(
    name="euclid-vis",
    pixel_scale=0.101,
    **_diffraction(1.2, 0.33, 0.7156, 0.144),
    zeropoint=25.72,
    sky_brightness=22.3,
    exposure_time=566.0,
    num_exposures=4,
    read_noise=4.2,
    summary="Euclid VIS in the Wide Survey: 4 × 566 s.",
    source=(
        "zeropoint, sky_brightness: arXiv:2405.13496; psf_fwhm: the 0.16″ that "
        "arXiv:2405.13496 measures, less the pixel; pixel_scale, exposure_time, num_exposures: "
        "arXiv:2405.13491; read_noise: arXiv:2405.13492; all but the PSF as in lenstronomy 1.14 "
        f"(Euclid, VIS); {_PSF_SOURCE.format('1.2 m, 0.33 obstructed')}"
    ),
)


_NISP_EDGES = {"y": (950.4, 1216.9), "j": (1167.0, 1572.3), "h": (1523.9, 2027.1)}
"""Wavelengths between which a filter passes more than half of its most [nm]."""


def _nisp(band: str, zeropoint: float, sky: float, wavelength: float, fwhm: float) -> Condition:
    return Condition(
        name=f"euclid-nisp-{band}",
        pixel_scale=0.3,
        **_diffraction(1.2, 0.33, wavelength, fwhm),
        zeropoint=zeropoint,
        sky_brightness=sky,
        exposure_time=87.2,
        num_exposures=4,
        read_noise=6.1,
        filter_edges=_NISP_EDGES[band],
        summary=f"Euclid NISP {band.upper()} band in the Wide Survey: 4 × 87.2 s.",
        source=(
            "zeropoint, sky_brightness: arXiv:2405.13496; psf_fwhm: the 0.48″ to 0.50″ that "
            "arXiv:2405.13496 measures, less the pixel; pixel_scale, exposure_time, "
            "num_exposures: arXiv:2405.13491; read_noise: arXiv:2405.13493; filter_edges: "
            "half-maxima of the throughputs of arXiv:2203.01650; all but the PSF as "
            "in lenstronomy 1.14 (Euclid); " + _PSF_SOURCE.format("1.2 m, 0.33 obstructed")
        ),
    )


def _roman(band: str, zeropoint: float, sky: float, fwhm: float) -> Condition:
    return Condition(
        name=f"roman-{band}",
        pixel_scale=0.11,
        psf="airy",
        psf_fwhm=fwhm,
        psf_diffraction=1.02,
        psf_obstruction=0.31,
        zeropoint=zeropoint,
        sky_brightness=sky,
        exposure_time=107.0,
        num_exposures=6,
        read_noise=8.5,
        summary=f"Roman WFI {band.upper()}, wide-area survey, medium tier: 6 × 107 s.",
        source=(
            "pixel_scale, psf_fwhm, zeropoint, sky_brightness, exposure_time, num_exposures, "
            "read_noise: Roman WFI technical pages; as in lenstronomy 1.14 (Roman, wide_area); "
            "psf: diffraction alone, 0.31 obstructed, as wide as psf_fwhm"
        ),
    )


def _nircam(
    band: str, zeropoint: float, sky: float, wavelength: float, fwhm: float, short: bool
) -> Condition:
    return Condition(
        name=f"jwst-nircam-{band}",
        pixel_scale=0.031 if short else 0.063,
        **_diffraction(6.5, 0.2, wavelength, fwhm),
        zeropoint=zeropoint,
        sky_brightness=sky,
        exposure_time=215.0,
        num_exposures=2,
        read_noise=7.1 if short else 5.9,
        dark_current=0.0019 if short else 0.034,
        summary=f"JWST NIRCam {band.upper()} of COSMOS-Web: 2 ramps of 257 s.",
        source=(
            "exposure_time, num_exposures: Casey et al. 2023 (arXiv:2211.07865): eight exposures "
            "of 257 s a visit are shared by two pairs of filters, and most pixels get two in each; "
            "the time is that between the first and the last group of a ramp; "
            "pixel_scale, psf_fwhm: JWST documentation, as in lenstronomy 1.14 (JWST); "
            "zeropoint: JWST documentation; of the long filters from 0.42 and 0.40 MJy/sr per "
            "DN/s and 1.82 e⁻ per DN, where lenstronomy's 26.49 is 1.6 mag too faint; "
            "dark_current: JWST documentation; read_noise: a line fitted to five groups "
            "of four reads (Rauscher et al. 2007, arXiv:0706.2344, equation 1), where the "
            "documentation has 15.77 e⁻ (short) and 13.25 e⁻ (long) for a pair of reads; "
            "sky_brightness: zodiacal light at the ecliptic latitude of −9°, twice that at 60° "
            "(Leinert et al. 1998, Table 17), and stray light (Rigby et al. 2023, "
            "arXiv:2211.09890): 0.40, 0.25 and 0.44 MJy/sr; "
            + _PSF_SOURCE.format("6.5 m, 0.2 obstructed")
        ),
    )


SPACE = (
    HST_ACS,
    HST_ACS_DRIZZLED,
    HST_WFC3_F160W,
    EUCLID_VIS,
    _nisp("y", 25.04, 22.1, 1.0809, 0.416),
    _nisp("j", 25.26, 22.2, 1.3673, 0.428),
    _nisp("h", 25.21, 22.3, 1.7714, 0.439),
    _roman("f106", 26.3546, 22.99, 0.087),
    _roman("f129", 26.3531, 22.99, 0.106),
    _roman("f158", 26.3760, 23.10, 0.128),
    _nircam("f150w", 28.02, 21.5, 1.501, 0.05, short=True),
    _nircam("f277w", 28.06, 22.0, 2.786, 0.092, short=False),
    _nircam("f444w", 28.11, 21.4, 4.421, 0.145, short=False),
)
"""All telescopes in space."""
