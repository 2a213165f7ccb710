"""Anomaly detection: what was never trained on should stand out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from lensbench import Predictions, Samples, Task
from lensbench_reference.tasks.classes import Ranking, class_auroc, labels_of
from lensbench_reference.tasks.curves import auroc, average_precision, threshold_counts
from lensbench_reference.tasks.operating import RankedSamples, operating_metrics
from lensbench_reference.tasks.resampling import resampled_metric

_TARGET, _NORMAL = "substructure", "no_sub"
_ANOMALOUS = ("cdm", "vortex", "uldm")


class Anomaly(Task):
    """Scores how anomalous an image is, after training on images of one class alone.

    By default these are lenses without substructure; `normal` names any class of a dataset, and
    `target` the class target that has it.

    After Alexander et al. 2020 (arXiv:2008.12731). There is no head to train, for labels of
    anomalies are never seen; transfers and baselines that name the task give a `score`.
    """

    predicts = "scores"
    needs_maps = False
    trainable = False

    @dataclass(frozen=True)
    class Options:
        """Options of `anomaly`: the class that is normal, and the target that has it."""

        normal: str = _NORMAL
        target: str = ""

    def __init__(self, options: Options) -> None:
        target = options.target or (_TARGET if options.normal == _NORMAL else "class")
        self.targets = (target,)
        self.normal = (target, options.normal)
        self.metrics = (
            resampled_metric("auroc", partial(_all, self.normal, auroc), chance=0.5, scale="logit"),
            resampled_metric(
                "pr_auc", partial(_all, self.normal, average_precision), scale="logit"
            ),
            *operating_metrics(partial(_ranked, self.normal), ("0.1", "1e-2")),
            *(
                class_auroc(_TARGET, name, lambda given, which: _scores(given), _NORMAL)
                for name in (_ANOMALOUS if target == _TARGET else ())
            ),
        )


def _ranked(
    kind: tuple[str, str], predictions: Predictions | None, samples: Samples
) -> RankedSamples:
    """Scores with what is anomalous and what is normal: the target and the class of `kind`."""
    target, name = kind
    normal = labels_of(samples, target) == samples.info[target].classes.index(name)
    score = np.zeros(len(normal)) if predictions is None else _scores(predictions)
    return RankedSamples(score, ~normal, normal)


def _all(
    kind: tuple[str, str],
    metric: Ranking,
    predictions: Predictions,
    samples: Samples,
    indices: np.ndarray,
) -> np.ndarray:
    """A metric of all anomalies against what is normal."""
    ranked = _ranked(kind, predictions, samples)
    return metric(threshold_counts(ranked.score, ranked.positive, ranked.negative, indices))


def _scores(predictions: Predictions) -> np.ndarray:
    return np.asarray(predictions["score"])
