"""Draws intervals.png, limits.png, parts.png and tiers.png of the explanation pages.

Run from the root of the checkout: `python docs/figures/explanation.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from lensbench.stats.intervals import mean_interval
from lensbench.stats.paired import paired_bootstrap

FOLDER = Path(__file__).parent
LIMITS = FOLDER.parent / "output" / "einstein-radius-limits.txt"
BLUE, ORANGE, GREY = "#1f6fb4", "#d9601a", "#666666"
TRUTH = 0.8
"""The true score of the simulated entrant."""
TEST_SETS, SCENES = 40, 100
PRIOR_WIDTH = 0.8 / 12**0.5
"""Standard deviation of Einstein radii that are uniform on 0.8″ to 1.6″."""
TIERS = (
    ("reported", "digests agree", "damaged or\nchanged files"),
    ("re-scored", "scores follow from\nthe predictions", "invented\nscores"),
    ("re-run", "random cells are\ncomputed again", "invented\npredictions"),
    ("fresh", "weights are tested\non new scenes", "weights fitted to\nthe test set"),
)
PARTS = (
    ("image", "native pixels,\nin units of σ"),
    ("encoder", "a network or\na hand-made list"),
    ("features", "a vector, and maps\nfor images"),
    ("head", "small; fitted to\nlabels"),
    ("prediction", "a class, a radius\nor an image"),
)


def save(figure: plt.Figure, name: str) -> None:
    """Writes a figure beside this file."""
    figure.savefig(FOLDER / name, dpi=110, pil_kwargs={"optimize": True})
    plt.close(figure)


def plain(axis: plt.Axes) -> None:
    """Leaves out the upper and the right line."""
    axis.spines[["top", "right"]].set_visible(False)


def coverage(axis: plt.Axes, rng: np.random.Generator) -> None:
    """Intervals of many test sets of one entrant; those that miss the true score are orange."""
    for number in range(TEST_SETS):
        found = mean_interval(rng.normal(TRUTH, 0.2, SCENES), 1000, number)
        colour = BLUE if found.low <= TRUTH <= found.high else ORANGE
        axis.plot([number, number], [found.low, found.high], color=colour, lw=2)
        axis.plot(number, found.value, "o", color=colour, ms=3)
    axis.axhline(TRUTH, color=GREY, lw=1)
    axis.set_xlim(-1, TEST_SETS + 7)
    axis.annotate("true score", (TEST_SETS + 0.5, TRUTH + 0.003), fontsize=9, color=GREY)
    axis.set_xlabel("test sets of 100 scenes")
    axis.set_ylabel("score")
    axis.set_title("One entrant: intervals of 40 test sets", fontsize=10)
    plain(axis)


def pairing(figure: plt.Figure, grid: mpl.gridspec.GridSpec, rng: np.random.Generator) -> None:
    """Two entrants with overlapping intervals, and the interval of their paired difference."""
    scene = rng.normal(TRUTH, 0.2, SCENES)
    first, second = (scene + rng.normal(shift, 0.05, SCENES) for shift in (0.03, 0))
    panels = (
        ("score", (("A", mean_interval(first, 1000, 0)), ("B", mean_interval(second, 1000, 0)))),
        ("difference", (("A − B,\npaired", paired_bootstrap(first, second, 1000, 0)),)),
    )
    for column, (label, shown) in enumerate(panels, 1):
        axis = figure.add_subplot(grid[column])
        for number, (_, one) in enumerate(shown):
            errors = [[one.value - one.low], [one.high - one.value]]
            axis.errorbar(number, one.value, errors, fmt="o", color=BLUE, lw=2, capsize=4)
        axis.set_xticks(range(len(shown)), [name for name, _ in shown])
        axis.set_xlim(-0.6, len(shown) - 0.4)
        axis.set_ylabel(label)
        if label == "difference":
            axis.axhline(0, color=GREY, lw=1)
            axis.set_title("and their difference", fontsize=10)
        else:
            axis.set_title("Two entrants", fontsize=10)
        plain(axis)


def intervals() -> None:
    """What an interval means, and why entrants are paired."""
    figure = plt.figure(figsize=(10, 3.4), layout="constrained")
    grid = figure.add_gridspec(1, 3, width_ratios=(4, 2, 1.3))
    rng = np.random.default_rng(3)
    coverage(figure.add_subplot(grid[0]), rng)
    pairing(figure, grid, rng)
    save(figure, "intervals.png")


def limits() -> None:
    """Local reference and van Trees bound of the Einstein radius, by condition."""
    rows = re.findall(
        r"^(\S+) +theta_E +([\d.]+) ± ([\d.]+) +([\d.]+)", LIMITS.read_text(), re.MULTILINE
    )
    rows.sort(key=lambda row: float(row[1]))
    names = [row[0] for row in rows]
    least, error, bound = np.array([row[1:] for row in rows], float).T
    figure, axis = plt.subplots(figsize=(9, 3.8), layout="constrained")
    axis.axhline(PRIOR_WIDTH, color=GREY, lw=1, ls="--")
    axis.annotate("guessing: the width of the population", (0, PRIOR_WIDTH * 1.15), color=GREY)
    axis.errorbar(names, least, error, fmt="o", color=BLUE, capsize=4, label="local reference")
    axis.plot(names, bound, "v", color=ORANGE, label="van Trees bound: no method can be below")
    axis.set_yscale("log")
    axis.set_ylim(5e-5, 0.6)
    axis.set_ylabel("RMSE of θ_E [″]")
    axis.tick_params(axis="x", rotation=25)
    axis.legend(loc="center left", bbox_to_anchor=(0, 0.72), frameon=False)
    plain(axis)
    save(figure, "limits.png")


def boxes(columns: list[tuple[str, str]], name: str, below: list[str]) -> None:
    """Boxes from left to right, joined by arrows, each with a title, a line and one below it."""
    figure, axis = plt.subplots(figsize=(2.1 * len(columns), 2.0), layout="constrained")
    axis.set_xlim(-0.5, len(columns) - 0.5)
    axis.set_ylim(-1.1, 1)
    axis.axis("off")
    style = {"boxstyle": "round,pad=0.02", "fc": "#e8f0f8", "ec": BLUE, "lw": 1.2}
    for x, ((title, text), under) in enumerate(zip(columns, below, strict=True)):
        axis.add_patch(mpl.patches.FancyBboxPatch((x - 0.39, -0.2), 0.78, 1.1, **style))
        axis.text(x, 0.68, title, ha="center", va="center", weight="bold", fontsize=11)
        axis.text(x, 0.2, text, ha="center", va="center", fontsize=9)
        axis.text(x, -0.65, under, ha="center", va="center", fontsize=9, color=ORANGE)
        if x:
            start, end = (x - 0.59, 0.35), (x - 0.41, 0.35)
            axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": BLUE})
    save(figure, name)


def main() -> None:
    """Draws all four."""
    intervals()
    limits()
    boxes(
        [(tier, check) for tier, check, _ in TIERS], "tiers.png", [f"finds {t[2]}" for t in TIERS]
    )
    under = ["", "set by: pretraining\n(and fine-tuning)", "", "fitted by: transfer", "scored"]
    boxes(list(PARTS), "parts.png", under)


if __name__ == "__main__":
    main()
