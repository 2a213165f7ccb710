# ruff: noqa: T201 (it prints what it measured)
"""Draws every real image of the three sweeps beside this file, and prints what was measured.

    python picture.py STORE FINDING.png SUPERRES.png

STORE is where the sweeps were kept. Nothing is chosen: all images, in the order of the best
finder's probability, or as they come, and all answers.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from PIL import Image

from lensbench.stats.intervals import mean_interval, proportion_interval
from lensbench.store import Store, open_store
from lensbench.store.arrays import map_arrays
from lensbench.store.predictions import read_predictions

COLUMNS = 15
TRIPLES = 8


def real_rows(store: Store, task: str, metric: str) -> pl.DataFrame:
    """Records of a task on real images by one metric, best first."""
    frames = [pl.read_parquet(file) for file in sorted((store.root / "records").glob("*.parquet"))]
    rows = pl.concat(frames, how="diagonal").filter(
        pl.col("task").str.starts_with(task)
        & pl.col("test_dataset").str.starts_with("images")
        & (pl.col("metric") == metric)
        & (pl.col("state") == "done")
    )
    up = bool(rows["higher_is_better"][0])
    return rows.unique("entrant").sort("value", descending=up)


def found(store: Store, kind: str, key: str) -> Path:
    """The file of an artefact."""
    path = store.find(kind, key)
    if path is None:
        raise SystemExit(f"{kind} {key} are not in the store: run the sweeps first")
    return path


def shares(hits: np.ndarray) -> str:
    """A share with its exact 95 % interval."""
    share = proportion_interval(hits)
    return f"{hits.sum()}/{share.n} = {share.value:.2f} [{share.low:.2f}, {share.high:.2f}]"


def draw_finding(store: Store, out: Path) -> None:
    """All images, and the shares of lenses and galaxies that were told apart."""
    rows = real_rows(store, "finding", "auroc")
    images = map_arrays(found(store, "images", rows["images"][0]))
    lens = images["lens"].astype(bool)
    first = None
    for row in rows.iter_rows(named=True):
        _, answers = read_predictions(found(store, "predictions", row["predictions"]))
        said = answers["probability"][:, 1]
        print(
            f"{row['entrant']}: AUROC {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}];"
            f" lenses called lenses {shares(said[lens] > 0.5)};"
            f" galaxies called lenses {shares(said[~lens] > 0.5)}"
        )
        first = said if first is None else first
    order = np.argsort(-first)
    lines = -(-len(order) // COLUMNS)
    figure, axes = plt.subplots(lines, COLUMNS, figsize=(COLUMNS * 0.6, lines * 0.68))
    for axis in axes.flat[len(order) :]:
        axis.set_axis_off()
    for axis, at in zip(axes.flat, order, strict=False):
        pixels = np.arcsinh(images["images"][at, 0] / 3)
        axis.imshow(pixels, cmap="gray", vmin=-0.5, vmax=np.percentile(pixels, 99.7))
        colour = "tab:orange" if lens[at] else "tab:blue"
        axis.set(xticks=[], yticks=[])
        axis.set_title(f"{first[at]:.2f}", fontsize=6, pad=2)
        for spine in axis.spines.values():
            spine.set(color=colour, linewidth=2)
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.975, 0.04, 0.2)
    save(figure, out)


def save(figure: plt.Figure, out: Path) -> None:
    """A small file of a figure."""
    figure.savefig(out, dpi=90)
    Image.open(out).convert("RGB").quantize(48, method=Image.Quantize.FASTOCTREE).save(
        out, optimize=True
    )


def print_radii(store: Store) -> None:
    """Every Einstein radius, measured and published, in arcsec on the shrunk image."""
    rows = real_rows(store, "regression", "rmse_theta_E")
    images = map_arrays(found(store, "images", rows["images"][0]))
    truth, names = images["theta_E"], images["scene"]
    table = {"image": [name.decode() for name in names], "published": truth.round(2)}
    for row in rows.iter_rows(named=True):
        _, answers = read_predictions(found(store, "predictions", row["predictions"]))
        table[row["entrant"]] = answers["mean"][:, 0].round(2)
        print(row["entrant"], f"RMSE {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]")
    with pl.Config(tbl_rows=-1, fmt_str_lengths=60):
        print(pl.DataFrame(table).filter(pl.col("published").is_finite()))


def spread(values: np.ndarray) -> str:
    """A mean with its 95 % interval."""
    interval = mean_interval(values, 2000, 0)
    return f"{interval.value:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


def print_skies(store: Store) -> None:
    """PSNR by kind of image."""
    rows = real_rows(store, "superres", "psnr")
    lens = map_arrays(found(store, "images", rows["images"][0]))["lens"].astype(bool)
    files = sorted((store.root / "scores").glob("*.parquet"))
    scores = pl.concat([pl.read_parquet(file) for file in files]).filter(metric="psnr")
    for row in rows.iter_rows(named=True):
        values = np.asarray(scores.filter(cell=row["cell"])["values"][0])
        print(
            row["entrant"],
            f"PSNR {row['value']:.2f} [{row['low']:.2f}, {row['high']:.2f}] dB,"
            f" n {row['n']}; worst {values.min():.1f}, best {values.max():.1f};"
            f" lenses {spread(values[lens])}, galaxies {spread(values[~lens])}",
        )


def draw_skies(store: Store, out: Path) -> None:
    """What was seen, what the network answers, and the image's own pixels, of every image."""
    rows = real_rows(store, "superres", "psnr")
    row = rows.filter(pl.col("encoder") == "mae-vit").row(0, named=True)
    images = map_arrays(found(store, "images", row["images"]))
    _, answers = read_predictions(found(store, "predictions", row["predictions"]))
    truth = map_arrays(found(store, "skies", row["truth"]))
    seen, said, own = images["images"][:, 0], answers["sky"][:, 0], truth["sky"][:, 0]
    lines = -(-len(seen) // TRIPLES)
    figure, axes = plt.subplots(lines, 3 * TRIPLES, figsize=(TRIPLES * 1.4, lines * 0.48))
    for axis in axes.flat:
        axis.set_axis_off()
    for at in range(len(seen)):
        known = np.isfinite(own[at])
        (top, bottom), (left, right) = (np.flatnonzero(known.any(axis))[[0, -1]] for axis in (1, 0))
        fine = slice(top, bottom + 1), slice(left, right + 1)
        coarse = slice(top // 2, bottom // 2 + 1), slice(left // 2, right // 2 + 1)
        brightest = max(1.0, float(np.nanpercentile(np.arcsinh(own[at] / 3), 99.7)))
        parts = (seen[at][coarse], said[at][fine], own[at][fine])
        for axis, pixels in zip(axes.flat[3 * at :], parts, strict=False):
            axis.imshow(np.arcsinh(pixels / 3), cmap="gray", vmin=-0.5, vmax=brightest)
    figure.subplots_adjust(0.002, 0.002, 0.998, 0.998, 0.02, 0.03)
    save(figure, out)


if __name__ == "__main__":
    kept = open_store(sys.argv[1])
    draw_finding(kept, Path(sys.argv[2]))
    draw_skies(kept, Path(sys.argv[3]))
    for report in (print_radii, print_skies):
        try:
            report(kept)
        except IndexError:
            print(f"{report.__name__}: no such sweep in the store")
