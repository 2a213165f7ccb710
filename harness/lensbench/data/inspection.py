"""Inspection: what is at a path, what is wrong with it, and how to use it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lensbench.data.container import damaged
from lensbench.data.duplicates import MOST, THRESHOLD, near_duplicates
from lensbench.data.picture import Column, Source
from lensbench.data.proposals import command_to_use
from lensbench.data.readers.guard import reading
from lensbench.data.sharp import MANY
from lensbench.data.statistics import Statistics, collect

DEFECTS: Mapping[str, str] = {
    "unreadable": "cannot be read",
    "damaged": "datasets whose SHA-256 is not what was written",
    "nan": "with NaN pixels",
    "infinite": "with infinite pixels",
    "constant": "constant",
    "saturated": "saturated (five or more pixels at the very maximum)",
    "cosmic_rays": f"with cosmic rays or hot pixels ({MANY} or more pixels sharper than a star)",
    "duplicate": "bit for bit the same as another",
    "duplicate_other_class": "the same as one of another class",
    "duplicate_other_split": "the same as one of another split: a leak",
    "near_duplicate": f"pairs nearly the same (correlation above {THRESHOLD})",
    "near_duplicate_other_class": "such pairs of two classes",
    "near_duplicate_other_split": "such pairs of two splits: a leak",
    "psf_sum": "whose PSF does not sum to 1",
    "mask_most": "whose mask rules out most pixels: perhaps it marks the good ones",
    "noise_sentinel": "whose noise map has sentinels (over 10⁶ times its median)",
    "noise_not_positive": "whose noise map has pixels that are not positive",
}
"""What is looked for, in the order of reports."""


@dataclass(frozen=True)
class Inspection:
    """What was found of one source; everything in it can be written as JSON.

    Attributes:
        images: How many. `pickled`: how many of them are object pickles, which were not read.
        classes: Images by class. `splits`: by split. `conditions`: by condition.
        pixels: Percentiles 0, 1, 50, 99 and 100 of all images' extremes: lowest, medians, highest.
        values: Range of each number beside the images, `None` where no scene has it.
        defects: Count and examples by name; see `DEFECTS`.
        psf: Shapes, and range of the sums.
        masks: Images with a mask. `bands`: names of the channels, with how many images have them.
        psf_fwhm: Widths of the PSF [arcsec] that are stated.
        columns: Ranges of the numbers, and values of the classes, of the whole source.
        left_out: What is at the path and not read, with the reason.
        use: The command that uses it. `convert`: the one that converts it.
    """

    path: str
    layout: str
    title: str
    images: int
    pickled: int
    shapes: dict[str, int]
    dtypes: dict[str, int]
    units: dict[str, int]
    pixel_scales: dict[str, int]
    classes: dict[str, int]
    splits: dict[str, int]
    conditions: dict[str, int]
    pixels: dict[str, float]
    values: dict[str, tuple[float, float] | None]
    psf: dict[str, object]
    noise_maps: int
    defects: dict[str, dict[str, object]]
    errors: list[str]
    notes: list[str]
    facts: dict[str, str]
    use: str
    convert: str
    compared: int = field(default=0)
    masks: int = field(default=0)
    bands: dict[str, int] = field(default_factory=dict)
    psf_fwhm: dict[str, int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def inspect_source(source: Source, report: Callable[[int, int, str], None]) -> Inspection:
    """Reads a source once and says what is in it."""
    found = collect(source, report)
    _find_near(found, source)
    if source.layout == "lensbench":
        with reading(Path(source.path), "images file of lensbench"):
            for name in damaged(Path(source.path), lambda *_: None):
                found.defect("damaged", name)
    convert = command_to_convert(source)
    proposed = command_to_use(source, bool(set(found.scales) - {""}))
    notes = [*source.notes, *(note for note in proposed.notes if "Left out: " not in note)]
    if proposed.reason:
        notes.append(f"No task takes it as it is: {proposed.reason}.")
    return Inspection(
        path=source.path,
        layout=source.layout,
        title=source.title,
        images=len(source.items),
        pickled=sum(item.pickled for item in source.items),
        shapes=dict(found.shapes.most_common()),
        dtypes=dict(found.dtypes.most_common()),
        units=_named(found.units),
        pixel_scales=_named(found.scales),
        classes=_named(Counter(item.label for item in source.items)),
        splits=_named(Counter(item.split for item in source.items)),
        conditions=_named(Counter(item.condition for item in source.items)),
        pixels=_ranges(found),
        values={name: (min(v), max(v)) if v else None for name, v in sorted(found.values.items())},
        psf=_psf(found),
        noise_maps=found.noise_maps,
        defects={
            name: {"count": found.defects[name].count, "examples": found.defects[name].examples}
            for name in DEFECTS
            if name in found.defects
        },
        errors=found.errors,
        notes=notes,
        facts=dict(source.facts),
        use=proposed.command,
        convert=convert,
        compared=len(found.compared),
        masks=found.masks,
        bands=_named(found.bands),
        psf_fwhm=_named(found.widths),
        columns={name: _described(column) for name, column in source.columns.items()},
        left_out=list(source.left_out),
    )


def _described(column: Column) -> str:
    """Range and unit of numbers, or how many images are of each class."""
    if not column.numeric:
        counts = Counter(str(value) or "unknown" for value in column.values)
        return ", ".join(f"{name} ({count})" for name, count in counts.most_common(12))
    known = column.values[np.isfinite(column.values)]
    if not len(known):
        return "of no image"
    some = f", of {len(known)} images" if len(known) < len(column.values) else ""
    return f"{known.min():.4g} to {known.max():.4g} {column.unit}".rstrip() + some


def command_to_convert(source: Source) -> str:
    """The command that makes lensbench's own file of a source; empty where it is one."""
    if source.layout == "lensbench":
        return ""
    name = (Path(source.path).name.partition(".")[0] or "images") + ".h5"
    if Path(name).exists():
        name = f"converted-{name}"
    options = f" {source.options}" if source.options else ""
    return f"lensbench data convert {shlex.quote(source.path)} {shlex.quote(name)}{options}"


