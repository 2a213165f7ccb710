"""Graded conditions: one property of `euclid-vis` made worse in five steps, all else as it is.

- `psf@1..5`: the PSF widens from 1.5 to 6 times its width, 0.22″ to 0.86″: past Euclid NISP
  (0.43″ is grade 3) to the seeing of the Dark Energy Survey.
- `psf-error@1..5`: images are those of `euclid-vis`, and methods are told a PSF that is too wide,
  by 2, 5, 10, 20 and 40 %, and elliptical by 0.005, 0.01, 0.02, 0.05 and 0.1.
- `depth@1..5`: exposures shorten by 2, 4, 8, 16 and 32; the number of reads stays, so the last
  grades are limited by read noise.
- `sampling@1..5`: pixels grow by 1.25, 1.5, 2, 2.5 and 4, 0.13″ to 0.40″; PSF and exposure stay.
- `artefacts@1..5`: severities of `lensbench.sky.artefacts`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lensbench.api.condition import Condition
from lensbench.sky.space import EUCLID_VIS as BASE

GRADES = (1, 2, 3, 4, 5)

_PSF = (1.5, 2.0, 3.0, 4.5, 6.0)
_PSF_ERROR = ((0.02, 0.005), (0.05, 0.01), (0.1, 0.02), (0.2, 0.05), (0.4, 0.1))
_DEPTH = (2, 4, 8, 16, 32)
_SAMPLING = (1.25, 1.5, 2.0, 2.5, 4.0)


def psf_grade(grade: int) -> Condition:
    """`euclid-vis` with a wider PSF."""
    factor = _PSF[grade - 1]
    return replace(
        BASE,
        name=f"psf@{grade}",
        psf_fwhm=round(BASE.psf_fwhm * factor, 4),
        summary=f"euclid-vis with a PSF {factor:g} times as wide.",
        source=f"psf_fwhm: grade {grade} of 5; all else: as euclid-vis",
    )


def psf_error_grade(grade: int) -> Condition:
    """`euclid-vis`, of which methods get another PSF."""
    width, ellipticity = _PSF_ERROR[grade - 1]
    return replace(
        BASE,
        name=f"psf-error@{grade}",
        psf_error=width,
        psf_error_e1=ellipticity,
        summary=(
            f"euclid-vis, whose PSF methods are told {100 * width:g} % too wide "
            f"and elliptical by {ellipticity:g}."
        ),
        source=f"psf_error, psf_error_e1: grade {grade} of 5; all else: as euclid-vis",
    )


def depth_grade(grade: int) -> Condition:
    """`euclid-vis` with shorter exposures."""
    factor = _DEPTH[grade - 1]
    return replace(
        BASE,
        name=f"depth@{grade}",
        exposure_time=BASE.exposure_time / factor,
        summary=f"euclid-vis with exposures {factor} times shorter.",
        source=f"exposure_time: grade {grade} of 5; all else: as euclid-vis",
    )


def sampling_grade(grade: int) -> Condition:
    """`euclid-vis` with larger pixels."""
    factor = _SAMPLING[grade - 1]
    return replace(
        BASE,
        name=f"sampling@{grade}",
        pixel_scale=round(BASE.pixel_scale * factor, 5),
        summary=f"euclid-vis with pixels {factor:g} times as large.",
        source=f"pixel_scale: grade {grade} of 5; all else: as euclid-vis",
    )


def artefacts_grade(grade: int) -> Condition:
    """`euclid-vis` with artefacts."""
    return replace(
        BASE,
        name=f"artefacts@{grade}",
        artefacts=grade,
        summary=f"euclid-vis with artefacts of severity {grade}: cosmic rays, trails and more.",
        source=f"artefacts: grade {grade} of 5; all else: as euclid-vis",
    )


AXES: dict[str, Callable[[int], Condition]] = {
    "psf": psf_grade,
    "psf-error": psf_error_grade,
    "depth": depth_grade,
    "sampling": sampling_grade,
    "artefacts": artefacts_grade,
}
"""Makers of the graded conditions by axis."""

CONDITIONS = {
    f"{axis.upper().replace('-', '_')}_{grade}": make(grade)
    for axis, make in AXES.items()
    for grade in GRADES
}
"""All of them by the name of their attribute here, e.g. `PSF_3`."""


def __getattr__(name: str) -> Condition:
    try:
        return CONDITIONS[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
