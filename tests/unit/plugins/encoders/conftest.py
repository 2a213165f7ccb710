"""Every reference encoder, small enough to be quick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

SMALL = [
    "aae:width=8",
    "dcae:width=8",
    "equivariant:group=c4,width=2",
    "equivariant:group=d8,width=1",
    "lens-pinn:width=8",
    "lensiformer:width=32,depth=1",
    "mae-vit:width=32,depth=2",
    "mae-vit:width=32,depth=2,patch=4,registers=3,condition=true",
    "pixels",
    "rbm:hidden=32",
    "resnet18:width=8",
    "resnet34:width=8",
    "spectrum",
    "timm:test_resnet",
    "timm:test_vit",
    "vae:width=8",
]


@pytest.fixture(autouse=True)
def _one_seed() -> Iterator[None]:
    """The same initial weights in every test, and the global state as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture(params=SMALL)
def name(request) -> str:
    """Name of each encoder with its options, in turn."""
    return str(request.param)


@pytest.fixture
def build(catalogue) -> Callable[..., Any]:
    """Builds an encoder in evaluation mode from its name with options."""

    def build(text: str, channels: int = 1) -> Any:
        if text.startswith(("timm", "zoobot")):
            pytest.importorskip("timm", reason="timm is not installed")
        return catalogue.build("encoder", text, channels=channels).eval()

    return build
