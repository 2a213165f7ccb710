"""Anomaly detection: what was never trained on is to stand out."""

from __future__ import annotations

from functools import partial

import numpy as np

from lensbench import Predictions, Samples, SkyTarget
from lensbench_reference.tasks.classes import Ranking, labels_of
from lensbench_reference.tasks.curves import (
    auroc,
    average_precision,
    threshold_counts,
    true_positive_rate,
)
from lensbench_reference.tasks.resampling import resampled_metric

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
            resampled_metric("auroc", partial(_all, auroc), chance=0.5),
            resampled_metric("pr_auc", partial(_all, average_precision)),
            *(
                resampled_metric(
                    f"tpr_at_fpr_{text}",
                    partial(_all, partial(true_positive_rate, false_rate=float(text))),
                )
                for text in ("0.1", "1e-2")
            ),
            *(
                resampled_metric(f"auroc_{name}", partial(_against, name), chance=0.5)
                for name in _STRANGE
            ),
        )


def _all(
    figure: Ranking, predictions: Predictions, samples: Samples, indices: np.ndarray
) -> np.ndarray:
    """A figure of all that is strange against what is normal."""
    normal = labels_of(samples, _TARGET) == samples.info[_TARGET].classes.index(_NORMAL)
    return figure(threshold_counts(_scores(predictions), ~normal, normal, indices))


def _against(
    name: str, predictions: Predictions, samples: Samples, indices: np.ndarray
) -> np.ndarray:
    """AUROC of one class against what is normal; the others are left out."""
    classes = samples.info[_TARGET].classes
    if name not in classes:
        raise NotImplementedError(f"this dataset has no class {name!r}")
    labels = labels_of(samples, _TARGET)
    strange, normal = labels == classes.index(name), labels == classes.index(_NORMAL)
    return auroc(threshold_counts(_scores(predictions), strange, normal, indices))


def _scores(predictions: Predictions) -> np.ndarray:
    return np.asarray(predictions["score"])
