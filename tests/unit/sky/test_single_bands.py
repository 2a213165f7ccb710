"""Scenes and images of one filter: the same bits as before conditions could have several."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from lensbench.api.condition import Condition
from lensbench.api.dataset import Scenes
from lensbench.registry import load_catalogue
from lensbench.sky.components import SceneModel, Sersic, Sie
from lensbench.sky.instruments import CONDITIONS
from lensbench.sky.observation import Grid, expose
from lensbench.sky.rendering import render_models
from lensbench.sky.splits import SceneBatch, observe_split

KNOWN = json.loads(Path(__file__).with_name("single_bands.json").read_text())
"""Digests by population, and under `arithmetic` that of pixels on the machine that made them."""

SEEN = tuple(CONDITIONS[name] for name in ("EUCLID_VIS", "RUBIN_R", "HSC_G", "DES_I"))
POPULATIONS = ("survey", "cdm-realistic", "look-alikes", "pedagogical", "deeplense-ii")


def drawn(population: str) -> SceneBatch:
    """Four test scenes of a population."""
    dataset = load_catalogue().build("dataset", f"lenses:population={population}")
    return next(iter(observe_split(dataset, "test", range(4), 3, 4)))


def digest(*arrays: np.ndarray) -> str:
    """SHA-256 of arrays, 16 digits of it."""
    joined = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    return hashlib.sha256(joined).hexdigest()[:16]


def columns(batch: SceneBatch) -> str:
    """Digest of the names and values of all columns of a catalogue, values to ten digits."""
    assert batch.scenes is not None
    tables: tuple[Mapping[str, np.ndarray], ...] = (batch.scenes.targets, batch.scenes.parameters)
    lines = [
        f"{name} {np.shape(values)} " + " ".join(f"{one:.9e}" for one in np.ravel(values))
        for table in tables
        for name, values in table.items()
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def pixels(batch: SceneBatch, condition: Condition) -> str:
    """Digest of the images under a condition."""
    return digest(batch.observed(condition).images.numpy())


def arithmetic() -> str:
    """Digest of a lens that is rendered and observed by this machine's last digits."""
    source = Sersic(23.0, 0.3, 1.0, 0.7, 1.0, 0.1, 0.0)
    lens = SceneModel((Sie(1.0, 0.8, 0.3, 0.0, 0.0),), (source,))
    sky = render_models(lambda _: lens, 1, 96, 0.05)
    scenes = Scenes(("one",), sky, 0.05, np.zeros(1))
    seen = [expose(scenes, one, Grid(0.2, 16)).numpy() for one in SEEN]
    return digest(sky.numpy(), *seen, torch.linspace(0, 1, 9).exp().numpy())


@pytest.mark.parametrize("population", POPULATIONS)
def test_columns_are_those_of_old(population: str) -> None:
    """Colours add no column to the catalogue, and take no random number from what is drawn."""
    assert columns(drawn(population)) == KNOWN[population]["columns"]


@pytest.mark.parametrize("population", POPULATIONS)
def test_pixels_are_those_of_old(population: str) -> None:
    """Images of one filter are the same bits as before there were colours."""
    if arithmetic() != KNOWN["arithmetic"]:
        pytest.skip("another machine rounds otherwise in the last digit")
    batch = drawn(population)
    assert {one.name: pixels(batch, one) for one in SEEN} == KNOWN[population]["pixels"]
