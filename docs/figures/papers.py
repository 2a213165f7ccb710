"""Tables of the pages on papers: scores of each class, and what each row cost."""

from __future__ import annotations

from collections.abc import Mapping

import tables

SCRATCH = " + none + scratch:precision=bf16"
NETWORKS = {
    f"equivariant{SCRATCH}": "equivariant network",
    "equivariant + none + scratch:learning_rate=0.0003,precision=bf16": "the same at 3e-4",
    f"resnet18{SCRATCH}": "ResNet-18",
    f"small-resnet{SCRATCH}": "`small-resnet`",
    "shape-boosting": "`shape-boosting`",
    "spectrum-logreg": "`spectrum-logreg`",
}
CLASSES = {
    "auroc_no_sub": "none",
    "auroc_cdm": "subhaloes",
    "auroc_vortex": "vortex",
    "auroc": "mean",
}
OUTPUT = "morphology-1909.07346.txt"


def supervised(model: str) -> str:
    """AUROC by class on a model of DeepLense as released, with the minutes that each row took."""
    title = f"morphology on lenses:population=deeplense-{model}-faithful.*"
    found = {name: tables.read(OUTPUT, f"{title}: {name},") for name in CLASSES}
    lines = []
    for entrant, label in NETWORKS.items():
        if entrant not in found["auroc"]:
            continue
        rows = [of_metric[entrant] for of_metric in found.values()]
        scores = [row["euclid-vis"] for row in rows]
        lines.append([label, *scores, minutes(rows[0]), rows[0].get("training", "–")])
    return tables.joined(["AUROC", *CLASSES.values(), "minutes", "training"], lines)


def corrected() -> str:
    """Mean AUROC after a short training where lens and source vary, a column a model."""
    labels = {
        "equivariant + none + finetune": "equivariant network",
        "resnet18 + none + finetune": "ResNet-18",
        "shape-boosting": "`shape-boosting`",
        "spectrum-logreg": "`spectrum-logreg`",
    }
    found = [
        tables.read("morphology-corrected.txt", f"morphology on lenses:population=deeplense-{one},")
        for one in ("i", "ii")
    ]
    rows = [[label, *(one[name]["euclid-vis"] for one in found)] for name, label in labels.items()]
    return tables.joined(["mean AUROC", "Model I, corrected", "Model II, corrected"], rows)


def minutes(row: Mapping[str, str]) -> str:
    """Minutes of one process for pretraining, fit and predictions of a row."""
    return f"{float(row['seconds'].replace(',', '')) / 60:.1f}"
