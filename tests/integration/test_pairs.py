"""The reference plugins work together: every pair that is compatible stands in a cell that runs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import polars as pl
import pytest
from tests.small import small

from lensbench.cells.checks import Checks
from lensbench.cells.resolved import Resolver
from lensbench.cli.display import Display
from lensbench.execution.executors.inline import InlineExecutor
from lensbench.execution.sweeps import Sweep
from lensbench.execution.worker import Settings, work
from lensbench.registry import load_catalogue, parse_reference
from lensbench.store import open_store
from lensbench.study.cell import Cell
from lensbench.study.expand import expand
from lensbench.study.spec import parse_study

ELSEWHERE = {"hf", "zoobot", "classification"}
"""Encoders that need a file, and the task of classes that stored images alone have; they have
tests of their own."""
COST = {"denoising": 3, "superres": 3}
"""Of a cell, in those of other tasks. They deconvolve each image that they are trained on."""

SHARP = "custom:base=euclid-vis,pixel_scale=0.4"
"""Few pixels, and a PSF behind which a deconvolution is soon at its end."""
NOISY = f"{SHARP},exposure_time=300"

BUDGET = (
    "smoke:pretraining_scenes=16,pretraining_steps=2,train_scenes=20,train_steps=2,"
    "validation_scenes=8,test_scenes=12,resamples=20"
)
KINDS = ("encoder", "pretraining", "transfer", "task")


def named(kind: str) -> list[str]:
    """All plugins of a kind, as small as they can be."""
    return [small(name) for name in own_names(kind) if name not in ELSEWHERE]


def own_names(kind: str) -> list[str]:
    """Names of the plugins of a kind, without those that are short for another with options."""
    entries = [item.entry for item in load_catalogue().of_kind(kind)]
    return [entry.name for entry in entries if not entry.short_for]


def study() -> str:
    """Everything crossed with everything."""
    tasks = [task for task in named("task") if task not in {"finding", *COST}]
    return f"""
        name = "pairs"
        budget = "{BUDGET}"
        [axes]
        task = {tasks}
        encoder = {named("encoder")}
        pretraining = {named("pretraining")}
        transfer = {named("transfer")}
        baseline = {named("baseline")}
        labels = [16]
        train_condition = ["{SHARP}"]
        [pretraining]
        condition = ["train", "{NOISY}"]
        [tests]
        condition = ["{NOISY}"]
        [[include]]
        task = "finding"
        dataset = "lenses:population=look-alikes"
        [[include]]
        task = {sorted(COST)}
        encoder = {named("encoder")}
        baseline = {named("baseline")}
        labels = [4]
    """


def pairs_of(cell: Cell) -> frozenset[tuple[tuple[str, str], ...]]:
    """Two plugins each, of two kinds; a baseline and its task."""
    named = {"task": cell.task} | {
        kind: getattr(cell.entrant, kind) for kind in (*KINDS[:3], "baseline")
    }
    plugins = [(kind, parse_reference(text).name) for kind, text in named.items() if text]
    return frozenset(combinations(sorted(plugins), 2))


def covering(cells: Iterable[Cell]) -> list[Cell]:
    """Cheap cells with all pairs of these: each time that which adds most for what it costs."""
    pairs = [(cell, pairs_of(cell), COST.get(cell.task, 1)) for cell in cells]
    left = set().union(*(it for _, it, _ in pairs))
    chosen = []
    while left:
        cell, added, _ = max(pairs, key=lambda it: len(it[1] & left) / it[2])
        chosen.append(cell)
        left -= added
    return chosen


@pytest.mark.slow
def test_every_compatible_pair_runs(catalogue, tmp_path):
    """None fails, and no plugin is left out."""
    resolver = Resolver(catalogue)
    cells = covering(expand(catalogue, parse_study(study()), Checks(resolver.plugins).check).cells)
    store = open_store(tmp_path)
    settings = Settings(store.address, resolver.numerics, resolver.code.known)
    with Display(quiet=True) as shown:
        swept = Sweep(resolver, store, cells).run(
            lambda: InlineExecutor(settings, work, shown.told), shown
        )
    assert swept.failed == {}
    assert set(swept.records["state"]) <= {"done", "undefined"}
    scored = swept.records.filter(pl.col("state") == "done")
    assert scored["cell"].n_unique() == swept.records["cell"].n_unique() == len(cells)
    for kind in (*KINDS, "baseline"):
        ran = {parse_reference(text).name for text in swept.records[kind].unique() if text}
        assert set(own_names(kind)) - ran - ELSEWHERE == set(), kind
