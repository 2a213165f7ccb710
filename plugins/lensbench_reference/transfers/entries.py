"""Transfers of this package."""

from __future__ import annotations

from lensbench import Entry

_HERE = "lensbench_reference.transfers"

_CLASSES = ("classification", "finding", "morphology")

ENTRIES = [
    Entry(
        "adabn",
        f"{_HERE}.adabn:AdaptiveNormalisation",
        summary="Trains on the source; batch normalisation takes its statistics from the target.",
        citation="Li et al. 2016, arXiv:1603.04779",
        licence="MIT",
        tasks=_CLASSES,
    ),
    Entry(
        "adamatch",
        f"{_HERE}.adamatch:AdaMatch",
        summary="Adapts to unlabelled images by confident pseudo-labels.",
        citation="Berthelot et al. 2021, arXiv:2106.04732; Alexander et al. 2021, arXiv:2112.12121",
        licence="MIT",
        tasks=_CLASSES,
    ),
    Entry(
        "adda",
        f"{_HERE}.adda:AdversarialAdaptation",
        summary="Adapts to unlabelled images until a discriminator cannot tell the features apart.",
        citation="Tzeng et al. 2017, arXiv:1702.05464; Alexander et al. 2021, arXiv:2112.12121",
        licence="MIT",
        tasks=_CLASSES,
    ),
    Entry(
        "dora",
        f"{_HERE}.lora:WeightDecomposedAdaptation",
        summary="As lora, with lengths and directions of weights trained apart.",
        citation="Liu et al. 2024, arXiv:2402.09353",
        licence="MIT",
    ),
    Entry(
        "finetune",
        f"{_HERE}.finetune:FineTune",
        summary="Trains encoder and head together.",
        licence="MIT",
    ),
    Entry(
        "knn",
        f"{_HERE}.knn:NearestNeighbours",
        summary="The nearest training images vote, on a frozen encoder.",
        citation="Cover & Hart 1967, doi:10.1109/TIT.1967.1053964; "
        "Wu et al. 2018, arXiv:1805.01978",
        licence="MIT",
        tasks=(*_CLASSES, "regression"),
    ),
    Entry(
        "knn-distance",
        f"{_HERE}.outliers:NeighbourDistance",
        summary="Distance to the k-th nearest normal image, on a frozen encoder.",
        citation="Ramaswamy et al. 2000, doi:10.1145/342009.335437; "
        "Sun et al. 2022, arXiv:2204.06507",
        licence="MIT",
        tasks=("anomaly",),
    ),
    Entry(
        "linear",
        f"{_HERE}.linear:LinearProbe",
        summary="Trains the head on a frozen encoder.",
        citation="Alain & Bengio 2016, arXiv:1610.01644",
        licence="MIT",
    ),
    Entry(
        "lora",
        f"{_HERE}.lora:LowRankAdaptation",
        summary="Trains the head and low-rank updates of a frozen encoder's weights.",
        citation="Hu et al. 2021, arXiv:2106.09685",
        licence="MIT",
    ),
    Entry(
        "mahalanobis",
        f"{_HERE}.outliers:Mahalanobis",
        summary="Distance from normal images in units of their covariance, on a frozen encoder.",
        citation="Lee et al. 2018, arXiv:1807.03888; "
        "Ledoit & Wolf 2004, doi:10.1016/S0047-259X(03)00096-4",
        licence="MIT",
        tasks=("anomaly",),
    ),
    Entry(
        "one-class-svm",
        f"{_HERE}.outliers:OneClassMachine",
        summary="One-class SVM on the features of normal images, on a frozen encoder.",
        citation="Schölkopf et al. 2001, doi:10.1162/089976601750264965",
        licence="MIT",
        tasks=("anomaly",),
    ),
    Entry(
        "reconstruction",
        f"{_HERE}.reconstruction:Reconstruction",
        summary="Error of an encoder's reconstruction, or its free energy.",
        citation="Alexander et al. 2020, arXiv:2008.12731",
        licence="MIT",
        tasks=("anomaly",),
    ),
    Entry(
        "ridge",
        f"{_HERE}.ridge:RidgeProbe",
        summary="A linear head with a penalty chosen by cross-validation, on a frozen encoder.",
        citation="Hoerl & Kennard 1970, doi:10.1080/00401706.1970.10488634; "
        "Le Cessie & Van Houwelingen 1992, doi:10.2307/2347628",
        licence="MIT",
        tasks=(*_CLASSES, "regression"),
    ),
    Entry(
        "rslora",
        f"{_HERE}.lora:RankStabilisedAdaptation",
        summary="As lora, with a scale of updates that suits any rank.",
        citation="Kalajdzievski 2023, arXiv:2312.03732",
        licence="MIT",
    ),
    Entry(
        "scratch",
        f"{_HERE}.scratch:Scratch",
        summary="Trains encoder and head from initial weights that the seed of the fit draws.",
        licence="MIT",
    ),
    Entry(
        "self-ensemble",
        f"{_HERE}.self_ensemble:SelfEnsemble",
        summary="Adapts to unlabelled images by agreeing with a moving mean of its weights.",
        citation="French et al. 2018, arXiv:1706.05208; Alexander et al. 2021, arXiv:2112.12121",
        licence="MIT",
        tasks=_CLASSES,
    ),
]
