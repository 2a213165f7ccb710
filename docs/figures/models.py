"""Draws models.png of the page on the foundation models, and makes the table of that page.

Run from the root of the checkout: `python docs/figures/models.py`. Scores and limits are those of
`leaderboards/pedagogical`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl
import tables
from explanation import BLUE, GREY, ORANGE, plain

from lensbench.leaderboard.seeds import over_seeds

FOLDER = Path(__file__).parent
BOARD = FOLDER.parents[1] / "leaderboards" / "pedagogical"
CONDITIONS = {
    "euclid-vis": "Euclid\n(trained on)",
    "hst-acs": "Hubble",
    "psf@2": "Euclid,\nPSF twice\nas wide",
    "depth@3": "Euclid,\nexposure\nof an eighth",
    "rubin-r": "Rubin,\nten years",
}
WEIGHTS = "weights=lensbench-cnn-long"
BOTH = f"residual:apart=yes,encoder=small-resnet:{WEIGHTS},statistics=yes,view=0.1"
CNN = "small-resnet:view=0.1"
SURVEY = f"{CNN},weights=lensbench-cnn-survey"
ENTRANTS = {
    f"{BOTH} + none + ridge": ("lens fit, and `lensbench-cnn-long`", "black", "P"),
    "symmetric:encoder=lensbench-cnn-long + none + ridge": (
        "`lensbench-cnn-long`, eight turns",
        "#7a3b00",
        "H",
    ),
    f"{SURVEY} + none + ridge": ("`lensbench-cnn-survey`", "#d9a400", "*"),
    f"{CNN},{WEIGHTS} + none + ridge": ("`lensbench-cnn-long`", ORANGE, "s"),
    "lens-model": ("lens fit", BLUE, "o"),
    "mae-vit + none + ridge": ("`lensbench-tiny`", "#3a8f4d", "D"),
    f"{CNN} + none + scratch:precision=bf16": ("from scratch", "#b03a5b", "X"),
    f"{CNN},width=32 + none + ridge": ("random weights", GREY, "v"),
    "spectrum + none + ridge": ("hand-made features", "#8a6fb0", "^"),
}
"""Entrants with their names, colours and markers."""
NAMES = {entrant: name for entrant, (name, _, _) in ENTRANTS.items()}
UNLABELLED = {
    "mae-vit + none + ridge": "`lensbench-tiny`",
    "mae-vit:size=micro + none + ridge": "same, random weights",
    "rings + none + ridge": "its rings alone",
    "spectrum + none + ridge": "hand-made features",
    "ring-radius": "radius of the ring's light",
    f"{CNN},{WEIGHTS} + none + ridge": "`lensbench-cnn-long`, pretrained on labels",
    "lens-model": "lens fit",
}
"""Entrants with their names, for the page on the model that was pretrained without labels."""
METRICS = {"morphology": ("auroc", 3), "regression": ("error_68_theta_E", 4)}
"""Of each task the metric that ranks, and how many decimals it has here."""


def rows(
    task: str, labels: int | None, entrants: Iterable[str] = ENTRANTS
) -> dict[tuple[str, str], dict]:
    """Entrant and condition → mean over draws with its interval; 1,000 labels are all."""
    metric, _ = METRICS[task]
    count = pl.col("labels").is_null() if labels is None else pl.col("labels") == labels
    chosen = (
        pl.read_parquet(BOARD / "records.parquet")
        .filter(pl.col("task").str.starts_with(task), pl.col("metric") == metric)
        .filter(count, pl.col("state") == "done", pl.col("entrant").is_in(list(entrants)))
    )
    found = over_seeds(chosen).iter_rows(named=True)
    return {(row["entrant"], row["test_condition"]): row for row in found}


def table(task: str, labels: int | None, names: Mapping[str, str] = NAMES) -> str:
    """Entrants, under these names, by conditions."""
    found, digits = rows(task, labels, names), METRICS[task][1]
    lines = []
    for entrant, name in names.items():
        cells = [found.get((entrant, condition)) for condition in CONDITIONS]
        if None in cells:
            continue
        values = (
            f"{row['value']:.{digits}f} ± {row['value'] - row['low']:.{digits}f}" for row in cells
        )
        lines.append([name, *values])
    return tables.joined(["", *(f"`{name}`" for name in CONDITIONS)], lines)


def draw() -> None:
    """Writes models.png beside this file."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    places, limits = np.arange(len(CONDITIONS)), pl.read_parquet(BOARD / "limits.parquet")
    figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    for axis, task in zip(axes, METRICS, strict=True):
        found = rows(task, None)
        for number, (entrant, (name, colour, marker)) in enumerate(ENTRANTS.items()):
            cells = [found.get((entrant, condition)) for condition in CONDITIONS]
            if None in cells:
                continue
            value, low, high = ([cell[key] for cell in cells] for key in ("value", "low", "high"))
            sides = np.subtract(value, low), np.subtract(high, value)
            at = places + 0.85 / len(ENTRANTS) * (number - (len(ENTRANTS) - 1) / 2)
            axis.errorbar(
                at,
                value,
                sides,
                fmt=marker,
                color=colour,
                ms=5,
                capsize=2,
                label=name.replace("`", ""),
            )
        column = "bound" if task == "morphology" else "reference"
        known = limits.filter(
            pl.col("task").str.starts_with(task), pl.col("metric") == METRICS[task][0]
        )
        values = dict(known.select("test_condition", column).iter_rows())
        told = "upper bound of all methods" if task == "morphology" else "local reference"
        for place, condition in zip(places, CONDITIONS, strict=True):
            if values.get(condition) is not None:
                axis.hlines(
                    values[condition],
                    place - 0.45,
                    place + 0.45,
                    color="black",
                    lw=1.5,
                    label=told if not place else None,
                )
        axis.set_xticks(places, list(CONDITIONS.values()), fontsize=9)
        plain(axis)
    axes[0].axhline(0.5, color=GREY, lw=1, ls="--")
    axes[0].annotate("chance", (-0.45, 0.48), fontsize=9, color=GREY)
    axes[0].set_ylim(0.43, 1.03)
    axes[0].set_ylabel("which substructure? AUROC, higher is better")
    axes[1].set_yscale("log")
    axes[1].set_ylabel("Einstein radius: 68 % of errors are below ... [arcsec]")
    figure.legend(
        *axes[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=9,
    )
    figure.savefig(FOLDER / "models.png", dpi=110, pil_kwargs={"optimize": True})
    plt.close(figure)


if __name__ == "__main__":
    draw()
