"""A folder like the root of the checkout, and one store for all pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.blocks import ROOT


@pytest.fixture(scope="session")
def store(tmp_path_factory) -> Path:
    """What one page computed another reads."""
    return tmp_path_factory.mktemp("docs") / "store"


@pytest.fixture
def place(store, tmp_path, monkeypatch) -> Path:
    """An empty folder with the studies and pages of the checkout, and the working folder."""
    for name in ("docs", "studies"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LENSBENCH_STORE", str(store))
    return tmp_path
