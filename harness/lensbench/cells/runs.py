"""Runs: the cells of one table, computed in turn and kept under one key."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import torch

from lensbench.cells.session import Session, Watch
from lensbench.registry import Catalogue
from lensbench.store import Store, key_of
from lensbench.study.cell import Cell


def compute_run(
    catalogue: Catalogue, store: Store, cells: Sequence[Cell], watch: Watch
) -> tuple[str, pl.DataFrame]:
    """Records of these cells, and the key under which the store keeps them.

    All cells are checked before the first is run, so that a mistake costs no computing.
    """
    session = Session(catalogue, store, watch, default_device())
    for cell in cells:
        session.check(cell)
    frames = [session.run(cell) for cell in cells]
    records = pl.concat(frames)
    description = {"kind": "run", "cells": sorted(set(records["cell"])), "asked": list(cells)}
    key = key_of(description)
    with store.writing("runs", key, ".parquet", description) as path:
        records.write_parquet(path)
    return key, records


def default_device() -> torch.device:
    """The accelerator where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_names() -> list[str]:
    """Devices that torch can use here, with the number of CPU threads."""
    names = [f"cpu ({torch.get_num_threads()} threads)"]
    return names + [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
