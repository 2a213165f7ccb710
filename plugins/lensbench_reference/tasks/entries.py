"""Tasks of this package."""

from __future__ import annotations

from lensbench import Entry

_HERE = "lensbench_reference.tasks"

ENTRIES = [
    Entry(
        "anomaly",
        f"{_HERE}.anomaly:Anomaly",
        summary="How anomalous a lens is, after training on lenses without substructure.",
        citation="Alexander et al. 2020, arXiv:2008.12731",
        licence="MIT",
    ),
    Entry(
        "classification",
        f"{_HERE}.classification:Classification",
        summary="Any classes that a dataset has, by their own names.",
        licence="MIT",
    ),
    Entry(
        "denoising",
        f"{_HERE}.denoising:Denoising",
        summary="The same image without its noise.",
        licence="MIT",
    ),
    Entry(
        "finding",
        f"{_HERE}.finding:Finding",
        summary="Distinguishes lenses from galaxies that look like them.",
        citation="Metcalf et al. 2019, arXiv:1802.03609",
        licence="MIT",
    ),
    Entry(
        "morphology",
        f"{_HERE}.morphology:Morphology",
        summary="Which substructure: none, cold dark matter subhaloes or a vortex.",
        citation="Alexander et al. 2019, arXiv:1909.07346",
        licence="MIT",
    ),
    Entry(
        "regression",
        f"{_HERE}.regression:Regression",
        summary="Einstein radius, shape, shear, source or substructure, with stated errors.",
        citation="Hezaveh et al. 2017, arXiv:1708.08842; "
        "Perreault Levasseur et al. 2017, arXiv:1708.08843",
        licence="MIT",
    ),
    Entry(
        "superres",
        f"{_HERE}.superres:SuperResolution",
        summary="The noise-free image of a sharper instrument, in pixels of 0.05 arcsec.",
        licence="MIT",
    ),
]
