"""Fixtures for all tests. Nothing is written outside temporary folders."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from tests.calls import Result, called

from lensbench.registry import Catalogue, load_catalogue

# A command computes in its own process, where a test does not ask for others: each would import
# torch anew.
os.environ["LENSBENCH_WORKERS"] = "0"

# Collecting the tests makes a million objects that stay. The garbage collector would look through
# them again and again: while they are made, and in each of the tests.
gc.disable()

# A machine that is busy, or a run that is traced, is slow and not wrong.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")

ROOT = Path(__file__).resolve().parents[1]
LONGEST = (
    "integration/test_pairs.py", "integration/test_ray.py", "docs/test_tutorial.py",
    "docs/test_notebook.py", "integration/test_sweep.py", "integration/test_pretrain.py",
    "integration/test_run.py", "integration/test_stranger.py", "unit/cells/test_closures.py",
    "integration/test_stores.py", "docs/test_site.py", "unit/plugins/test_contracts.py",
)  # fmt: skip
"""Files of tests that take a minute or so."""

BROWSER_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no process is still at one when the others have ended."""
    turns = {ROOT / "tests" / name: turn for turn, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turns.get(item.path, len(turns)))


def pytest_collection_finish() -> None:
    """What the tests make is looked through for garbage, and what was there before is not."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Chromium of this machine, driven by Playwright, which can be begun once only."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def catalogue() -> Catalogue:
    """The plugins of this environment."""
    return load_catalogue()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Keeps torch to one thread."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def lensbench() -> Callable[..., Result]:
    """Calls the command line in this process."""
    return called


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data for tests, where there is any."""
    folder = Path(os.environ.get("LENSBENCH_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no real data: set LENSBENCH_TEST_DATA to a folder with real/lenses")
    return folder
