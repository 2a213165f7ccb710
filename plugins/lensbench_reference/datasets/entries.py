"""Datasets of this package, and the conditions that are theirs alone."""

from __future__ import annotations

from lensbench import Entry

_HERE = "lensbench_reference.datasets"

ENTRIES = [
    Entry(
        "images",
        f"{_HERE}.images:Images",
        summary="Real images (FITS or .npy), degraded to test conditions.",
        licence="MIT",
        targets=("sky", "lens", "theta_E"),
    ),
    Entry(
        "lenses",
        f"{_HERE}.lenses:Lenses",
        summary="Simulated galaxy-scale lenses with and without substructure.",
        citation="after Alexander et al. 2019, arXiv:1909.07346",
        licence="MIT",
        targets=(
            "sky",
            "substructure",
            "lens",
            "theta_E",
            "lens_e1",
            "lens_e2",
            "shear_1",
            "shear_2",
            "source_x",
            "source_y",
            "f_sub",
            "vortex_half_length",
            "log10_axion_mass",
        ),
    ),
    Entry(
        "stored",
        f"{_HERE}.stored:StoredImages",
        summary="Images on disk as they are, with their classes, numbers or pairs as targets.",
        licence="MIT",
        targets=("class", "lens", "sky", "substructure"),
        conditions=("as-stored",),
    ),
]

CONDITIONS = [
    Entry(
        "as-stored",
        f"{_HERE}.stored:AS_STORED",
        summary="Images on disk as they are, under the condition that made them.",
        licence="MIT",
    )
]
