# ruff: noqa: T201 (it prints what it fitted)
"""Fits probe errors of `studies/scaling.toml` against images and parameters, and draws them.

    python docs/figures/scaling.py [RUN STORE]

prints tables and curves, of pretrainings under one condition and on the mix, and draws
`scaling.png` beside this file, from a run, or else from the errors that are kept in
`docs/output/scaling-points.csv`. The curve is that of Hoffmann et al. 2022 (arXiv:2203.15556,
eq. 2), E + A N^−α + B P^−β, by least squares of the logarithms. It is not fitted to the longest
pretraining of either kind, but tried on it. There are no intervals: those of an RMSE do not hold.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from scipy.optimize import least_squares
from tabulate import tabulate

from lensbench.registry import load_catalogue
from lensbench.store import Store, open_store

BATCH = 64
SHIPPED = ("mix", 128, 25_000)
KINDS = {"one": "euclid-vis alone", "mix": "eight conditions"}
POINTS = Path(__file__).parents[1] / "output" / "scaling-points.csv"
UNIT = 1e5
"""What images and parameters are counted in."""

LEAST, MOST = np.array([1e-4, 1e-6, 0.05, 1e-6, 0.05]), np.array([1.0, 1.0, 3.0, 1.0, 3.0])
"""Ranges of the five numbers of the curve."""


class Points(NamedTuple):
    """Probes under one condition, each array (K,)."""

    kind: np.ndarray
    width: np.ndarray
    steps: np.ndarray
    parameters: np.ndarray
    value: np.ndarray

    def of(self, kind: str) -> Points:
        """Those of one kind, and random weights."""
        some = (self.kind == kind) | (self.steps == 0)
        return Points(*(column[some] for column in self))

    @property
    def fitted(self) -> np.ndarray:
        """Which points the curve is fitted to, (K,)."""
        return (self.steps > 0) & (self.steps < self.steps.max())

    @property
    def images(self) -> np.ndarray:
        """Of each pretraining, (K,)."""
        return self.steps * BATCH


def read(run: str, store: Store, condition: str) -> pl.DataFrame:
    """Probes of a run under a condition, random weights among them as zero steps."""
    rows = pl.read_parquet(store.root / "runs" / f"{run}.parquet").filter(
        (pl.col("metric") == "rmse_theta_E")
        & (pl.col("test_condition") == condition)
        & (pl.col("state") == "done")
    )
    kinds, widths, steps = zip(*map(parts, rows["encoder"]), strict=True)
    sizes = [parameters(width) for width in widths]
    columns = (kinds, widths, steps, sizes, rows["value"])
    return pl.DataFrame(dict(zip(Points._fields, columns, strict=True)))


def parts(encoder: str) -> tuple[str, int, int]:
    """Kind, width and steps of an encoder's pretraining."""
    if found := re.search(r"weights=(\w+)/w(\d+)-(\d+)", encoder):
        kind, width, steps = found.groups()
        return kind, int(width), int(steps)
    if "size=micro" in encoder:
        return "", SHIPPED[1], 0
    if found := re.search(r"width=(\d+)", encoder):
        return "", int(found[1]), 0
    return SHIPPED


def parameters(width: int) -> int:
    """Of an encoder this wide."""
    encoder = load_catalogue().build("encoder", f"mae-vit:width={width},rings=false", channels=1)
    return sum(parameter.numel() for parameter in encoder.parameters())


