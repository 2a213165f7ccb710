"""How well lens fits find lenses among measured images, without labels and without training.

    lensbench measure real/lenses --out results/lenses
    lensbench measure real/quads --out results/quads
    lensbench measure real/galaxies --out results/galaxies
    python studies/measure/finding.py results

The score of an image is its gain: how much larger χ² is where the lens has no mass. Of the second
row χ² is first scaled to one a pixel, so that images whose model is poor say less. The column of
the network, `p_lens_simulated`, is scored on the same images.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score
from tabulate import tabulate

from lensbench.inference.measuring import NEEDED
from lensbench.stats.intervals import area_interval, resampled

SCORES = {
    "gain of the fit": pl.col("gain"),
    "gain, χ² scaled to one a pixel": pl.col("gain") / pl.col("chi_squared").clip(1),
    "network": pl.col("p_lens_simulated"),
}


def main(folder: Path) -> None:
    """Prints the AUROC of each score, and how many images of each kind need a lens."""
    kinds = {name: usable(folder / name) for name in ("lenses", "quads", "galaxies")}
    rows = []
    for name, score in SCORES.items():
        values = {kind: table.select(score).to_series().to_numpy() for kind, table in kinds.items()}
        row = [name]
        for positive in (("lenses",), ("lenses", "quads")):
            found = np.concatenate([values[kind] for kind in positive])
            row.append(area(found, values["galaxies"]))
        rows.append(row)
    head = ["score", "AUROC, lenses", "AUROC, lenses and quads"]
    needed = [
        f"{kind} {int((table['gain'] >= NEEDED).sum())} of {len(table)}"
        for kind, table in kinds.items()
    ]
    table = tabulate(rows, head, disable_numparse=True)
    sys.stdout.write(f"{table}\n\nImages with a gain of {NEEDED:g} or more: {', '.join(needed)}.\n")


def usable(folder: Path) -> pl.DataFrame:
    """The objects of a folder of results that could be measured."""
    return pl.read_parquet(folder / "objects.parquet").filter(pl.col("error") == "")


def area(found: np.ndarray, others: np.ndarray) -> str:
    """Area under the ROC curve, with its 95 % interval over images."""
    truth = np.repeat([1, 0], [len(found), len(others)])
    scores = np.concatenate([found, others])

    def of(chosen: np.ndarray) -> float:
        both = 0 < truth[chosen].sum() < len(chosen)
        return float(roc_auc_score(truth[chosen], scores[chosen])) if both else math.nan

    n = len(truth)
    one = area_interval(of(np.arange(n)), resampled(of, n, 1000, 0), n)
    if math.isnan(one.low):
        return f"{one.value:.3f} (no interval)"
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
