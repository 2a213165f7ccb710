"""Test scenes for the heads of a frozen encoder: encoded once, as the encoder alone would."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.runs import run_cells
from tests.small import small

from lensbench.cells.kept import kept_encoder
from lensbench.cells.resolved import Resolver
from lensbench.store import open_store
from lensbench.study.describe import Numerics
from lensbench.training.encoding import encode
from lensbench.verification import encoded
from lensbench.verification.encoded import EncodedTests
from lensbench.verification.scenes import draw_tests


@pytest.fixture
def resolver(catalogue) -> Resolver:
    """The plugins of this environment on one core."""
    return Resolver(catalogue, Numerics("cpu", 1, 1))


@pytest.fixture
def store(tmp_path):
    """An empty one."""
    return open_store(str(tmp_path))


def cell_of(catalogue, task="morphology", transfer="linear"):
    """A cell of random weights under two conditions."""
    named = {"encoder": small("mae-vit"), "pretraining": "none", "transfer": transfer}
    tested = ("euclid-vis", "hst-acs")
    return run_cells(catalogue, task, **named, test_conditions=tested, budget="smoke")[0]


def test_what_the_encoder_gives(catalogue, resolver, store):
    """Features are those of the encoder, scene by scene, though it saw them in another order."""
    cell = cell_of(catalogue)
    tests = EncodedTests(store, 1)
    seen = tests.of(resolver, cell, "key", 5)
    plain = draw_tests(resolver, store, replace(cell, seeds=replace(cell.seeds, draw=5)))
    encoder = kept_encoder(store, "key", resolver, cell)
    assert list(seen) == list(plain) == list(cell.tests)
    for view, samples in plain.items():
        with torch.no_grad():
            wanted = encode(encoder, samples).pooled
        torch.testing.assert_close(seen[view].features.pooled, wanted, rtol=1e-4, atol=1e-5)
        assert torch.equal(seen[view].images, samples.images)
        assert wanted.std(0).max() > 0


def test_once(catalogue, resolver, store, monkeypatch):
    """Fits with other labels or of another task share them; other weights and draws do not."""
    encodings = []
    known = encoded.pooled_of
    monkeypatch.setattr(
        encoded,
        "pooled_of",
        lambda *given: encodings.append(given[1].condition.name) or known(*given),
    )
    cell = cell_of(catalogue)
    tests = EncodedTests(store, 1)
    tests.of(resolver, cell, "key", 5)
    assert encodings == ["euclid-vis", "hst-acs"]
    tests.of(resolver, replace(cell, labels=10), "key", 5)
    tests.of(resolver, cell_of(catalogue, task="regression:targets=theta_E"), "key", 5)
    assert len(encodings) == 2
    tests.of(resolver, cell, "other", 5)
    assert len(encodings) == 4
    tests.of(resolver, cell, "key", 6)
    assert len(encodings) == 6


@pytest.mark.parametrize(("task", "transfer"), [("morphology", "finetune"), ("superres", "linear")])
def test_none(catalogue, resolver, store, task, transfer):
    """An encoder that was trained further has none to share, nor has a head that looks at maps."""
    seen = EncodedTests(store, 1).of(resolver, cell_of(catalogue, task, transfer), "key", 5)
    assert all(samples.features is None for samples in seen.values())
