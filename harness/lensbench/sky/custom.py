"""A condition that the user builds: a named one with numbers or the PSF replaced."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from lensbench.api.condition import Condition
from lensbench.api.plugin import Plugin
from lensbench.errors import OptionError, nearest
from lensbench.sky import grades, instruments, multiband
from lensbench.sky.multiband import spelled

_NAMED = {
    condition.name: condition
    for home in (instruments, multiband, grades)
    for condition in home.CONDITIONS.values()
}


_PROFILES = ("gaussian", "moffat", "airy")


class CustomCondition(Plugin):
    """`custom:base=NAME,…`: makes a `Condition` of a named one, with what is given replaced.

    With `psf=FILE` the PSF is an image from a FITS file, see `PsfImage` for how it is read;
    `psf_fwhm` then follows from the image. With `psf=gaussian`, `psf=moffat` or `psf=airy` it is
    that profile. Of a base of several bands the numbers of all are replaced.
    """

    @dataclass(frozen=True)
    class Options:
        """Options of `custom`; an empty one is the base's.

        Attributes:
            base: Name of the condition to start from.
            psf: `gaussian`, `moffat`, `airy` or the path of a FITS file.
            psf_hdu: Which extension of the file, by number.
            psf_scale: Side of a pixel of the PSF [arcsec]; from the header where it is 0.
        """

        base: str = "euclid-vis"
        psf: str = ""
        psf_hdu: int = 0
        psf_scale: float = 0.0
        psf_fwhm: float | None = None
        psf_beta: float | None = None
        psf_diffraction: float | None = None
        psf_obstruction: float | None = None
        psf_e1: float | None = None
        psf_e2: float | None = None
        psf_error: float | None = None
        psf_error_e1: float | None = None
        seeing_scatter: float | None = None
        pixel_scale: float | None = None
        zeropoint: float | None = None
        sky_brightness: float | None = None
        exposure_time: float | None = None
        num_exposures: int | None = None
        read_noise: float | None = None
        dark_current: float | None = None
        noise_correlation: float | None = None
        artefacts: int | None = None

    def __new__(cls, options: Options) -> Condition:  # type: ignore[misc]  # a factory with options
        """The condition that the options say."""
        if options.base not in _NAMED:
            raise OptionError(
                f"condition custom: base={options.base!r} is not a named condition",
                nearest(options.base, _NAMED),
            )
        base: Condition = _NAMED[options.base]
        name = spelled("custom", options)
        if base.bands and options.psf not in ("", *_PROFILES):
            raise OptionError(
                f"condition custom: psf={options.psf!r} is of one filter, and {base.name!r} has "
                f"{len(base.bands)}",
                f"take one of them, e.g. base={base.reference.name}",
            )
        values: dict[str, Any] = _numbers(options) | _psf(options)
        bands = tuple(
            dataclasses.replace(band, **values, name=f"{name} {band.name}") for band in base.bands
        )
        return dataclasses.replace(
            base,
            **values,
            name=name,
            bands=bands,
            summary=f"{options.base} with some of its numbers replaced.",
            source=f"the call; all else: as {options.base}",
        )


def _numbers(options: CustomCondition.Options) -> dict[str, Any]:
    """Fields of a condition, but for those of the PSF's shape, that the options have a value of."""
    names = {field.name for field in dataclasses.fields(Condition)} - {"psf"}
    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
    return {name: value for name, value in given.items() if name in names and value is not None}


def _psf(options: CustomCondition.Options) -> dict[str, Any]:
    """Fields of the PSF that the options ask for."""
    if not options.psf:
        return {}
    if options.psf in _PROFILES:
        return {"psf": options.psf, "psf_image": None}
    from lensbench.sky.psf import measure_fwhm, read_psf

    image = read_psf(options.psf, options.psf_hdu, options.psf_scale)
    return {
        "psf": "image",
        "psf_image": image,
        "psf_fwhm": measure_fwhm(image),
        **dict.fromkeys(("psf_e1", "psf_e2", "seeing_scatter"), 0.0),
    }