def _find_near(found: Statistics, source: Source) -> None:
    """Counts pairs that are nearly, but not bit for bit, the same."""
    if len(found.compared) < 2:
        return
    items = [source.items[i] for i in found.compared]
    scenes = [item.scene or item.name for item in items]
    alike = len(set(scenes)) < len(scenes)
    for pair in near_duplicates(np.stack(found.thumbnails), scenes if alike else ()):
        first, second = items[pair.first], items[pair.second]
        text = f"{first.name} ~ {second.name} ({pair.correlation:.4f})"
        found.defect("near_duplicate", text)
        if first.label != second.label:
            found.defect("near_duplicate_other_class", text)
        if first.split != second.split:
            found.defect("near_duplicate_other_split", text)


def _named(counts: Counter[str]) -> dict[str, int]:
    """Counts by name, most first; empty where nothing is named."""
    if set(counts) <= {""}:
        return {}
    return {name or "unknown": count for name, count in counts.most_common()}


def _ranges(found: Statistics) -> dict[str, float]:
    if not found.lows:
        return {}
    return {
        "lowest": min(found.lows),
        "median_of_medians": float(np.median(found.medians)),
        "median_of_highest": float(np.median(found.highs)),
        "highest": max(found.highs),
    }


def _psf(found: Statistics) -> dict[str, object]:
    if not found.psf_sums:
        return {}
    return {
        "shapes": dict(found.psf_shapes.most_common()),
        "smallest_sum": min(found.psf_sums),
        "largest_sum": max(found.psf_sums),
    }


def thinned(images: int) -> bool:
    """Whether so many images are thinned out before they are compared."""
    return images > MOST
