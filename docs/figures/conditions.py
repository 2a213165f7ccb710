"""Draws one lens under every graded condition, and another figure under every instrument.

Run from the root of the checkout: `python docs/figures/conditions.py`. Images are in units of the
noise of an empty pixel, with an asinh stretch that is the same for all.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from lensbench import Condition, Population, Scenes, draw_scenes
from lensbench.sky.grades import AXES, GRADES
from lensbench.sky.instruments import CONDITIONS
from lensbench.sky.observation import add_noise, expose, grid_of

FOLDER = Path(__file__).parent
FIELD_OF_VIEW = 6.4
SCENE = 31


def observed(scenes: Scenes, condition: Condition) -> np.ndarray:
    """The scene's image under a condition, noise and artefacts included [σ]."""
    image = expose(scenes, condition, grid_of(condition, FIELD_OF_VIEW))
    return add_noise(image, condition, scenes.ids, seed=5)[0, 0].numpy()


def sheet(path: Path, scenes: Scenes, rows: list[list[Condition]], titles: list[str]) -> None:
    """A contact sheet: a row a list of conditions."""
    columns = max(len(row) for row in rows)
    figure, axes = plt.subplots(
        len(rows),
        columns,
        squeeze=False,
        layout="constrained",
        figsize=(1.3 * columns, 1.45 * len(rows)),
    )
    for row, title, panels in zip(rows, titles, axes, strict=True):
        panels[0].set_ylabel(title, fontsize=9)
        for panel in panels:
            panel.set_xticks([])
            panel.set_yticks([])
            panel.axis("off" if panel is not panels[0] else "on")
        for condition, panel in zip(row, panels, strict=False):
            image = np.arcsinh(observed(scenes, condition) / 3)
            panel.imshow(image, cmap="gray", vmin=-0.7, vmax=3.5, origin="lower")
            panel.set_title(condition.name, fontsize=7)
            panel.axis("on")
    figure.savefig(path, dpi=100, pil_kwargs={"optimize": True})
    plt.close(figure)


def shrink(path: Path) -> None:
    """Stores the picture in greys: they are all that it has."""
    from PIL import Image

    with Image.open(path) as picture:
        picture.convert("L").save(path, optimize=True)


def main() -> None:
    """Writes grades.png and instruments.png beside this file."""
    scenes = draw_scenes(Population(lens_light=False), "figure", [SCENE], seed=0)
    base = CONDITIONS["EUCLID_VIS"]
    grades = [[base, *(make(grade) for grade in GRADES)] for make in AXES.values()]
    sheet(FOLDER / "grades.png", scenes, grades, list(AXES))
    named = sorted(CONDITIONS.values(), key=lambda one: (one.psf_fwhm, one.name))
    instruments = [named[start : start + 7] for start in range(0, len(named), 7)]
    sheet(FOLDER / "instruments.png", scenes, instruments, [""] * len(instruments))
    for name in ("grades.png", "instruments.png"):
        shrink(FOLDER / name)


if __name__ == "__main__":
    main()
