"""Pretraining strategies of this package."""

from __future__ import annotations

from lensbench import Entry

_HERE = "lensbench_reference.pretraining"

ENTRIES = [
    Entry(
        "mae",
        f"{_HERE}.mae:MaskedAutoencoding",
        summary="Reconstructs hidden patches from the visible ones.",
        citation="He et al. 2021, arXiv:2111.06377",
        licence="MIT",
    ),
    Entry(
        "none",
        f"{_HERE}.none:NoPretraining",
        summary="Random initial weights.",
        licence="MIT",
    ),
    Entry(
        "simclr",
        f"{_HERE}.simclr:SimCLR",
        summary="Contrasts two views of an image with the other images of a batch.",
        citation="Chen et al. 2020, arXiv:2002.05709",
        licence="MIT",
    ),
    Entry(
        "supervised",
        f"{_HERE}.supervised:SupervisedPretraining",
        summary="Learns one target of other scenes, the substructure class by default.",
        citation="Alexander et al. 2019, arXiv:1909.07346",
        licence="MIT",
    ),
]
