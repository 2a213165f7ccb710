"""Lenses measured one by one, on images as their files have them: a table of objects."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from lensbench.api.condition import Condition
from lensbench.api.predictor import Baseline
from lensbench.api.samples import Samples
from lensbench.data.census import positions_of
from lensbench.data.picture import Source
from lensbench.data.whole import whole
from lensbench.errors import DataError, LensbenchError, one_line
from lensbench.inference.cutouts import Cutout, cutout_of

NAME = "objects"
"""Of the table, without its suffix."""

_POOR, _STRUCTURED, _UNCERTAIN, _SMALL = 2.0, 1.5, 0.1, 0.25
"""Bounds of flags: χ² a pixel, structure, error over radius, and radius [arcsec]."""

NEEDED = 100.0
"""Gain in χ² below which no lens is needed."""

_WIDTH = 120
"""Letters in a line of the title of a picture."""

_APART = 3.0
"""Errors by which the radii of a fit and of a network may differ."""

_BOX = 3
"""Side of the box of pixels over which a residual is averaged to see its structure."""


@dataclass(frozen=True)
class Measured:
    """One object: its row of the table, and its picture where it could be measured."""

    row: Mapping[str, Any]
    image: np.ndarray | None = None
    model: np.ndarray | None = None


@dataclass(frozen=True)
class Methods:
    """What measures an image.

    Attributes:
        fit: Fits a lens, with a model of the image.
        network: States a radius of its own beside it, where one is asked for.
    """

    fit: Baseline
    network: Baseline | None = None


def measure_all(
    source: Source, methods: Methods, base: Condition, field: float
) -> Iterator[Measured]:
    """Measures every image of a source, in its order; what cannot be used has the reason."""
    positions = positions_of(source, range(len(source.items))).tolist()
    for index, item in enumerate(source.items):
        ra, dec = positions[index]
        row: dict[str, Any] = {"name": item.name, "ra": ra, "dec": dec}
        try:
            cutout = cutout_of(source.read(index), base, field)
        except LensbenchError as error:
            yield Measured({**row, "error": one_line(error)})
            continue
        columns = _measured(methods.fit, item.name, cutout)
        model = np.asarray(columns.pop("model")[0])
        numbers = {name: float(values[0]) for name, values in columns.items()}
        numbers, edges = without_edges(numbers)
        numbers["structure"] = structure(cutout.image, model, cutout.condition)
        beside, doubts = _by_network(methods.network, item.name, cutout)
        numbers |= beside
        half = len(cutout.image) * cutout.condition.pixel_scale / 2
        yield Measured(
            {
                **row,
                **numbers,
                "pixel_scale": cutout.condition.pixel_scale,
                "psf_fwhm": cutout.condition.psf_fwhm,
                "peak": float(cutout.image.max()),
                "cosmic_rays": cutout.rays,
                "flags": "; ".join([*flags_of(numbers, half), *edges, *doubts, *cutout.notes]),
                "error": "",
            },
            cutout.image,
            model,
        )


def _by_network(
    network: Baseline | None, name: str, cutout: Cutout
) -> tuple[dict[str, float], list[str]]:
    """The radius that a network states, and in what the image is unlike its training."""
    if network is None:
        return {}, []
    found = {key: float(value[0]) for key, value in _measured(network, name, cutout).items()}
    unlike = [
        key.removeprefix("unlike_") for key, value in found.items() if "unlike_" in key and value
    ]
    words = ", ".join(one.replace("_", " ") for one in unlike)
    numbers = {f"{key}_network": found[key] for key in ("theta_E", "theta_E_sigma")}
    numbers |= {key: value for key, value in found.items() if key.startswith("p_lens")}
    return numbers, [f"unlike the network's training: {words}"] if unlike else []


def without_edges(numbers: Mapping[str, float]) -> tuple[dict[str, float], list[str]]:
    """Numbers of a fit, and a flag of the parameters at the edge of their priors, if any."""
    kept = {name: value for name, value in numbers.items() if not name.startswith("edge_")}
    far = [name.removeprefix("edge_") for name in numbers if name not in kept and numbers[name]]
    return kept, [f"edge of priors: {', '.join(far)}"] if far else []


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


def flags_of(numbers: Mapping[str, float], half: float) -> list[str]:
    """Why the measurement of one object is not to be trusted as it stands; empty where it is.

    Args:
        numbers: What was measured, by column.
        half: Half the side of the image [arcsec].
    """
    radius, error = numbers["theta_E"], numbers["theta_E_sigma"]
    flags = []
    if numbers["gain"] < NEEDED:
        flags.append("no lens needed")
    if numbers["chi_squared"] > _POOR:
        flags.append("poor fit")
    if numbers["structure"] > _STRUCTURED:
        flags.append("structure left")
    if radius < _SMALL:
        flags.append("small radius")
    if radius > half:
        flags.append("radius outside the image")
    if not error < _UNCERTAIN * radius:
        flags.append("radius uncertain")
    if "theta_E_network" in numbers:
        apart = abs(numbers["theta_E_network"] - radius)
        if apart > _APART * math.hypot(error, numbers["theta_E_sigma_network"]):
            flags.append("network disagrees")
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
    side = len(measured.image) * row["pixel_scale"]
    captions = (
        f"{side:.1f} × {side:.1f} arcsec",
        f"model: θ_E = {row['theta_E']:.3f} ± {row['theta_E_sigma']:.3f} arcsec",
    )
    title = "\n".join([row["name"], *textwrap.wrap(row["flags"], _WIDTH)])
    with whole(path, overwrite=True) as temporary:
        draw_fit(measured.image, measured.model, captions, title, temporary)
