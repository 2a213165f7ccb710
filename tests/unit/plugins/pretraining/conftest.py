"""Small encoders and batches for tests of strategies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from lensbench import Population, Samples, draw_scenes
from lensbench.registry import Catalogue
from lensbench.testing import made_samples

TINY = {
    "mae-vit": "mae-vit:width=16,depth=1,heads=4",
    "resnet18": "resnet18:width=8",
    "dcae": "dcae:width=4,code=4",
    "vae": "vae:width=4,latent=4",
    "aae": "aae:width=4,latent=4",
    "rbm": "rbm:hidden=8,grid=8",
}


@pytest.fixture
def objective(catalogue: Catalogue) -> Callable[[str, str], Any]:
    """Makes a strategy's objective on a small encoder, for one band."""

    def make(strategy: str, encoder: str) -> Any:
        torch.manual_seed(0)
        built = catalogue.build("encoder", TINY.get(encoder, encoder), channels=1)
        return catalogue.build("pretraining", strategy).objective(built, 1, {})

    return make


@pytest.fixture
def pairs() -> Samples:
    """Images of noise with a spot, and the same scenes at another size."""
    samples = made_samples(count=16, size=32)
    return replace(samples, pair=made_samples(count=16, size=24))


@pytest.fixture(scope="session")
def lenses() -> Samples:
    """Sixteen drawn lenses at two pixel scales, the brightest pixels at some forty times σ."""
    samples = made_samples(count=16, size=32)
    noise = torch.Generator().manual_seed(1)

    def seen(size: int, pixel_scale: float) -> torch.Tensor:
        scenes = draw_scenes(
            Population(), "train", range(16), 0, size=size, pixel_scale=pixel_scale
        )
        return 2 * scenes.sky + torch.randn(scenes.sky.shape, generator=noise)

    other = replace(samples, images=seen(24, 0.2))
    return replace(samples, images=seen(32, 0.15), pair=other)
