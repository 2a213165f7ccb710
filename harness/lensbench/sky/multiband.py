"""Conditions of several filters of one camera, each with the numbers of its own condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from lensbench.api.condition import Condition
from lensbench.api.plugin import Plugin
from lensbench.errors import DataError, OptionError, nearest
from lensbench.sky import instruments

_SINGLE = {condition.name: condition for condition in instruments.CONDITIONS.values()}


def several(name: str, bands: Sequence[str], reference: str, summary: str) -> Condition:
    """A condition of named bands, in the order of an image's channels.

    Args:
        name: Of the whole.
        bands: Names of conditions of one filter each.
        reference: Which of them has the brightness that a scene's catalogue says.
        summary: One sentence.

    Raises:
        DataError: Where a band has no known filter edges, or pixels of another side.
    """
    chosen = tuple(_SINGLE[band] for band in bands)
    return replace(
        _SINGLE[reference],
        name=name,
        bands=chosen,
        reference_band=bands.index(reference),
        summary=summary,
        source=f"all numbers: as {', '.join(bands)}",
    )


def letters(condition: Condition) -> tuple[str, ...]:
    """What the filters of a condition of several bands are called, e.g. g, r and i."""
    return tuple(band.name.removesuffix("-y1").rpartition("-")[2] for band in condition.bands)


def _three(camera: str, bands: str, reference: str, survey: str, after: str = "") -> Condition:
    first, second, third = tuple(bands)
    return several(
        f"{camera}-{bands}{after}",
        [f"{camera}-{band}{after}" for band in bands],
        f"{camera}-{reference}{after}",
        f"{survey} in three bands, {first}, {second} and {third}, each with its own PSF and noise.",
    )


_ALL = (
    _three("rubin", "gri", "r", "Rubin LSST after ten years"),
    _three("rubin", "gri", "r", "Rubin LSST after one year", "-y1"),
    _three("hsc", "gri", "r", "Hyper Suprime-Cam SSP Wide"),
    _three("des", "gri", "r", "Dark Energy Survey"),
    _three("euclid-nisp", "yjh", "y", "Euclid NISP"),
)

CONDITIONS = {condition.name.upper().replace("-", "_"): condition for condition in _ALL}
"""All of them by the name of their attribute here, e.g. `RUBIN_GRI`."""

REFERENCE = ("rubin-gri", "hsc-gri", "des-gri")
"""Names of those that a run tests under where it trains under one and names none."""


def __getattr__(name: str) -> Condition:
    try:
        return CONDITIONS[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def spelled(kind: str, options: Any) -> str:
    """A condition's name: the call in its one spelling, options sorted, defaults left out."""
    changed = sorted(
        (field.name, str(getattr(options, field.name)))
        for field in fields(options)
        if getattr(options, field.name) != field.default
    )
    text = ",".join(f"{name}={value}" for name, value in changed)
    return f"{kind}:{text}" if text else kind


class Bands(Plugin):
    """`bands:of=NAME+NAME+…`: makes a `Condition` of several named ones, a channel each."""

    @dataclass(frozen=True)
    class Options:
        """Options of `bands`.

        Attributes:
            of: Names of conditions of one filter and of the same pixels, joined by +.
            reference: Which of them has the brightness that a scene's catalogue says; the middle
                one where it is empty.
        """

        of: str = "rubin-g+rubin-r+rubin-i"
        reference: str = ""

    def __new__(cls, options: Options) -> Condition:  # type: ignore[misc]  # a factory with options
        """The condition that the options say."""
        named = options.of.split("+")
        reference = options.reference or named[len(named) // 2]
        for name in (*named, reference):
            if name not in _SINGLE:
                raise OptionError(
                    f"condition bands: {name!r} is not a named condition of one filter",
                    nearest(name, _SINGLE),
                )
        if len(set(named)) < max(2, len(named)) or reference not in named:
            raise OptionError(
                f"condition bands: of={options.of!r} and reference={reference!r}, expected two or "
                "more different bands and one of them",
                "join them by +, e.g. of=rubin-r+rubin-i",
            )
        summary = f"{', '.join(named)}: a channel each."
        try:
            return several(spelled("bands", options), named, reference, summary)
        except DataError as error:
            raise OptionError(error.message, error.hint) from None
