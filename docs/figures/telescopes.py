"""Draws telescopes.png of the README: a lens under four telescopes, and scores at its substructure.

Run from the root of the checkout: `python docs/figures/telescopes.py`. Scores and limits are from
`docs/output/telescopes.txt` and `class-limits.txt`.
"""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from conditions import observed
from explanation import BLUE, GREY, ORANGE, plain
from field_guide import drawn
from tables import OUTPUT, read

from lensbench import condition_of
from lensbench.sky.population import CLASSES

FOLDER = Path(__file__).parent
MORPHOLOGY = r"morphology on [^:]+:[^:]+:\S+: auroc"
"""Title of the table of `morphology` with all labels."""
TELESCOPES = {
    "hst-acs": "Hubble",
    "euclid-vis": "Euclid",
    "rubin-r": "Rubin,\nten years",
    "hsc-i": "Hyper\nSuprime-Cam",
}
LONG = "small-resnet:weights=lensbench-cnn-long"
ENTRANTS = (
    (
        f"residual:apart=yes,encoder={LONG},view=0.1 + none + ridge",
        "both: fit and network",
        "black",
        "P",
    ),
    ("lens-model", "lens fit and its residual", BLUE, "o"),
    (
        "small-resnet:view=0.1,weights=lensbench-cnn-long + none + ridge",
        "lensbench-cnn-long (labels)",
        ORANGE,
        "s",
    ),
    ("mae-vit + none + ridge", "lensbench-tiny (no labels)", "#3a8f4d", "D"),
    ("spectrum-logreg", "power spectrum, no network", GREY, "^"),
)
"""Entrant, label, colour and marker."""


def scores(entrant: str) -> dict[str, tuple[float, float, float]]:
    """Value, and how far the interval reaches below and above it, under each condition."""
    found = {}
    for name, text in read("telescopes.txt", MORPHOLOGY)[entrant].items():
        value = re.fullmatch(r"([\d.]+) (?:± ([\d.]+)|−([\d.]+) \+([\d.]+))", text)
        if value:
            below, above = value[2] or value[3], value[2] or value[4]
            found[name] = float(value[1]), float(below), float(above)
    return found


def limits() -> dict[str, float]:
    """The upper bound of the AUROC of `morphology` under each condition."""
    text = (OUTPUT / "class-limits.txt").read_text()
    rows = re.findall(r"^(\S+) +no_sub, vortex .* ([\d.]+)$", text, re.MULTILINE)
    return {condition: float(bound) for condition, bound in rows}


def images(figure: plt.Figure) -> None:
    """The lens under each telescope."""
    scenes = drawn(CLASSES.index("cdm"))
    for panel, (name, label) in zip(figure.subplots(2, 2).flat, TELESCOPES.items(), strict=True):
        image = np.arcsinh(observed(scenes, condition_of(name)) / 3)
        panel.imshow(image, cmap="gray", vmin=-0.7, vmax=3.5, origin="lower")
        panel.set_title(label.replace("\n", " "), fontsize=10)
        panel.set_xticks([])
        panel.set_yticks([])


def ranking(axis: plt.Axes) -> None:
    """AUROC of every entrant under every telescope, between chance and the limit."""
    places = np.arange(len(TELESCOPES))
    bound = limits()
    for place, name in zip(places, TELESCOPES, strict=True):
        label = "upper bound of all methods" if not place else None
        axis.hlines(bound[name], place - 0.4, place + 0.4, color="black", lw=2, label=label)
    for number, (entrant, label, colour, marker) in enumerate(ENTRANTS):
        found = scores(entrant)
        value, *width = np.array([found[name] for name in TELESCOPES]).T
        at = places + 0.15 * (number - 2)
        axis.errorbar(at, value, width, fmt=marker, color=colour, capsize=3, label=label)
    axis.axhline(0.5, color=GREY, lw=1, ls="--")
    axis.annotate("chance", (-0.4, 0.48), fontsize=9, color=GREY)
    axis.set_xticks(
        places, [label.replace(", ", ",\n").replace(" S", "\nS") for label in TELESCOPES.values()]
    )
    axis.set_ylim(0.42, 1.03)
    axis.set_ylabel("AUROC: which substructure?")
    axis.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, 0.7))
    plain(axis)


def main() -> None:
    """Writes telescopes.png beside this file."""
    figure = plt.figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.4))
    images(left)
    ranking(right.subplots())
    figure.savefig(FOLDER / "telescopes.png", dpi=110, pil_kwargs={"optimize": True})
    plt.close(figure)


if __name__ == "__main__":
    main()
