"""Writes simulated lenses like those of SLACS, to measure with known radii.

    python studies/measure/slacs_like.py FOLDER
    lensbench measure FOLDER --out results
    python studies/measure/slacs_like.py FOLDER results/objects.csv

The light of each lens is two Sérsic profiles of different shape, its mass need not follow its
light, sources have up to two knots, and neighbours lie beside half of the lenses: a fit of one
Sérsic profile and one smooth source is wrong in all this, as it is on the sky. Every second file
has a PSF and a noise map. The third call says how many radii are within 0.06 arcsec of the truth,
and how many of the others have a flag.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import torch
from astropy.io import fits

from lensbench import Condition, SceneModel, Sersic, Shear, Sie, condition_of, imaging_operator
from lensbench.sky.rendering import render_model

COUNT, SEED = 24, 7
SCALE, SIDE = 0.05, 140
"""Side of a pixel [arcsec], and pixels on a side."""

UNIT = 0.01
"""What the noise of an empty pixel is in the files."""

CLOSE = 0.06
"""How close a radius has to be [arcsec]."""


def drawn(random: np.random.Generator) -> SceneModel:
    """A massive elliptical galaxy before a small blue one."""
    uniform = random.uniform
    radius, q, phi = uniform(0.8, 1.7), uniform(0.6, 0.95), uniform(0, 3.14)
    x, y = uniform(-0.1, 0.1, 2)
    magnitude, size, index = uniform(16.8, 18.6), uniform(1.2, 3), uniform(3, 6)
    second = (
        magnitude + uniform(0.5, 2),
        size * uniform(0.2, 0.5),
        uniform(1, 2.5),
        uniform(0.5, 0.9),
        phi + random.normal(0, 0.3),
    )
    lights = (Sersic(magnitude, size, index, q, phi, x, y), Sersic(*second, x, y))
    source_x, source_y = np.array([x, y]) + random.normal(0, 0.12 * radius, 2)
    disc = uniform(22.8, 24.8), uniform(0.08, 0.25), uniform(0.7, 2), uniform(0.4, 1)
    sources = [Sersic(*disc, uniform(0, 3.14), source_x, source_y)]
    for _ in range(random.integers(0, 3)):
        knot = uniform(24, 26), 0.05, 1, 1, 0
        offset = random.normal(0, 0.1), random.normal(0, 0.1)
        sources.append(Sersic(*knot, source_x + offset[0], source_y + offset[1]))
    shear = uniform(0, 0.08)
    flatter = q + 0.5 * (1 - q) * uniform(-0.3, 0.6)
    mass = (
        Sie(radius, flatter, phi + random.normal(0, 0.1), x, y),
        Shear(shear, uniform(0, 3.14), x, y),
    )
    return SceneModel(mass, tuple(sources), lights)


def written(model: SceneModel, random: np.random.Generator, path: Path, whole: bool) -> None:
    """Writes a lens as ACS sees it; with PSF and noise map where `whole` says so."""
    condition = condition_of("hst-acs")
    sky = render_model(model, 4 * SIDE, SCALE / 4)
    operator = imaging_operator(condition, 4 * SIDE, SCALE / 4, SIDE, SCALE)
    clean = operator(sky)[0].numpy() / condition.noise_level
    noise = np.sqrt(1 + clean.clip(0) / condition.sigma_electrons)
    image = clean + noise * random.standard_normal(clean.shape)
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    for _ in range(random.integers(0, 3)):
        angle, distance = random.uniform(0, 6.28), random.uniform(2.2, 3.4) / SCALE
        peak, width = 10 ** random.uniform(0.5, 2), random.uniform(1.5, 4)
        across = columns - distance * np.cos(angle), rows - distance * np.sin(angle)
        image += peak * np.exp(-(across[0] ** 2 + across[1] ** 2) / 2 / width**2)
    header = fits.Header()
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN", "DEC--TAN"
    header["CD1_1"], header["CD2_2"] = -SCALE / 3600, SCALE / 3600
    hdus = [fits.PrimaryHDU((UNIT * image).astype(np.float32), header)]
    if whole:
        hdus += [fits.ImageHDU(psf_of(condition), name="PSF")]
        hdus += [fits.ImageHDU((UNIT * noise).astype(np.float32), name="NOISE")]
    fits.HDUList(hdus).writeto(path, overwrite=True)


def psf_of(condition: Condition) -> np.ndarray:
    """The PSF of a condition, in pixels of the images."""
    point = torch.zeros(1, 41, 41)
    point[0, 20, 20] = 1
    return np.asarray(imaging_operator(condition, 41, SCALE, 41, SCALE)(point)[0].numpy())


def lenses(folder: Path) -> dict[str, float]:
    """Writes files, and gives their Einstein radii."""
    random = np.random.default_rng(SEED)
    radii = {}
    for number in range(COUNT):
        name, model = f"s{number:02d}.fits", drawn(random)
        radii[name] = float(model.mass[0].einstein_radius())  # type: ignore[attr-defined]
        written(model, random, folder / name, bool(number % 2))
    return radii


def compared(radii: dict[str, float], table: Path) -> str:
    """How many radii are close, and how many of the others have a flag."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    errors = {name: float(rows[name]["theta_E"]) - radius for name, radius in radii.items()}
    far = [name for name, error in errors.items() if abs(error) > CLOSE]
    flagged = [name for name in far if rows[name]["flags"]]
    close = [abs(error) for name, error in errors.items() if name not in far]
    return (
        f"{len(close)} of {len(radii)} radii within {CLOSE} arcsec, median error "
        f"{np.median(close):.3f}; {len(flagged)} of {len(far)} others with a flag"
    )


def main(folder: Path, table: Path | None = None) -> None:
    """Writes the lenses, or compares what was measured."""
    truth = folder / "truth.json"
    if table is None:
        folder.mkdir(parents=True, exist_ok=True)
        truth.write_text(json.dumps(lenses(folder), indent=1))
        return
    sys.stdout.write(compared(json.loads(truth.read_text()), table) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
