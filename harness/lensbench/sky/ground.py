"""Conditions of surveys from the ground: DES, KiDS, HSC and Rubin."""

from __future__ import annotations

import math

from lensbench.api.condition import Condition

_SCATTER = 0.27
"""Scatter of ln FWHM between visits: in r, quartiles of 0.88″ and 1.27″ on Cerro Pachón (PSTN-054,
Table 4). A sum of n visits has a scatter that is smaller by √n."""

_SEEING_SOURCE = (
    "seeing_scatter: that of single visits in PSTN-054, Table 4, over the root of their number"
)
_MOFFAT_SOURCE = "psf: Moffat profile, psf_beta of 3 as in Bridle et al. 2010 (arXiv:0908.0945)"
_DES_SOURCE = (
    "pixel_scale, read_noise, zeropoint, sky_brightness, exposure_time: Abbott et al. 2018 "
    "(arXiv:1801.03181), as in lenstronomy 1.14 (DES); psf_fwhm: Abbott et al. 2021 "
    "(arXiv:2101.05765), less the pixel; num_exposures: there, 76,217 images of 2.7 square "
    "degrees over 5,000 in five bands; filter_edges: half-maxima of the throughputs of Abbott et "
    f"al. 2018; {_MOFFAT_SOURCE}; {_SEEING_SOURCE}"
)
_RUBIN_SOURCE = (
    "zeropoint, read_noise: SMTN-002, the read noise with the dark current; sky_brightness: "
    "SMTN-002, brighter by the extinction of one airmass, which dims the zeropoint and not the "
    "sky; psf_fwhm: 0.822 FWHM_eff + 0.052 of SMTN-002, where FWHM_eff is the width of a Gaussian "
    "with as large a noise-equivalent area; psf: Moffat profile, psf_beta of 4.765 as turbulence "
    "has it (Trujillo et al. 2001, astro-ph/0109067), which has that area; pixel_scale, "
    "exposure_time: Ivezić et al. 2019 (arXiv:0805.2366); num_exposures: two a visit, one in u, "
    "visits of their Table 1; filter_edges: half-maxima of the project's total throughputs 1.9 "
    f"(github.com/lsst/throughputs); {_SEEING_SOURCE}"
)
_HSC_SOURCE = (
    "pixel_scale, exposure_time, num_exposures: Aihara et al. 2018 (arXiv:1704.05858); "
    "psf_fwhm: Aihara et al. 2022 (arXiv:2108.13045), Table 1, Wide; "
    "read_noise: Subaru, HSC instrument parameters; "
    "zeropoint: from the filters' throughput and 8.2 m, as in galcheat 1.0 (HSC); "
    "sky_brightness: set so that a point source has the depth of that table; "
    "filter_edges: half-maxima of the throughputs of Kawanomoto et al. 2018 "
    "(doi:10.1093/pasj/psy056); "
    f"{_MOFFAT_SOURCE}; {_SEEING_SOURCE}"
)


_EDGES = {
    "des-g": (417.6, 547.5),
    "des-r": (567.1, 715.6),
    "des-i": (708.0, 856.2),
    "des-z": (849.4, 996.5),
    "des-y": (950.8, 1016.9),
    "hsc-g": (407.7, 546.0),
    "hsc-r": (547.6, 697.2),
    "hsc-i": (694.3, 846.5),
    "hsc-z": (852.7, 929.7),
    "hsc-y": (934.7, 1008.8),
    "rubin-u": (349.2, 395.7),
    "rubin-g": (402.6, 551.2),
    "rubin-r": (549.9, 690.0),
    "rubin-i": (692.2, 820.9),
    "rubin-z": (818.2, 922.3),
    "rubin-y": (924.8, 1011.2),
}
"""Wavelengths between which a filter passes more than half of its most [nm]."""


