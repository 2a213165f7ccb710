"""Lenses measured one by one, on images as their files have them: a table of objects."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from lensbench.api.condition import MICROJANSKY_ZEROPOINT, Condition, PsfImage
from lensbench.api.predictor import Baseline
from lensbench.api.samples import Samples
from lensbench.data.picture import Picture, Source
from lensbench.data.whole import whole
from lensbench.errors import DataError, LensbenchError, one_line
from lensbench.inference.cosmic_rays import MISSING, astroscrappy, cosmic_rays, filled
from lensbench.inference.framing import flaws
from lensbench.sky.psf import measure_fwhm
from lensbench.training.noise import background_and_noise

NAME = "objects"
"""Of the table, without its suffix."""

_BRIGHT = 10.0
"""Pixels that the gain of a noise map is read from are brighter than this [σ]."""

_POOR, _STRUCTURED, _WEAK, _UNCERTAIN, _SMALL = 2.0, 1.5, 100.0, 0.1, 0.25
"""Bounds of flags: χ² a pixel, structure, gain in χ², error over radius, and radius [arcsec]."""

_BOX = 3
"""Side of the box of pixels over which a residual is averaged to see its structure."""


@dataclass(frozen=True)
class Cutout:
    """One image made ready: of one size, in units of its noise, with what is known of it.

    Attributes:
        image: (H, H) in units of the noise of an empty pixel. Pixels that cannot be used are filled
            in from their neighbours; wide gaps are zero.
        condition: With the image's own pixel scale, PSF and noise.
        notes: What is assumed or doubtful, a few words each.
        rays: How many pixels cosmic rays have hit.
    """

    image: np.ndarray
    condition: Condition
    notes: tuple[str, ...]
    rays: int = 0


def cutout_of(picture: Picture, base: Condition, field: float) -> Cutout:
    """The middle of an image, at the signal-to-noise ratio that it has.

    Bands are added up. The pixel scale, PSF and noise map are those of the file; what it does not
    have is that of the base condition, which `notes` say.

    Args:
        picture: As it was read.
        base: Condition that files leave open.
        field: Side of what is looked at [arcsec].

    Raises:
        DataError: Where the image cannot be used.
    """
    notes = []
    bad = picture.unusable() | ~np.isfinite(picture.pixels)
    pixels = np.where(bad, 0, picture.pixels)[None]
    if reason := flaws(pixels)[0]:
        raise DataError(reason, "")
    ruled_out = bad[None] if bad.any() else None
    noise = picture.noise
    background, sigma = background_and_noise(
        pixels, picture.unit, None if noise is None else noise[None], ruled_out
    )
    scaled = np.where(bad, 0, (pixels - background[..., None, None]) / sigma[..., None, None])[0]
    scale = picture.pixel_scale
    if not scale:
        scale = base.pixel_scale
        notes.append(f"pixels taken as {scale:g} arcsec")
    middle = _middle(scaled.shape[-2:], round(field / scale))
    if bad[(slice(None), *middle)].mean() > 0.01:
        notes.append("masked pixels")
    condition = replace(
        base, pixel_scale=scale, psf_error=0.0, psf_error_e1=0.0, seeing_scatter=0.0
    )
    if (psf := picture.square_psf()) is not None:
        fwhm = measure_fwhm(PsfImage(scale, psf))
        condition = replace(condition.with_psf(psf), psf_fwhm=fwhm)
    elif picture.psf_fwhm and condition.psf != "image":
        condition = replace(condition, psf_fwhm=picture.psf_fwhm)
    else:
        notes.append(f"PSF of {base.name}")
    if noise is None:
        notes.append("noise of the border")
    else:
        plane = np.broadcast_to(noise, picture.pixels.shape)[0] / sigma[0, 0]
        condition = _with_photons(condition, scaled[0], plane, bad[0])
    if picture.microjansky:
        condition = _of_level(
            condition, condition.sigma_electrons, float(sigma[0, 0]) * picture.microjansky
        )
    bands, holes = scaled[(slice(None), *middle)], bad[(slice(None), *middle)]
    holes, rays, said = _without_rays(bands, holes, condition)
    whole_bands = [filled(band, hole) for band, hole in zip(bands, holes, strict=True)]
    image = np.sum(whole_bands, axis=0) / math.sqrt(len(bands))
    return Cutout(image.astype(np.float32), condition, (*notes, *said), rays)


def _without_rays(
    bands: np.ndarray, bad: np.ndarray, condition: Condition
) -> tuple[np.ndarray, int, list[str]]:
    """Pixels (C, H, W) not to be used, those hit by cosmic rays too: how many, and notes."""
    library = astroscrappy()
    if library is None:
        return bad, 0, [MISSING.partition(":")[0]]
    found = [
        cosmic_rays(library, np.where(hole, 0, band), condition)
        for band, hole in zip(bands, bad, strict=True)
    ]
    if any(one is None for one in found):
        return bad, 0, ["cosmic rays not looked for (sharp sources)"]
    hit = np.stack([one for one in found if one is not None]) & ~bad
    return bad | hit, int(hit.sum()), ["cosmic rays masked"] if hit.any() else []


def _middle(shape: tuple[int, ...], side: int) -> tuple[slice, slice]:
    """Rows and columns of the middle: a square of at most so many pixels, a multiple of four."""
    side = min(side, *shape) // 4 * 4
    top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
    return slice(top, top + side), slice(left, left + side)


def _with_photons(
    condition: Condition, image: np.ndarray, noise: np.ndarray, bad: np.ndarray
) -> Condition:
    """A condition whose photons make the noise grow with brightness as a map (H, W) says [σ]."""
    chosen = (image > _BRIGHT) & ~bad
    if not chosen.any():
        return condition
    excess = (noise[chosen] ** 2 - 1).clip(min=0) / image[chosen]
    per_sigma = float(np.median(excess))
    electrons = 1 / per_sigma if per_sigma > 1e-6 else 1e6
    return _of_level(condition, electrons, condition.noise_level)


def _of_level(condition: Condition, electrons: float, level: float) -> Condition:
    """A condition whose empty pixels scatter by so many electrons, and by a level [µJy/arcsec²]."""
    rate = electrons / level
    return replace(
        condition,
        zeropoint=MICROJANSKY_ZEROPOINT + 2.5 * math.log10(rate / condition.pixel_scale**2),
        sky_brightness=MICROJANSKY_ZEROPOINT - 2.5 * math.log10(electrons * level),
        exposure_time=1.0,
        num_exposures=1,
        read_noise=0.0,
        dark_current=0.0,
        noise_correlation=1.0,
    )


@dataclass(frozen=True)
class Measured:
    """One object: its row of the table, and its picture where it could be measured."""

    row: Mapping[str, Any]
    image: np.ndarray | None = None
    model: np.ndarray | None = None


def measure_all(
    source: Source, baseline: Baseline, base: Condition, field: float
) -> Iterator[Measured]:
    """Measures every image of a source, in its order; what cannot be used has the reason."""
    for index, item in enumerate(source.items):
        position = item.position or (math.nan, math.nan)
        row: dict[str, Any] = {"name": item.name, "ra": position[0], "dec": position[1]}
        try:
            cutout = cutout_of(source.read(index), base, field)
        except LensbenchError as error:
            yield Measured({**row, "error": one_line(error)})
            continue
        columns = _measured(baseline, item.name, cutout)
        model = np.asarray(columns.pop("model")[0])
        numbers = {name: float(values[0]) for name, values in columns.items()}
        numbers["structure"] = structure(cutout.image, model, cutout.condition)
        yield Measured(
            {
                **row,
                **numbers,
                "pixel_scale": cutout.condition.pixel_scale,
                "psf_fwhm": cutout.condition.psf_fwhm,
                "peak": float(cutout.image.max()),
                "cosmic_rays": cutout.rays,
                "flags": "; ".join([*flags_of(numbers), *cutout.notes]),
                "error": "",
            },
            cutout.image,
            model,
        )


def _measured(baseline: Baseline, name: str, cutout: Cutout) -> dict[str, Any]:
    """Columns of one image, and its model.

    Raises:
        DataError: Where the method cannot measure without training.
    """
    samples = Samples(
        ids=(name,),
        images=torch.from_numpy(cutout.image)[None, None],
        targets={},
        info={},
        condition=cutout.condition,
        data_range=1.0,
    )
    with torch.no_grad():
        found = baseline.measure(samples)
    if found is None:
        raise DataError(
            f"{type(baseline).__name__} cannot measure images without training", "lens-model can"
        )
    return {column: values.numpy() for column, values in found.items()}


def structure(image: np.ndarray, model: np.ndarray, condition: Condition) -> float:
    """How much a residual that is averaged over 3 × 3 pixels scatters in the middle of an image.

    In units of its scatter along the border, so that a noise map that is wrong by a factor does not
    matter: about one where the model is right. Arcs that the model misses raise it even where they
    are faint, and few among many empty pixels.
    """
    electrons = condition.sigma_electrons
    residual = (image - model) / np.sqrt(1 + model.clip(min=0) / electrons)
    windows = np.lib.stride_tricks.sliding_window_view(residual, (_BOX, _BOX))
    smooth = windows.mean((-2, -1))
    edge = len(smooth) // 4
    middle = smooth[edge:-edge, edge:-edge]
    frame = np.ones(smooth.shape, dtype=bool)
    frame[edge // 2 : -(edge // 2), edge // 2 : -(edge // 2)] = False
    rim = smooth[frame]
    scatter = 1.4826 * float(np.median(np.abs(rim - np.median(rim))))
    return float(np.sqrt((middle**2).mean())) / max(scatter, 1e-9)


def flags_of(numbers: Mapping[str, float]) -> list[str]:
    """Why the measurement of one object is not to be trusted as it stands; empty where it is."""
    radius, error = numbers["theta_E"], numbers["theta_E_sigma"]
    flags = []
    if numbers["gain"] < _WEAK:
        flags.append("no lens needed")
    if numbers["chi_squared"] > _POOR:
        flags.append("poor fit")
    if numbers["structure"] > _STRUCTURED:
        flags.append("structure left")
    if radius < _SMALL:
        flags.append("small radius")
    if not error < _UNCERTAIN * radius:
        flags.append("radius uncertain")
    return flags


def write_table(rows: Sequence[Mapping[str, Any]], folder: Path) -> tuple[Path, Path]:
    """Writes `objects.csv` and `objects.parquet`."""
    table = pl.DataFrame(list(rows), infer_schema_length=None)
    paths = folder / f"{NAME}.csv", folder / f"{NAME}.parquet"
    with whole(paths[0], overwrite=True) as temporary:
        table.write_csv(temporary)
    with whole(paths[1], overwrite=True) as temporary:
        table.write_parquet(temporary)
    return paths


def draw_object(measured: Measured, path: Path) -> None:
    """A PNG of image, model and what is left of one object; nothing where it has no model."""
    from lensbench.data.preview import draw_fit

    if measured.image is None or measured.model is None:
        return
    row = measured.row
    title = f"{row['theta_E']:.3f} ± {row['theta_E_sigma']:.3f} arcsec"
    with whole(path, overwrite=True) as temporary:
        draw_fit(measured.image, measured.model, title, temporary)
