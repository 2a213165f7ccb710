"""Draws gravitational-imaging.png: what a smooth lens leaves, and the mass that would explain it.

Run from the root of the checkout: `python docs/figures/gravitational_imaging.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from conditions import FIELD_OF_VIEW, observed

from lensbench import Population, condition_of, draw_scenes
from lensbench_reference.lens_fitting.corrections import convergence_correction
from lensbench_reference.lens_fitting.lens_fit import Optics
from lensbench_reference.lens_fitting.lens_images import Fitting, fit_lenses

FOLDER = Path(__file__).parent
SCENES = {"cdm": 85, "vortex": 47}
"""Scenes of the split `figure`, whose class is their number modulo three."""
SEEN_BY = ("euclid-vis", "hst-acs", "rubin-r")
SMOOTHING = 0.15
"""Standard deviation of the Gaussian by which the true convergence is smoothed [arcsec]."""
HALF = 2.0
"""Half the side of what is shown [arcsec]."""
PLACES = np.linspace(-HALF, HALF, 81)
TITLES = ("image", "smooth model", "residual", "convergence to be added")


def points(p: Mapping[str, float | np.ndarray], kind: str) -> tuple[np.ndarray, ...]:
    """Masses [arcsec²] and places [arcsec] of the substructure; a line is many points."""
    mass, theta_E = p["f_sub"] * p["theta_E"] ** 2, p["theta_E"]
    if kind == "cdm":
        radius, phi = p["subhalo_radius"] * theta_E, p["subhalo_phi"]
        masses = p["subhalo_mass"] * mass
    else:
        along = np.linspace(-1, 1, 201) * p["vortex_half_length"] * theta_E
        radius, phi = along, np.full_like(along, p["vortex_phi"])
        masses = np.full_like(along, mass / len(along))
    return masses, p["lens_x"] + radius * np.cos(phi), p["lens_y"] + radius * np.sin(phi)


def true_convergence(p: Mapping[str, float | np.ndarray], kind: str) -> np.ndarray:
    """Of the substructure, smoothed: a mass m adds up to π m over its surroundings."""
    x, y = np.meshgrid(PLACES, PLACES)
    total = np.zeros_like(x)
    for mass, x_0, y_0 in zip(*points(p, kind), strict=True):
        squared = (x - x_0) ** 2 + (y - y_0) ** 2
        total += mass / (2 * SMOOTHING**2) * np.exp(-squared / (2 * SMOOTHING**2))
    return total


def panels_of(image: np.ndarray, name: str) -> tuple[np.ndarray, ...]:
    """Image, model, residual over noise and the correction of the convergence."""
    condition = condition_of(name)
    seen = torch.from_numpy(np.ascontiguousarray(image)).float()[None]
    fit = fit_lenses(seen, condition, Fitting())
    optics = Optics(condition, seen.shape[-1], 2)
    model = optics.images(fit.theta)
    residual = (seen - model) / optics.variance(model).sqrt()
    kappa = convergence_correction(optics, seen[0], fit.theta[0], torch.from_numpy(PLACES))
    return image, model[0].numpy(), residual[0].numpy(), kappa.numpy()


def show(panel: plt.Axes, values: np.ndarray, half: float, kind: str) -> mpl.image.AxesImage:
    """One map, cut to the same piece of sky."""
    looks = {
        "light": {"cmap": "gray", "vmin": -0.7, "vmax": 3.5},
        "residual": {"cmap": "RdBu_r", "vmin": -5, "vmax": 5},
        "mass": {"cmap": "PuOr_r", "vmin": -0.3, "vmax": 0.3},
    }
    drawn = panel.imshow(
        np.arcsinh(values / 3) if kind == "light" else values,
        origin="lower",
        extent=(-half, half, -half, half),
        interpolation="nearest",
        **looks[kind],
    )
    panel.set(xlim=(-HALF, HALF), ylim=(-HALF, HALF), xticks=[], yticks=[])
    return drawn


def main() -> None:
    """Two lenses, each under three telescopes."""
    figure = plt.figure(figsize=(9.6, 11), layout="compressed")
    grid = figure.add_gridspec(6, 5)
    for block, (kind, scene) in enumerate(SCENES.items()):
        scenes = draw_scenes(Population(), "figure", [scene], seed=0)
        drawn = {name: values[0] for name, values in scenes.parameters.items()}
        first = figure.add_subplot(grid[3 * block + 1, 0])
        mass = show(first, true_convergence(drawn, kind), HALF, "mass")
        first.set_title(f"{kind}: true convergence\nof the substructure", fontsize=8)
        for row, name in enumerate(SEEN_BY):
            found = panels_of(observed(scenes, condition_of(name)), name)
            for column, (values, title) in enumerate(zip(found, TITLES, strict=True), 1):
                panel = figure.add_subplot(grid[3 * block + row, column])
                look = ("light", "light", "residual", "mass")[column - 1]
                half = HALF if look == "mass" else FIELD_OF_VIEW / 2
                last = show(panel, values, half, look)
                if look == "residual":
                    residual = last
                if row == 0:
                    panel.set_title(title, fontsize=8)
                if column == 1:
                    panel.set_ylabel(name, fontsize=8)
    axes = figure.get_axes()
    for shown, label in ((residual, "residual [σ]"), (mass, "convergence")):
        bar = figure.colorbar(shown, ax=axes, location="bottom", shrink=0.3, aspect=30, pad=0.01)
        bar.set_label(label, fontsize=8)
        bar.ax.tick_params(labelsize=7)
    figure.savefig(FOLDER / "gravitational-imaging.png", dpi=100, pil_kwargs={"optimize": True})
    plt.close(figure)


if __name__ == "__main__":
    main()
