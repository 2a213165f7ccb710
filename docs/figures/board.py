"""Tables and figures of the reference leaderboard, from its records alone.

Run from the root of the checkout, `python docs/figures/board.py` draws `labels.png` beside
this file; pages call `by_labels` and `by_condition` for their tables.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from lensbench.leaderboard.seeds import over_seeds

FOLDER = Path(__file__).parent
BOARD = FOLDER.parents[1] / "leaderboards" / "reference"
TRAINED = "euclid-vis"
UNSEEN = ("hst-acs", "jwst-nircam-f150w", "depth@3", "psf@2")
"""Conditions that the shipped model was not pretrained on."""

PRIMARY = {
    "regression": "rmse_theta_E",
    "morphology": "auroc",
    "finding": "auroc",
    "anomaly": "auroc",
}
ALL = 10_000
"""Labelled scenes of its budget."""

TITLES = {
    "regression": "Einstein radius, RMSE [arcsec]",
    "morphology": "substructure, AUROC",
    "finding": "lens or look-alike, AUROC",
    "anomaly": "substructure without labels, AUROC",
}
SHOWN = {
    "mae-vit + none + linear": ("lensbench-tiny, linear", "C3", "-"),
    "mae-vit + none + finetune": ("lensbench-tiny, fine-tuned", "C3", "--"),
    "mae-vit:size=micro + none + linear": ("same, random weights, linear", "C1", "-"),
    "mae-vit:size=micro + none + finetune": ("same, from scratch", "C1", "--"),
    "resnet18 + none + finetune": ("resnet18, supervised", "C0", "--"),
    "spectrum + none + linear": ("hand-made features, linear", "C2", "-"),
    "spectrum-logreg": ("spectrum, logistic regression", "0.3", ":"),
    "ring-radius": ("radius of the ring's light", "0.3", ":"),
}
"""Of the figures: entrants with their names, colours and lines."""


def scores(board: Path = BOARD) -> pl.DataFrame:
    """Primary scores of a board, a row an entrant, task, condition and number of labels."""
    records = pl.read_parquet(board / "records.parquet" if board.is_dir() else board)
    task = pl.col("task").str.split(":").list.first()
    primary = task.replace_strict(PRIMARY, default="")
    rows = over_seeds(records.filter((pl.col("metric") == primary) & (pl.col("state") == "done")))
    return rows.with_columns(task.alias("kind"))


def by_labels(rows: pl.DataFrame, kind: str, condition: str = TRAINED) -> str:
    """A table of a task under one condition: entrants by numbers of labels, best first."""
    chosen = rows.filter((pl.col("kind") == kind) & (pl.col("test_condition") == condition))
    counts = sorted(chosen["labels"].unique(), key=lambda n: (n is None, n))
    return _table(chosen, "labels", counts, lambda n: "all" if n is None else f"{n:,}")


def by_condition(rows: pl.DataFrame, kind: str, labels: int | None) -> str:
    """A table of a task with so many labels: entrants by conditions, best first."""
    count = pl.col("labels").is_null() if labels is None else pl.col("labels") == labels
    chosen = rows.filter((pl.col("kind") == kind) & count)
    found = list(dict.fromkeys(chosen["test_condition"]))
    return _table(chosen, "test_condition", found, lambda name: f"`{name}`")


def summary(rows: pl.DataFrame, labels: int = 1000, condition: str = TRAINED) -> str:
    """A table of the entrants of the figures by tasks, with so many labels, under one condition."""
    kinds = [kind for kind in TITLES if kind != "anomaly"]
    here = rows.filter((pl.col("test_condition") == condition) & (pl.col("labels") == labels))
    found = {(r["entrant"], r["kind"]): r for r in here.iter_rows(named=True)}
    lines = [
        "| entrant | " + " | ".join(TITLES[kind] for kind in kinds) + " |",
        "|---|---|---|---|",
    ]
    for entrant, (name, _, _) in SHOWN.items():
        cells = [_cell(found.get((entrant, kind))) for kind in kinds]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _table(rows: pl.DataFrame, column: str, values: list, title) -> str:
    higher = bool(rows["higher_is_better"][0])
    found = {(r["entrant"], r[column]): r for r in rows.iter_rows(named=True)}
    entrants = {r["entrant"] for r in rows.iter_rows(named=True)}

    def order(entrant: str) -> tuple[bool, float]:
        last = [found[entrant, v]["value"] for v in values if (entrant, v) in found]
        return ((entrant, values[-1]) not in found, -last[-1] if higher else last[-1])

    lines = [
        "| entrant | " + " | ".join(map(title, values)) + " |",
        "|---" * (len(values) + 1) + "|",
    ]
    for entrant in sorted(entrants, key=order):
        cells = [_cell(found.get((entrant, value))) for value in values]
        lines.append(f"| `{entrant}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(row: dict | None) -> str:
    if row is None or row["value"] is None:
        return "–"
    if row["metric"].startswith("rmse"):  # of which no interval holds
        return f"{row['value']:.4f}"
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def draw(rows: pl.DataFrame) -> None:
    """Scores by labels: under the condition that was trained under, and under unseen ones."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    kinds = ("regression", "morphology", "finding")
    figure, axes = plt.subplots(2, 3, figsize=(13, 8), sharex=True, constrained_layout=True)
    places = {"under the condition of training": [TRAINED], "under unseen conditions": UNSEEN}
    for line, (place, conditions) in zip(axes, places.items(), strict=True):
        for axis, kind in zip(line, kinds, strict=True):
            chosen = rows.filter(
                (pl.col("kind") == kind) & pl.col("test_condition").is_in(list(conditions))
            )
            _curves(axis, chosen)
            axis.set_title(f"{TITLES[kind]}\n{place}", fontsize=10)
            axis.set_xscale("log")
            if kind == "regression":
                axis.set_yscale("log")
                axis.yaxis.set_major_formatter("{x:g}")
                axis.yaxis.set_minor_formatter("{x:.2g}")
            else:
                axis.axhline(0.5, color="0.7", lw=0.8)
    for axis in axes[1]:
        axis.set_xlabel("labelled scenes")
    named = {}
    for axis in axes.flat:
        named |= dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    figure.legend(named.values(), named, loc="outside lower center", ncols=4, fontsize=9)
    figure.savefig(FOLDER / "labels.png", dpi=110)
    plt.close(figure)


def _curves(axis, rows: pl.DataFrame) -> None:
    """A line an entrant, the mean over conditions; of an AUROC, the mean of the intervals' ends."""
    for entrant, (name, colour, style) in SHOWN.items():
        mean = (
            rows.filter(pl.col("entrant") == entrant)
            .with_columns(pl.col("labels").fill_null(ALL))
            .group_by("labels")
            .agg(pl.col("value", "low", "high").mean())
            .sort("labels")
        )
        if len(mean):
            x = mean["labels"]
            axis.plot(x, mean["value"], style, color=colour, marker="o", ms=4, label=name)
            if not rows["metric"][0].startswith("rmse"):
                axis.fill_between(x, mean["low"], mean["high"], color=colour, alpha=0.08, lw=0)


if __name__ == "__main__":
    draw(scores(Path(sys.argv[1]) if len(sys.argv) > 1 else BOARD))
