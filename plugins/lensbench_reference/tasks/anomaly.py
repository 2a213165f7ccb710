"""Anomaly detection: what was never trained on should stand out."""

from __future__ import annotations

from functools import partial

import numpy as np

from lensbench import Predictions, Samples, Task
from lensbench_reference.tasks.classes import Ranking, labels_of
from lensbench_reference.tasks.curves import auroc, average_precision, threshold_counts
from lensbench_reference.tasks.operating import Ranked, operating_metrics
from lensbench_reference.tasks.resampling import resampled_metric

_TARGET, _NORMAL = "substructure", "no_sub"
_ANOMALOUS = ("cdm", "vortex", "uldm")


class Anomaly(Task):
    """Scores how anomalous a lens is, after training on lenses without substructure alone.

    After Alexander et al. 2020 (arXiv:2008.12731). There is no head to train, for labels of
    anomalies are never seen; transfers and baselines that name the task give a `score`.
    """

    predicts = "scores"
    targets = (_TARGET,)
    needs_maps = False
    normal = (_TARGET, _NORMAL)
    trainable = False

    def __init__(self) -> None:
        self.metrics = (
            resampled_metric("auroc", partial(_all, auroc), chance=0.5),
            resampled_metric("pr_auc", partial(_all, average_precision)),
            *operating_metrics(_ranked, ("0.1", "1e-2")),
            *(
                resampled_metric(f"auroc_{name}", partial(_against, name), chance=0.5)
                for name in _ANOMALOUS
            ),
        )


def _ranked(predictions: Predictions | None, samples: Samples) -> Ranked:
    normal = labels_of(samples, _TARGET) == samples.info[_TARGET].classes.index(_NORMAL)
    score = np.zeros(len(normal)) if predictions is None else _scores(predictions)
    return Ranked(score, ~normal, normal)


def _all(
    metric: Ranking, predictions: Predictions, samples: Samples, indices: np.ndarray
) -> np.ndarray:
    """A metric of all anomalies against what is normal."""
    ranked = _ranked(predictions, samples)
    return metric(threshold_counts(ranked.score, ranked.positive, ranked.negative, indices))


def _against(
    name: str, predictions: Predictions, samples: Samples, indices: np.ndarray
) -> np.ndarray:
    """AUROC of one class against what is normal; the others are left out."""
    classes = samples.info[_TARGET].classes
    if name not in classes:
        raise NotImplementedError(f"this dataset has no class {name!r}")
    labels = labels_of(samples, _TARGET)
    anomalous, normal = labels == classes.index(name), labels == classes.index(_NORMAL)
    return auroc(threshold_counts(_scores(predictions), anomalous, normal, indices))


def _scores(predictions: Predictions) -> np.ndarray:
    return np.asarray(predictions["score"])
