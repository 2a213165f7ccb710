"""The how-to on other libraries, run: an encoder goes out, and a model of others comes in."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import lensbench as public
from lensbench.registry.discovery import collect
from lensbench.testing import check_encoder

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "use-with-other-libraries.md"
BLOCKS = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
LOOP, SCIKIT, LIGHTNING, MODEL, HOOKS = BLOCKS


def discs(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images in σ, half of them with a bright ring, and whether they have one."""
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 1, 32, 32, generator=random)
    labels = torch.arange(count) % 2
    y, x = torch.meshgrid(torch.arange(32) - 15.5, torch.arange(32) - 15.5, indexing="ij")
    ring = ((x**2 + y**2).sqrt() - 8).abs() < 1.5
    images[labels == 1] += 3.0 * ring
    return images, labels


def accuracy(encoder: torch.nn.Module, head: torch.nn.Module) -> float:
    """Share of new images that are told right; 0.5 by chance."""
    images, labels = discs(100, seed=99)
    encoder.eval()
    with torch.no_grad():
        told = head(encoder(public.stretch(images)).pooled).argmax(1)
    return float((told == labels).double().mean())


def test_a_plain_loop_trains_an_encoder():
    """Nothing but PyTorch: the encoder learns what it is asked."""
    torch.manual_seed(0)
    batches = DataLoader(TensorDataset(*discs(320, seed=1)), batch_size=8)
    named = {"batches": batches}
    exec(LOOP, named)
    assert accuracy(named["encoder"], named["head"]) > 0.8


def test_embeddings_go_into_scikit_learn(lensbench, tmp_path, monkeypatch):
    """What `embed` writes is a table that a logistic regression is fitted to."""
    monkeypatch.chdir(tmp_path)
    images, labels = discs(100, seed=2)
    np.save("images.npy", images[:, 0].numpy())
    words = ("--encoder", "spectrum", "--condition", "euclid-vis", "--quiet")
    done = lensbench("embed", "images.npy", *words, "--out", "FEATURES")
    assert done.code == 0, done.err
    ids = pl.read_parquet("FEATURES/*.parquet")["id"]
    named = {"labels": pl.DataFrame({"id": ids, "label": labels.numpy()})}
    exec(SCIKIT, named)
    assert named["score"] > 0.8


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # of Lightning
def test_lightning_trains_an_encoder(tmp_path):
    """A trainer of Lightning takes it as it takes any module."""
    lightning = pytest.importorskip("lightning", reason="Lightning is in the extra test alone")
    torch.manual_seed(0)
    named: dict[str, type] = {}
    exec(LIGHTNING, named)
    finder = named["Finder"]("resnet18")
    trainer = lightning.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(finder, DataLoader(TensorDataset(*discs(320, seed=1)), batch_size=8))
    assert accuracy(finder.encoder, finder.head) > 0.8


def test_a_torchvision_model_is_an_encoder(tmp_path, monkeypatch):
    """Its fifteen lines are found through the hooks, and pass the checks of every encoder."""
    assert sum(bool(line.strip()) for line in MODEL.splitlines()) <= 15
    (tmp_path / "torchvision_encoder.py").write_text(MODEL)
    (tmp_path / "torchvision_hooks.py").write_text(HOOKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    point = importlib.metadata.EntryPoint("efficient", "torchvision_hooks", "lensbench")
    catalogue = collect([point])
    assert not catalogue.broken
    assert "torchvision_encoder" not in sys.modules
    check_encoder(catalogue.build("encoder", "efficient", channels=1))
    check_encoder(catalogue.build("encoder", "efficient", channels=3), channels=3)
