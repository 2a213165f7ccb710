"""Draws one-lens.png and substructure.png of the field guide.

Run from the root of the checkout: `python docs/figures/field_guide.py`. Images are in units of the
noise of an empty pixel; those with noise have an asinh stretch that is the same for all.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from conditions import FIELD_OF_VIEW, observed, shrink

from lensbench import Condition, Population, Scenes, condition_of, draw_scenes
from lensbench.sky.observation import expose, grid_of
from lensbench.sky.population import CLASSES
from lensbench.sky.scenes import render

FOLDER = Path(__file__).parent
SCENE = 31
SEEN_BY = ("hst-acs", "euclid-vis", "rubin-r", "des-r")


def drawn(label: int) -> Scenes:
    """The figure's scene, with the substructure of a class in place of its own."""
    scenes = draw_scenes(Population(), "figure", [SCENE], seed=0)
    values = {name: torch.as_tensor(value) for name, value in scenes.parameters.items()}
    size = scenes.sky.shape[-1]
    sky = render(values, torch.tensor([label]), size, scenes.pixel_scale, lens_light=False)
    return dataclasses.replace(scenes, sky=sky[:, None].to(scenes.sky.dtype))


def expected(scenes: Scenes, condition: Condition) -> np.ndarray:
    """What the condition would see without noise [σ]."""
    image = expose(scenes, condition, grid_of(condition, FIELD_OF_VIEW))
    return image[0, 0].numpy() / condition.noise_level


def panels(rows: int, columns: int) -> tuple[plt.Figure, np.ndarray]:
    """A figure of panels without ticks."""
    figure, axes = plt.subplots(
        rows,
        columns,
        squeeze=False,
        layout="compressed",
        figsize=(1.9 * columns, 2.1 * rows),
        subplot_kw={"xticks": [], "yticks": []},
    )
    return figure, axes


def one_lens() -> None:
    """The noise-free sky beside what four instruments see of it."""
    scenes = drawn(0)
    figure, ((first, *others),) = panels(1, 1 + len(SEEN_BY))
    first.imshow(np.arcsinh(20 * scenes.sky[0, 0].numpy()), cmap="gray", origin="lower")
    first.set_title("sky, without noise", fontsize=8)
    for name, panel in zip(SEEN_BY, others, strict=True):
        condition = condition_of(name)
        image = np.arcsinh(observed(scenes, condition) / 3)
        panel.imshow(image, cmap="gray", vmin=-0.7, vmax=3.5, origin="lower")
        panel.set_title(f"{name}\n{condition.psf_fwhm:g}″, {image.shape[0]}²", fontsize=8)
    figure.savefig(FOLDER / "one-lens.png", dpi=100, bbox_inches="tight")
    plt.close(figure)
    shrink(FOLDER / "one-lens.png")


def substructure() -> None:
    """One lens with each kind of substructure, and what that changes under two conditions."""
    skies = [drawn(label) for label in range(len(CLASSES))]
    figure, axes = panels(4, len(CLASSES))
    rows = [None, *(condition_of(name) for name in ("hst-acs", "euclid-vis", "rubin-r"))]
    for condition, row in zip(rows, axes, strict=True):
        for name, scenes, panel in zip(CLASSES, skies, row, strict=True):
            if condition is None:
                sky = np.arcsinh(20 * scenes.sky[0, 0].numpy())
                panel.imshow(sky, cmap="gray", origin="lower")
                panel.set_title(name, fontsize=8)
                continue
            change = expected(scenes, condition) - expected(skies[0], condition)
            shown = panel.imshow(change, cmap="RdBu_r", vmin=-10, vmax=10, origin="lower")
        row[0].set_ylabel("sky" if condition is None else f"change, {condition.name}", fontsize=8)
    bar = figure.colorbar(shown, ax=axes[1:], shrink=0.7)
    bar.set_label("σ of an empty pixel", fontsize=8)
    figure.savefig(FOLDER / "substructure.png", dpi=100, bbox_inches="tight")
    plt.close(figure)


if __name__ == "__main__":
    one_lens()
    substructure()
