"""Tasks of this package."""

from __future__ import annotations

from lensbench import Entry

_HERE = "lensbench_reference.tasks"

ENTRIES = [
    Entry(
        "morphology",
        f"{_HERE}.morphology:Morphology",
        summary="Which substructure: none, cold dark matter subhaloes or a vortex.",
        citation="Alexander et al. 2019, arXiv:1909.07346",
        licence="MIT",
    ),
    Entry(
        "superres",
        f"{_HERE}.superres:SuperResolution",
        summary="The noise-free image of a sharper instrument, at twice the sampling.",
        licence="MIT",
    ),
]
