"""Scenes and images keep their bits: published boards are verified by drawing scenes again.

`same_bits.json` was written before conditions could have several bands and, for other populations
and odd skies, before rendering was made faster."""

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
from lensbench.sky.populations import population_names, population_of
from lensbench.sky.rendering import render_models
from lensbench.sky.scenes import draw_scenes
from lensbench.sky.splits import SceneBatch, observe_split

KNOWN = json.loads(Path(__file__).with_name("same_bits.json").read_text())
"""Digests by population, and under `arithmetic` that of pixels on the machine that made them."""

SEEN = tuple(CONDITIONS[name] for name in ("EUCLID_VIS", "RUBIN_R", "HSC_G", "DES_I"))
POPULATIONS = population_names()
ODD = ("survey@environment", "pedagogical", "deeplense-ii-faithful", "deeplense-iv")


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


def odd_sky(population: str) -> str:
    """Digest of skies of 97² pixels."""
    return digest(draw_scenes(population_of(population), "odd", range(3), 7, 97, 0.071).sky.numpy())


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
    """The same numbers are drawn, in the same order."""
    assert columns(drawn(population)) == KNOWN[population]["columns"]


@pytest.mark.parametrize("population", POPULATIONS)
def test_pixels_are_those_of_old(population: str) -> None:
    """Images of one filter are the same, with their noise."""
    if arithmetic() != KNOWN["arithmetic"]:
        pytest.skip("another machine rounds otherwise in the last digit")
    batch = drawn(population)
    assert {one.name: pixels(batch, one) for one in SEEN} == KNOWN[population]["pixels"]


@pytest.mark.parametrize("population", ODD)
def test_skies_of_odd_size_are_those_of_old(population: str) -> None:
    """Rows that do not fill whole vectors have the same last digits."""
    if arithmetic() != KNOWN["arithmetic"]:
        pytest.skip("another machine rounds otherwise in the last digit")
    assert odd_sky(population) == KNOWN[population]["odd"]
