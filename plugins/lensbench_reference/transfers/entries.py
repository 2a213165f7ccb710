"""Transfers of this package."""

from __future__ import annotations

from lensbench import Entry

_HERE = "lensbench_reference.transfers"

ENTRIES = [
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
]
