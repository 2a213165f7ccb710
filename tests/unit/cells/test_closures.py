"""The code that keys depend on is the code that computations load, and no other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.small import small

from lensbench.cells.code import ENTRY_POINTS
from lensbench.registry import load_catalogue, parse_reference
from lensbench.store.closure import APART, apart, closure_of, module_file

CATALOGUE = load_catalogue()
ENCODERS = {
    "adversarial": "aae", "autoencoding": "vae", "contrastive-divergence": "rbm",
    "reconstruction": "rbm", "mahalanobis": "pixels",
}  # fmt: skip
"""On which plugins are tried that need an encoder of their own kind."""

FILES = ("images", "stored", "hf", "zoobot")
"""Plugins that compute nothing without a file or a package that is not here."""


def names(kind):
    """Names of the reference plugins of a kind."""
    return [
        item.entry.name
        for item in CATALOGUE.of_kind(kind)
        if item.entry.target.startswith("lensbench_reference") and not item.entry.short_for
    ]


def task_of(kind, name):
    """A task that a transfer or baseline does, on the samples that are made here."""
    tasks = CATALOGUE.find(kind, name).entry.tasks
    return "morphology" if not tasks or "morphology" in tasks else tasks[0]


def records(task, encoder="", transfer="", baseline=""):
    """A case: a fit, its predictions and its scores."""
    return {
        "make": "records", "kinds": ("fits", "predictions", "records"), "task": task,
        "encoder": encoder, "transfer": transfer, "baseline": baseline,
    }  # fmt: skip


def cases(folder):
    """Each reference plugin in some computation."""
    stack = folder / "stack.npy"
    pictures = folder / "pictures"
    pictures.mkdir()
    pixels = np.random.default_rng(0).normal(size=(12, 16, 16)).astype("f4")
    np.save(stack, pixels)
    for number, picture in enumerate(pixels):
        np.save(pictures / f"{number}.npy", picture)
    yield {"make": "images", "kinds": ("images",), "dataset": "lenses", "split": "test", "sky": 1}
    for dataset, split in (
        (f"stored:path={stack}", "pretraining"),
        (f"images:path={pictures},pixel_scale=0.1", "test"),
    ):
        yield {"make": "images", "kinds": ("images",), "dataset": dataset, "split": split, "sky": 0}
    for name in names("encoder"):
        if name not in FILES:
            yield {
                "make": "weights", "kinds": ("weights", "features"), "encoder": small(name),
                "pretraining": "none", "folder": str(folder),
            }  # fmt: skip
    for name in names("pretraining"):
        yield {
            "make": "weights", "kinds": ("weights", "features"), "pretraining": name,
            "encoder": small(ENCODERS.get(name, "mae-vit")), "folder": str(folder),
        }  # fmt: skip
    for name in names("transfer"):
        encoder = small(ENCODERS.get(name, "resnet18" if name == "adabn" else "mae-vit"))
        yield records(task_of("transfer", name), encoder, name)
    for name in names("baseline"):
        for task in set(CATALOGUE.find("baseline", name).entry.tasks) - {"classification"}:
            yield records(task, baseline=small(name))


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """Cases with the modules that each loaded; the first finds plugins and computes nothing."""
    folder = tmp_path_factory.mktemp("files")
    asked = [{"make": "find", "kinds": ()}, *cases(folder)]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("computing.py"))],
        input=json.dumps(asked), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return list(zip(asked, json.loads(done.stdout), strict=True))


def entries_of(case):
    """Where the computation of a case begins."""
    entries = [entry for kind in case["kinds"] for entry in ENTRY_POINTS[kind]]
    for kind in ("dataset", "encoder", "pretraining", "transfer", "baseline", "task"):
        if text := case.get(kind):
            wrapped = CATALOGUE.wrapped(text) if kind == "encoder" else ()
            for one in (text, *wrapped):
                target = CATALOGUE.find(kind, parse_reference(one).name).entry.target
                entries.append(target.partition(":")[0])
    return entries


def ours(modules):
    """Modules of the harness and of the reference plugins."""
    return {name for name in modules if name.partition(".")[0].startswith("lensbench")}


def test_a_closure_is_what_a_computation_loads(computed):
    """For every reference plugin.

    All that was loaded is in it or takes no part; all that it says is imported at once was loaded.
    """
    finding = ours(computed[0][1]["loaded"])
    for case, answer in computed[1:]:
        assert "error" not in answer, (case, answer["error"])
        loaded = ours(answer["loaded"])
        entries = entries_of(case)
        closure = set(closure_of(entries).modules)
        missing = {name for name in loaded - finding - closure if not apart(name)}
        assert not missing, (case, missing)
        for entry in entries:
            if entry in loaded:
                never = set(closure_of([entry], at_once=True).modules) - loaded
                assert not ours(never), (case, entry, never)
    assert len(computed) > 40


def test_what_finds_plugins_takes_no_part(computed):
    """Entries and hooks of packages are in no closure of a computation."""
    registries = {
        name for name in ours(computed[0][1]["loaded"]) if name.endswith((".entries", ".hooks"))
    }
    assert len(registries) > 5
    for case, _ in computed[1:]:
        assert not registries & set(closure_of(entries_of(case)).modules)


def test_every_module_that_is_named_is_there():
    """Entry points, and the modules that take no part."""
    for name in (*APART, *(entry for entries in ENTRY_POINTS.values() for entry in entries)):
        assert module_file(name) is not None, name
