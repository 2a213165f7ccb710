"""Draws lenses and each kind of look-alike in three bands of HSC, in colours.

Run from the root of the checkout: `python docs/figures/colours.py`. The pictures are stretched as
`lensbench data preview` does it: each band by its own scatter, the i band in red.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from lensbench import draw_scenes, population_of
from lensbench.data.colour import colours
from lensbench.sky.lookalikes import KINDS
from lensbench.sky.multiband import HSC_GRI, letters
from lensbench.sky.observation import observe

FOLDER = Path(__file__).parent
FIELD_OF_VIEW, SCENES, EACH = 6.4, 220, 7


def pictures() -> dict[str, list[np.ndarray]]:
    """The first few pictures of lenses and of every kind."""
    scenes = draw_scenes(population_of("look-alikes"), "figure", range(SCENES), 0)
    images = observe(scenes, HSC_GRI, FIELD_OF_VIEW, 0).numpy()
    found: dict[str, list[np.ndarray]] = {"lens": [], **{kind: [] for kind in KINDS}}
    labels, kinds = scenes.targets["lens"], scenes.parameters["kind"]
    for image, label, kind in zip(images, labels, kinds, strict=True):
        name = "lens" if label else KINDS[int(kind)]
        found[name].append(colours(image, letters(HSC_GRI)))
    return {name: shown[:EACH] for name, shown in found.items()}


def main() -> None:
    """Writes colours.png beside this file."""
    rows = pictures()
    size = (1.1 * EACH, 1.1 * len(rows))
    figure, axes = plt.subplots(len(rows), EACH, figsize=size, layout="constrained", squeeze=False)
    for (name, shown), panels in zip(rows.items(), axes, strict=True):
        panels[0].set_ylabel(name, fontsize=9)
        for panel in panels:
            panel.set_xticks([])
            panel.set_yticks([])
        for picture, panel in zip(shown, panels, strict=False):
            panel.imshow(picture, origin="lower", interpolation="nearest")
    figure.savefig(FOLDER / "colours.png", dpi=100, pil_kwargs={"optimize": True})
    plt.close(figure)


if __name__ == "__main__":
    main()
