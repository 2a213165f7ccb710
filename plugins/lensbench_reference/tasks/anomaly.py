"""Anomaly detection: what was never trained on is to stand out."""

from __future__ import annotations

from functools import partial

import numpy as np

from lensbench import Metric, Predictions, Samples, SkyTarget
from lensbench_reference.tasks.classes import Ranking, labels_of
from lensbench_reference.tasks.curves import auroc, average_precision, true_positive_rate

_TARGET, _NORMAL = "substructure", "no_sub"
_STRANGE = ("cdm", "vortex", "uldm")


class Anomaly:
    """Scores how strange a lens is, trained on lenses without substructure alone.

    After Alexander et al. 2020 (arXiv:2008.12731). There is no head to train: labels of what is
    strange are never seen, and transfers and baselines that name the task give a `score`.
    """

    version = "1"
    targets = (_TARGET,)
    sky: SkyTarget | None = None
    needs_maps = False
    normal = (_TARGET, _NORMAL)
    trainable = False

    def __init__(self) -> None:
        self.metrics = (
            Metric("auroc", partial(_all, auroc), chance=0.5),
            Metric("pr_auc", partial(_all, average_precision)),
            Metric("tpr_at_fpr_0.1", partial(_all, partial(true_positive_rate, false_rate=0.1))),
            Metric("tpr_at_fpr_1e-2", partial(_all, partial(true_positive_rate, false_rate=1e-2))),
            *(Metric(f"auroc_{name}", partial(_against, name), chance=0.5) for name in _STRANGE),
        )


def _all(figure: Ranking, predictions: Predictions, samples: Samples) -> float:
    """A figure of all that is strange against what is normal."""
    normal = samples.info[_TARGET].classes.index(_NORMAL)
    return float(figure(_scores(predictions), labels_of(samples, _TARGET) != normal))


def _against(name: str, predictions: Predictions, samples: Samples) -> float:
    """AUROC of one class against what is normal; the others are left out."""
    classes = samples.info[_TARGET].classes
    if name not in classes:
        raise NotImplementedError(f"this dataset has no class {name!r}")
    labels, strange = labels_of(samples, _TARGET), classes.index(name)
    chosen = (labels == strange) | (labels == classes.index(_NORMAL))
    if not chosen.any():
        return float("nan")
    return auroc(_scores(predictions)[chosen], labels[chosen] == strange)


def _scores(predictions: Predictions) -> np.ndarray:
    return np.asarray(predictions["score"])
