"""Observing conditions of real instruments. Each number's source stands in `source`."""

from __future__ import annotations

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
    source="Koekemoer et al. 2007 (astro-ph/0703095); ACS Instrument Handbook",
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
    source="arXiv:2405.13491, 2405.13492, 2405.13496; as in lenstronomy 1.14 (Euclid, VIS)",
)

RUBIN_R = Condition(
    name="rubin-r",
    pixel_scale=0.2,
    psf_fwhm=0.73,
    zeropoint=28.13,
    sky_brightness=21.2,
    exposure_time=15.0,
    num_exposures=460,
    read_noise=10.0,
    summary="Rubin LSST r band after ten years: 460 × 15 s.",
    source="Ivezić et al. 2019 (arXiv:0805.2366); as in lenstronomy 1.14 (LSST, r)",
)

DES_R = Condition(
    name="des-r",
    pixel_scale=0.263,
    psf_fwhm=0.96,
    zeropoint=26.78,
    sky_brightness=21.15,
    exposure_time=90.0,
    num_exposures=10,
    read_noise=7.0,
    summary="Dark Energy Survey r band: 10 × 90 s.",
    source="Abbott et al. 2018 (arXiv:1801.03181); as in lenstronomy 1.14 (DES, r)",
)

CONDITIONS = {
    "HST_ACS": HST_ACS,
    "EUCLID_VIS": EUCLID_VIS,
    "RUBIN_R": RUBIN_R,
    "DES_R": DES_R,
}
"""All of them by the name of their attribute here."""