def curve(theta: np.ndarray, images: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Errors at numbers of images and parameters; all of `theta` are logarithms."""
    floor, a, alpha, b, beta = np.exp(theta)
    return floor + a * (images / UNIT) ** -alpha + b * (sizes / UNIT) ** -beta


def fit(images: np.ndarray, sizes: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The five numbers of the curve."""
    start = np.log([0.8 * value.min(), 0.1 * value.min(), 0.5, 0.1 * value.min(), 0.5])

    def residual(theta: np.ndarray) -> np.ndarray:
        return np.log(curve(theta, images, sizes)) - np.log(value)

    low, high = np.log(LEAST), np.log(MOST)
    return least_squares(residual, np.clip(start, low, high), bounds=(low, high)).x


def main(*run: str) -> None:
    """Tables, curves and picture."""
    if run:
        read(run[0], open_store(run[1]), "euclid-vis").write_csv(POINTS)
    kept = pl.read_csv(POINTS, null_values=[]).with_columns(pl.col("kind").fill_null(""))
    every = Points(*(kept[name].to_numpy() for name in Points._fields))
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True)
    for (kind, conditions), axis in zip(KINDS.items(), axes, strict=True):
        points = every.of(kind)
        some = points.fitted
        theta = fit(points.images[some], points.parameters[some], points.value[some])
        print(f"pretrained under {conditions}\n")
        table(points)
        tell(points, theta)
        draw(points, theta, axis)
        axis.set(title=f"pretrained under {conditions}")
    axes[0].set(ylabel="RMSE of θ_E by a ridge probe [arcsec]")
    axes[0].legend(
        fontsize=8, title="★ longest, not fitted; dotted: random weights", title_fontsize=8
    )
    figure.tight_layout()
    figure.savefig(Path(__file__).with_name("scaling.png"), dpi=110)


def table(points: Points) -> None:
    """Values by width and length."""
    lengths = sorted(set(points.steps.tolist()))
    sizes = dict(zip(points.width.tolist(), points.parameters.tolist(), strict=True))
    at = {key: i for i, key in enumerate(zip(points.width, points.steps, strict=True))}
    print(
        tabulate(
            [
                [
                    w,
                    f"{size:,}",
                    *(points.value[at[w, s]] if (w, s) in at else "–" for s in lengths),
                ]
                for w, size in sorted(sizes.items())
            ],
            ["width", "parameters", *(f"{s * BATCH:,} images" for s in lengths)],
            floatfmt=".4f",
        )
    )


def tell(points: Points, theta: np.ndarray) -> None:
    """What was fitted, and what it predicts."""
    print("\nE + A (images / 100,000)^-alpha + B (parameters / 100,000)^-beta")
    names = ("E [arcsec]", "A [arcsec]", "alpha", "B [arcsec]", "beta")
    for name, value, *ends in zip(names, np.exp(theta), LEAST, MOST, strict=True):
        note = ", at the end of its range" * bool(np.isclose(value, ends).any())
        print(f"{name:28} {value:.4f}{note}")
    longest = int(points.steps.argmax())
    size, seen = points.parameters[longest], points.images[longest]
    print(f"\n{'the longest, measured':28} {points.value[longest]:.4f}")
    for name, n, p in (
        ("the longest, predicted", seen, size),
        ("10 x its images", 10 * seen, size),
        ("10 x its parameters", seen, 10 * size),
        ("10 x of both", 10 * seen, 10 * size),
        ("100 x of both", 100 * seen, 100 * size),
    ):
        print(f"{name:28} {curve(theta, n, p):.4f}")
    print()


def draw(points: Points, theta: np.ndarray, axis: Axes) -> None:
    """Errors against images, a colour a width, with the curve."""
    line = np.geomspace(1e4, 1e8, 60)
    for number, width in enumerate(sorted(set(points.width.tolist()))):
        here = (points.width == width) & (points.steps > 0)
        size, colour = points.parameters[here][0], f"C{number}"
        label = f"width {width}: {size:,} parameters"
        axis.plot(line, curve(theta, line, size), color=colour, label=label)
        for marker, of in (("o", points.fitted), ("*", ~points.fitted)):
            some = here & of
            size = 12 if marker == "*" else 5
            axis.plot(points.images[some], points.value[some], marker, color=colour, ms=size)
        (none,) = points.value[(points.width == width) & (points.steps == 0)]
        axis.axhline(none, color=colour, linestyle=":", linewidth=1)
    axis.set(xscale="log", yscale="log", xlabel="images of the pretraining")


if __name__ == "__main__":
    main(*sys.argv[1:])
