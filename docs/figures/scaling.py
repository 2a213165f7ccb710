# ruff: noqa: T201 (it prints what it fitted)
"""Fits probe errors of `studies/scaling.toml` against images and parameters, and draws them.

    python docs/figures/scaling.py RUN STORE

prints tables and curves, of pretrainings under one condition and on the mix, and draws
`scaling.png` beside this file. The curve is that of Hoffmann et al. 2022 (arXiv:2203.15556, eq. 2),
E + A N^−α + B P^−β, by least squares of the logarithms. It is not fitted to the longest pretraining
of either kind, but tried on it. All intervals are of 500 bootstraps of the test scenes, the same
for every point, each with a fit of its own; the chance of another pretraining is not in them.
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
from lensbench.store.arrays import map_arrays
from lensbench.store.predictions import read_predictions

BATCH = 64
SHIPPED = ("mix", 128, 25_000)
KINDS = {"one": "euclid-vis alone", "mix": "eight conditions"}
RESAMPLES = 500
UNIT = 1e5
"""What images and parameters are counted in."""

LEAST, MOST = np.array([1e-4, 1e-6, 0.05, 1e-6, 0.05]), np.array([1.0, 1.0, 3.0, 1.0, 3.0])
"""Ranges of the five numbers of the curve."""


class Points(NamedTuple):
    """Probes under one condition, each array (K,), and their values on resampled scenes (R, K)."""

    kind: np.ndarray
    width: np.ndarray
    steps: np.ndarray
    parameters: np.ndarray
    value: np.ndarray
    resampled: np.ndarray

    def interval(self, at: int) -> tuple[float, float]:
        """Ends of the 95 % interval of a point."""
        low, high = np.quantile(self.resampled[:, at], [0.025, 0.975])
        return float(low), float(high)

    def told(self, at: int) -> str:
        """Value and interval of a point."""
        low, high = self.interval(at)
        return f"{self.value[at]:.4f} [{low:.4f}, {high:.4f}]"

    def of(self, kind: str) -> Points:
        """Those of one kind, and random weights."""
        some = (self.kind == kind) | (self.steps == 0)
        return Points(*(column[some] for column in self[:-1]), self.resampled[:, some])

    @property
    def fitted(self) -> np.ndarray:
        """Which points the curve is fitted to, (K,)."""
        return (self.steps > 0) & (self.steps < self.steps.max())

    @property
    def images(self) -> np.ndarray:
        """Of each pretraining, (K,)."""
        return self.steps * BATCH


def read(run: str, store: Store, condition: str) -> Points:
    """Probes of a run under a condition, random weights among them as zero steps."""
    rows = pl.read_parquet(store.root / "runs" / f"{run}.parquet").filter(
        (pl.col("metric") == "rmse_theta_E")
        & (pl.col("test_condition") == condition)
        & (pl.col("state") == "done")
    )
    found = [parts(encoder) for encoder in rows["encoder"]]
    sizes = {width: parameters(width) for width in {width for _, width, _ in found}}
    squared = np.stack([squared_errors(store, row) for row in rows.iter_rows(named=True)], 1)
    drawn = np.random.default_rng(0).integers(0, len(squared), (RESAMPLES, len(squared)))
    kinds, widths, steps = zip(*found, strict=True)
    return Points(
        np.array(kinds),
        np.array(widths),
        np.array(steps),
        np.array([sizes[width] for width in widths]),
        np.sqrt(squared.mean(0)),
        np.sqrt(squared[drawn].mean(1)),
    )


def squared_errors(store: Store, row: dict) -> np.ndarray:
    """Of each scene (n,) [arcsec²]."""
    answers, truth = (store.find(kind, row[kind]) for kind in ("predictions", "images"))
    if answers is None or truth is None:
        raise SystemExit(f"predictions of {row['entrant']} are not in the store")
    mean = read_predictions(answers)[1]["mean"][:, 0]
    return (mean - np.asarray(map_arrays(truth)["theta_E"])) ** 2


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


def main(run: str, where: str) -> None:
    """Tables, curves and picture."""
    every = read(run, open_store(where), "euclid-vis")
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True)
    for (kind, conditions), axis in zip(KINDS.items(), axes, strict=True):
        points = every.of(kind)
        fits = np.array(
            [
                fit(
                    points.images[points.fitted],
                    points.parameters[points.fitted],
                    value[points.fitted],
                )
                for value in (points.value, *points.resampled)
            ]
        )
        print(f"pretrained under {conditions}\n")
        table(points)
        tell(points, fits)
        draw(points, fits, axis)
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
                [w, f"{size:,}", *(points.told(at[w, s]) if (w, s) in at else "–" for s in lengths)]
                for w, size in sorted(sizes.items())
            ],
            ["width", "parameters", *(f"{s * BATCH:,} images" for s in lengths)],
        )
    )


def tell(points: Points, fits: np.ndarray) -> None:
    """What was fitted, and what it predicts."""
    print("\nE + A (images / 100,000)^-alpha + B (parameters / 100,000)^-beta")
    names = ("E [arcsec]", "A [arcsec]", "alpha", "B [arcsec]", "beta")
    for name, column, *ends in zip(names, np.exp(fits).T, LEAST, MOST, strict=True):
        told(name, column, ", at the end of its range" * bool(np.isclose(column[0], ends).any()))
    longest = int(points.steps.argmax())
    size, seen = points.parameters[longest], points.images[longest]
    print(f"\n{'the longest, measured':28} {points.told(longest)}")
    for name, n, p in (
        ("the longest, predicted", seen, size),
        ("10 x its images", 10 * seen, size),
        ("10 x its parameters", seen, 10 * size),
        ("10 x of both", 10 * seen, 10 * size),
        ("100 x of both", 100 * seen, 100 * size),
    ):
        told(name, np.array([curve(theta, n, p) for theta in fits]))
    print()


def told(name: str, values: np.ndarray, note: str = "") -> None:
    """A number, the first, with the interval of the rest."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    print(f"{name:28} {values[0]:.4f} [{low:.4f}, {high:.4f}]{note}")


def draw(points: Points, fits: np.ndarray, axis: Axes) -> None:
    """Errors against images, a colour a width, with the curve and its interval."""
    line = np.geomspace(1e4, 1e8, 60)
    for number, width in enumerate(sorted(set(points.width.tolist()))):
        here = (points.width == width) & (points.steps > 0)
        size, colour = points.parameters[here][0], f"C{number}"
        said = np.array([curve(theta, line, size) for theta in fits])
        axis.fill_between(line, *np.quantile(said, [0.025, 0.975], axis=0), color=colour, alpha=0.1)
        axis.plot(line, said[0], color=colour, label=f"width {width}: {size:,} parameters")
        for marker, of in (("o", points.fitted), ("*", ~points.fitted)):
            some = np.flatnonzero(here & of)
            ends = np.array([points.interval(i) for i in some]).reshape(-1, 2).T
            axis.errorbar(
                points.images[some], points.value[some], abs(ends - points.value[some]),
                fmt=marker, color=colour, markersize=12 if marker == "*" else 5,
            )  # fmt: skip
        (none,) = points.value[(points.width == width) & (points.steps == 0)]
        axis.axhline(none, color=colour, linestyle=":", linewidth=1)
    axis.set(xscale="log", yscale="log", xlabel="images of the pretraining")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
