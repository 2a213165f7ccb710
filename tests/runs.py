"""Cells of a run, as the command line plans them."""

from __future__ import annotations

from typing import Any

from lensbench.cli.run import study_of
from lensbench.registry import Catalogue
from lensbench.study.cell import Cell
from lensbench.study.expand import expand


def run_cells(catalogue: Catalogue, task: str, **options: Any) -> list[Cell]:
    """The cells of `lensbench run --task …` with these options; that of the named entrant first."""
    study = study_of({"task": task, **options})
    return list(expand(catalogue, study, lambda cell: None).cells)
