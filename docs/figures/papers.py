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


def anomalies() -> str:
    """AUROC of detectors that learn from normal images, a column a model as released."""
    reconstruction = {
        "aae:width=16 + adversarial:precision=bf16": "adversarial autoencoder",
        "vae:width=16 + autoencoding:precision=bf16": "variational autoencoder",
        "dcae:width=16 + autoencoding:precision=bf16": "convolutional autoencoder",
        "rbm + contrastive-divergence": "restricted Boltzmann machine",
    }
    labels = {f"{name} + reconstruction": label for name, label in reconstruction.items()}
    labels["ocsvm"] = "one-class SVM"
    labels |= {
        f"{name} + mahalanobis": f"{label}, distance of features"
        for name, label in reconstruction.items()
    }
    labels["pca-residual"] = "`pca-residual`"
    labels["spectrum + none + mahalanobis"] = "`spectrum`, distance of features"
    found = [
        tables.read("anomaly-2008.12731.txt", f"anomaly on lenses:population=deeplense-{one}-")
        for one in ("i", "ii")
    ]
    rows = [
        [label, *(one[name]["euclid-vis"] for one in found), minutes(found[0][name])]
        for name, label in labels.items()
    ]
    return tables.joined(["AUROC", "Model I", "Model II", "minutes"], rows)


def adapted() -> str:
    """AUROC and accuracy on source and target after each way of adapting to the target."""
    network = "small-resnet + none + "
    onto = ", adapted to lenses:population=deeplense-i-faithful euclid-vis"
    labels = {
        f"{network}finetune": "none",
        f"{network}adabn:batch_size=64{onto}": "`adabn`",
        f"{network}adda:batch_size=64{onto}": "ADDA",
        f"{network}adamatch:ratio=1{onto}": "AdaMatch",
        f"{network}self-ensemble{onto}": "self-ensembling",
        "spectrum-logreg": "`spectrum-logreg`",
        "shape-boosting": "`shape-boosting`",
    }
    tests = {"target": "lenses:population=deeplense-i-faithful", "source": "its test split"}
    found = {
        f"{metric} on the {name}": tables.read(
            "adaptation-converged.txt", f"morphology.*, tested on {test},.*: {short},"
        )
        for name, test in tests.items()
        for metric, short in (("AUROC", "auroc"), ("accuracy", "accuracy"))
    }
    rows = [
        [
            label,
            *(one[name]["euclid-vis"] for one in found.values()),
            minutes(next(iter(found.values()))[name]),
        ]
        for name, label in labels.items()
    ]
    return tables.joined(["adaptation", *found, "minutes"], rows)


def minutes(row: Mapping[str, str]) -> str:
    """Minutes of one process for pretraining, fit and predictions of a row."""
    return f"{float(row['seconds'].replace(',', '')) / 60:.1f}"
