"""Transfers of this package."""

from __future__ import annotations

from lensbench import Entry

_HERE = "lensbench_reference.transfers"

_CLASSES = ("finding", "morphology")

ENTRIES = [
    Entry(
        "adamatch",
        f"{_HERE}.adamatch:AdaMatch",
        summary="Adapts to unlabelled images by labels of its own, where it is sure.",
        citation="Berthelot et al. 2021, arXiv:2106.04732; Alexander et al. 2021, arXiv:2112.12121",
        licence="MIT",
        tasks=_CLASSES,
    ),
    Entry(
        "adda",
        f"{_HERE}.adda:AdversarialAdaptation",
        summary="Adapts to unlabelled images against a discriminator of features.",
        citation="Tzeng et al. 2017, arXiv:1702.05464; Alexander et al. 2021, arXiv:2112.12121",
        licence="MIT",
        tasks=_CLASSES,
    ),
    Entry(
        "finetune",
        f"{_HERE}.finetune:FineTune",
        summary="Trains encoder and head together.",
        licence="MIT",
    ),
    Entry(
        "linear",
        f"{_HERE}.linear:LinearProbe",
        summary="Trains the head on a frozen encoder.",
        citation="Alain & Bengio 2016, arXiv:1610.01644",
        licence="MIT",
    ),
    Entry(
        "self-ensemble",
        f"{_HERE}.self_ensemble:SelfEnsemble",
        summary="Adapts to unlabelled images by agreeing with the mean of its past.",
        citation="French et al. 2018, arXiv:1706.05208; Alexander et al. 2021, arXiv:2112.12121",
        licence="MIT",
        tasks=_CLASSES,
    ),
]