def _des(band: str, zeropoint: float, sky: float, fwhm: float, time: float = 90.0) -> Condition:
    return Condition(
        name=f"des-{band}",
        pixel_scale=0.263,
        psf="moffat",
        psf_fwhm=fwhm,
        seeing_scatter=_averaged(8),
        zeropoint=zeropoint,
        sky_brightness=sky,
        exposure_time=time,
        num_exposures=8,
        read_noise=7.0,
        filter_edges=_EDGES[f"des-{band}"],
        summary=f"Dark Energy Survey {band} band: 8 × {time:.0f} s.",
        source=_DES_SOURCE,
    )


def _hsc(
    band: str, zeropoint: float, sky: float, fwhm: float, time: float, count: int
) -> Condition:
    return Condition(
        name=f"hsc-{band}",
        pixel_scale=0.168,
        psf="moffat",
        psf_fwhm=fwhm,
        seeing_scatter=_averaged(count),
        zeropoint=zeropoint,
        sky_brightness=sky,
        exposure_time=time,
        num_exposures=count,
        read_noise=4.5,
        filter_edges=_EDGES[f"hsc-{band}"],
        summary=f"Hyper Suprime-Cam SSP Wide {band} band: {count} × {time:.0f} s.",
        source=_HSC_SOURCE,
    )


def _averaged(visits: int) -> float:
    """Scatter of the seeing of a sum of visits."""
    return round(_SCATTER / math.sqrt(visits), 3)


def _rubin(
    band: str, zeropoint: float, sky: float, fwhm: float, count: int, years: int = 10
) -> Condition:
    visits, snaps = years * count // 10, 1 if band == "u" else 2
    after = "ten years" if years == 10 else "one year"
    return Condition(
        name=f"rubin-{band}" if years == 10 else f"rubin-{band}-y{years}",
        pixel_scale=0.2,
        psf="moffat",
        psf_fwhm=round(0.822 * fwhm + 0.052, 3),
        psf_beta=4.765,
        seeing_scatter=_averaged(visits),
        zeropoint=zeropoint,
        sky_brightness=sky,
        exposure_time=30.0 / snaps,
        num_exposures=snaps * visits,
        read_noise=9.0,
        filter_edges=_EDGES[f"rubin-{band}"],
        summary=f"Rubin LSST {band} band after {after}: {snaps * visits} × {30 // snaps} s.",
        source=_RUBIN_SOURCE,
    )


KIDS_R = Condition(
    name="kids-r",
    pixel_scale=0.214,
    psf="moffat",
    psf_fwhm=0.70,
    seeing_scatter=_averaged(5),
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
        "sky_brightness: set so that 5σ in 2″ is the 25.02 mag of Kuijken et al. 2019; "
        f"{_MOFFAT_SOURCE}; {_SEEING_SOURCE}"
    ),
)

_RUBIN_BANDS = (
    ("u", 26.52, 23.05 - 0.47, 0.92, 56),
    ("g", 28.51, 22.25 - 0.21, 0.87, 80),
    ("r", 28.36, 21.20 - 0.13, 0.83, 184),
    ("i", 28.17, 20.46 - 0.10, 0.80, 184),
    ("z", 27.78, 19.61 - 0.07, 0.78, 160),
    ("y", 26.82, 18.60 - 0.17, 0.76, 160),
)
"""Zeropoint, sky less extinction, FWHM_eff and visits in ten years."""

GROUND = (
    _des("g", 26.58, 22.01, 1.097),
    _des("r", 26.78, 21.15, 0.933),
    _des("i", 26.75, 19.89, 0.862),
    _des("z", 26.48, 18.72, 0.811),
    _des("y", 25.40, 17.96, 0.882, time=45.0),
    KIDS_R,
    _hsc("g", 28.90, 21.6, 0.79, 150.0, 4),
    _hsc("r", 28.86, 21.53, 0.75, 150.0, 4),
    _hsc("i", 28.61, 19.99, 0.61, 200.0, 6),
    _hsc("z", 27.68, 19.15, 0.68, 200.0, 6),
    _hsc("y", 27.33, 17.9, 0.68, 200.0, 6),
    *(_rubin(*band) for band in _RUBIN_BANDS),
    *(_rubin(*band, years=1) for band in _RUBIN_BANDS),
)
"""All surveys from the ground."""
