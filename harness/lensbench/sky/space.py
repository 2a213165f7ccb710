"""Conditions of telescopes in space: HST, Euclid, Roman and JWST."""

from __future__ import annotations

from dataclasses import replace

from lensbench.api.condition import Condition

HST_ACS = Condition(
    name="hst-acs",
    pixel_scale=0.05,
    psf_fwhm=0.095,
    zeropoint=25.94,
    sky_brightness=22.0,
    exposure_time=507.0,
    num_exposures=4,
    read_noise=5.0,
    summary="HST ACS/WFC F814W at the depth of COSMOS: 4 × 507 s, native pixels.",
    source=(
        "pixel_scale, psf_fwhm, exposure_time, num_exposures: Koekemoer et al. 2007 "
        "(astro-ph/0703095); zeropoint, sky_brightness, read_noise: ACS Instrument Handbook"
    ),
)

HST_ACS_DRIZZLED = replace(
    HST_ACS,
    name="hst-acs-drizzled",
    pixel_scale=0.03,
    noise_correlation=1.78,
    summary="HST ACS/WFC F814W of COSMOS, drizzled to 0.03″: its noise is correlated.",
    source=(
        "pixel_scale: Koekemoer et al. 2007 (astro-ph/0703095); noise_correlation: Fruchter & "
        "Hook 2002 (astro-ph/9808087), section 7, for pixfrac 0.8 on 0.6 of a native pixel; "
        "psf_fwhm, zeropoint, sky_brightness, exposure_time, num_exposures, read_noise: as hst-acs"
    ),
)

HST_WFC3_F160W = Condition(
    name="hst-wfc3-f160w",
    pixel_scale=0.08,
    psf_fwhm=0.151,
    zeropoint=25.96,
    sky_brightness=22.3,
    exposure_time=5400.0,
    num_exposures=1,
    read_noise=4.0,
    summary="HST WFC3/IR F160W: two orbits, pixels of 0.08″.",
    source=(
        "psf_fwhm: WFC3 Instrument Handbook, and Windhorst et al. 2011 (arXiv:1005.2776); "
        "pixel_scale, zeropoint, sky_brightness, exposure_time, num_exposures, read_noise: "
        "as in lenstronomy 1.14 (HST, WFC3_F160W), whose PSF of 0.08″ is that of one pixel"
    ),
)

EUCLID_VIS = Condition(
    name="euclid-vis",
    pixel_scale=0.101,
    psf_fwhm=0.16,
    zeropoint=25.72,
    sky_brightness=22.3,
    exposure_time=566.0,
    num_exposures=4,
    read_noise=4.2,
    summary="Euclid VIS in the Wide Survey: 4 × 566 s.",
    source=(
        "zeropoint, sky_brightness: arXiv:2405.13496; psf_fwhm: arXiv:2405.13501; pixel_scale, "
        "exposure_time, num_exposures: arXiv:2405.13491; read_noise: arXiv:2405.13492; "
        "all as in lenstronomy 1.14 (Euclid, VIS)"
    ),
)


def _nisp(band: str, zeropoint: float, sky: float, fwhm: float) -> Condition:
    return Condition(
        name=f"euclid-nisp-{band}",
        pixel_scale=0.3,
        psf_fwhm=fwhm,
        zeropoint=zeropoint,
        sky_brightness=sky,
        exposure_time=87.2,
        num_exposures=4,
        read_noise=6.1,
        summary=f"Euclid NISP {band.upper()} band in the Wide Survey: 4 × 87.2 s.",
        source=(
            "zeropoint, sky_brightness: arXiv:2405.13496; psf_fwhm: arXiv:2405.13501; pixel_scale, "
            "exposure_time, num_exposures: arXiv:2405.13491; read_noise: arXiv:2405.13493; "
            "all as in lenstronomy 1.14 (Euclid)"
        ),
    )


def _roman(band: str, zeropoint: float, sky: float, fwhm: float) -> Condition:
    return Condition(
        name=f"roman-{band}",
        pixel_scale=0.11,
        psf_fwhm=fwhm,
        zeropoint=zeropoint,
        sky_brightness=sky,
        exposure_time=107.0,
        num_exposures=6,
        read_noise=8.5,
        summary=f"Roman WFI {band.upper()}, wide-area survey, medium tier: 6 × 107 s.",
        source=(
            "pixel_scale, psf_fwhm, zeropoint, sky_brightness, exposure_time, num_exposures, "
            "read_noise: Roman WFI technical pages; as in lenstronomy 1.14 (Roman, wide_area)"
        ),
    )


def _nircam(band: str, zeropoint: float, sky: float, fwhm: float, short: bool) -> Condition:
    return Condition(
        name=f"jwst-nircam-{band}",
        pixel_scale=0.031 if short else 0.063,
        psf_fwhm=fwhm,
        zeropoint=zeropoint,
        sky_brightness=sky,
        exposure_time=257.0,
        num_exposures=8,
        read_noise=15.77 if short else 13.25,
        summary=f"JWST NIRCam {band.upper()} of COSMOS-Web: 8 × 257 s.",
        source=(
            "exposure_time, num_exposures: Casey et al. 2023 (arXiv:2211.07865); pixel_scale, "
            "psf_fwhm, zeropoint, read_noise: JWST documentation, as in lenstronomy 1.14 (JWST), "
            "the read noise that of one pair of reads; sky_brightness: of lenstronomy 1.14, whose "
            "number is a magnitude of one pixel, over the pixel's area; it agrees with the "
            "zodiacal light of 0.1 to 0.3 MJy/sr of Rigby et al. 2023 (arXiv:2211.09890)"
        ),
    )


SPACE = (
    HST_ACS,
    HST_ACS_DRIZZLED,
    HST_WFC3_F160W,
    EUCLID_VIS,
    _nisp("y", 25.04, 22.1, 0.48),
    _nisp("j", 25.26, 22.2, 0.49),
    _nisp("h", 25.21, 22.3, 0.50),
    _roman("f106", 26.3546, 22.99, 0.087),
    _roman("f129", 26.3531, 22.99, 0.106),
    _roman("f158", 26.3760, 23.10, 0.128),
    _nircam("f150w", 28.02, 22.42, 0.05, short=True),
    _nircam("f277w", 26.49, 22.96, 0.092, short=False),
    _nircam("f444w", 26.49, 22.15, 0.145, short=False),
)
"""All telescopes in space."""
