# ruff: noqa: T201 (it prints what it fitted)
"""Fits probe errors of `studies/scaling.toml` against images and parameters, and draws them.

    python docs/figures/scaling.py STORE

prints the table and the curve, and draws `scaling.png` beside this file. The curve is that of
Hoffmann et al. 2022 (arXiv:2203.15556, eq. 2), E + A N^−α + B P^−β, by least squares of the
logarithms, weighted by the intervals of the points. Its own are of points drawn anew within
theirs, one by one; all were scored on the same scenes, whose common luck is not in them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from scipy.optimize import least_squares
from tabulate import tabulate

from lensbench.registry import load_catalogue

BATCH = 64
SHIPPED = (128, 25_000)
RESAMPLES = 500
UNIT = 1e5
"""What images and parameters are counted in."""


class Points(NamedTuple):
    """Probes under one condition, each array (K,)."""

    width: np.ndarray
    steps: np.ndarray
    parameters: np.ndarray
    value: np.ndarray
    error: np.ndarray


def read(store: Path, condition: str, task: str, metric: str) -> Points:
    """Probes of a task under a condition, random weights among them as zero steps."""
    frames = [pl.read_parquet(file) for file in sorted((store / "records").glob("*.parquet"))]
    rows = pl.concat(frames, how="diagonal").filter(
        pl.col("task").str.starts_with(task)
        & (pl.col("metric") == metric)
        & (pl.col("test_condition") == condition)
        & (pl.col("state") == "done")
    )
    found = [(*parts(row["encoder"]), row) for row in rows.iter_rows(named=True)]
    sizes = {width: parameters(width) for width in {width for width, _, _ in found}}
    return Points(
        np.array([width for width, _, _ in found]),
        np.array([steps for _, steps, _ in found]),
        np.array([sizes[width] for width, _, _ in found]),
        np.array([row["value"] for _, _, row in found]),
        np.array([(row["high"] - row["low"]) / 3.92 for _, _, row in found]),
    )


def parts(encoder: str) -> tuple[int, int]:
    """Width and steps of an encoder's name."""
    name = encoder.partition("scale/w")[2]
    if name:
        width, _, steps = name.split(",")[0].partition("-")
        return int(width), int(steps)
    width = encoder.partition("width=")[2]
    return (int(width.split(",")[0]), 0) if width else SHIPPED


def parameters(width: int) -> int:
    """Of an encoder this wide."""
    encoder = load_catalogue().build("encoder", f"mae-vit:width={width},rings=false", channels=1)
    return sum(its.numel() for its in encoder.parameters())


def curve(theta: np.ndarray, images: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Errors at numbers of images and parameters; all of `theta` are logarithms."""
    floor, a, alpha, b, beta = np.exp(theta)
    return floor + a * (images / UNIT) ** -alpha + b * (sizes / UNIT) ** -beta


def fit(images: np.ndarray, sizes: np.ndarray, value: np.ndarray, error: np.ndarray) -> np.ndarray:
    """The five numbers of the curve."""
    start = np.log([0.8 * value.min(), 0.1 * value.min(), 0.5, 0.1 * value.min(), 0.5])

    def residual(theta: np.ndarray) -> np.ndarray:
        model = curve(theta, images, sizes)
        return (np.log(model) - np.log(value)) / (error / value)

    low, high = np.log([1e-4, 1e-6, 0.05, 1e-6, 0.05]), np.log([1, 1, 3, 1, 3])
    return least_squares(residual, np.clip(start, low, high), bounds=(low, high)).x


def main(store: Path) -> None:
    """Table, curve and picture."""
    its = read(store, "euclid-vis", "regression", "rmse_theta_E")
    shipped = its.steps == SHIPPED[1]
    used = (its.steps > 0) & ~shipped
    images = its.steps * BATCH
    random = np.random.default_rng(0)
    fits = [fit(images[used], its.parameters[used], its.value[used], its.error[used])]
    for _ in range(RESAMPLES):
        drawn = its.value[used] + its.error[used] * random.standard_normal(used.sum())
        fits.append(fit(images[used], its.parameters[used], drawn, its.error[used]))
    lengths = sorted(set(its.steps[~shipped].tolist()))
    at = {(w, s): i for i, (w, s) in enumerate(zip(its.width, its.steps, strict=True))}
    print(tabulate(
        [
            [w, f"{parameters(w):,}", *(
                f"{its.value[at[w, s]]:.4f} ± {1.96 * its.error[at[w, s]]:.4f}"
                if (w, s) in at else "–" for s in lengths
            )]
            for w in sorted(set(its.width.tolist()))
        ],
        ["width", "parameters", *(f"{s * BATCH:,} images" for s in lengths)],
    ))  # fmt: skip
    names = ("E [arcsec]", "A [arcsec]", "alpha", "B [arcsec]", "beta")
    numbers = np.exp(np.array(fits))
    print("\nE + A (images / 100,000)^-alpha + B (parameters / 100,000)^-beta:")
    for name, column in zip(names, numbers.T, strict=True):
        low, high = np.quantile(column[1:], [0.025, 0.975])
        print(f"  {name:11} {column[0]:.4f}  [{low:.4f}, {high:.4f}]")
    own = its.parameters[shipped][0]
    asked = [
        ("lensbench-tiny, foretold", images[shipped][0], own),
        ("10 x its images", 10 * images[shipped][0], own),
        ("10 x its parameters", images[shipped][0], 10 * own),
        ("10 x of both", 10 * images[shipped][0], 10 * own),
        ("100 x of both", 100 * images[shipped][0], 100 * own),
    ]
    print(f"\nlensbench-tiny, measured: {its.value[shipped][0]:.4f}"
          f" ± {1.96 * its.error[shipped][0]:.4f}")  # fmt: skip
    for name, n, p in asked:
        said = np.array([curve(theta, n, p) for theta in fits])
        low, high = np.quantile(said[1:], [0.025, 0.975])
        print(f"{name}: {said[0]:.4f} [{low:.4f}, {high:.4f}]")
    draw(its, np.array(fits))


def draw(its: Points, fits: np.ndarray) -> None:
    """Errors against images, a colour a width, with the curve and its interval."""
    figure, axis = plt.subplots(figsize=(6, 4))
    line = np.geomspace(1e4, 1e8, 60)
    for number, width in enumerate(sorted(set(its.width.tolist()))):
        here = (its.width == width) & (its.steps > 0)
        size, colour = its.parameters[here][0], f"C{number}"
        said = np.array([curve(theta, line, size) for theta in fits])
        axis.fill_between(line, *np.quantile(said, [0.025, 0.975], axis=0), color=colour, alpha=0.1)
        axis.plot(line, said[0], color=colour, label=f"width {width}: {size:,} parameters")
        for marker, of in (("o", its.steps < SHIPPED[1]), ("*", its.steps == SHIPPED[1])):
            some = here & of
            axis.errorbar(
                its.steps[some] * BATCH, its.value[some], 1.96 * its.error[some],
                fmt=marker, color=colour, markersize=12 if marker == "*" else 5,
            )  # fmt: skip
        (none,) = its.value[(its.width == width) & (its.steps == 0)]
        axis.axhline(none, color=colour, linestyle=":", linewidth=1)
    axis.set(
        xscale="log", yscale="log", xlabel="images of the pretraining",
        ylabel="RMSE of θ_E by a ridge probe [arcsec]",
    )  # fmt: skip
    axis.legend(fontsize=8, title="★ shipped, not fitted; dotted: random weights", title_fontsize=8)
    figure.tight_layout()
    figure.savefig(Path(__file__).with_name("scaling.png"), dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
