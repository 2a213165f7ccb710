"""Small tasks, a small encoder, and two domains that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import nn

from lensbench import Budget, Features, FitContext, Samples, Target, Task
from lensbench.testing import made_samples
from lensbench_reference.tasks.morphology import Morphology

CLASSES = {"substructure": Target("class", classes=("spot", "ring", "wide ring"))}


@pytest.fixture(autouse=True)
def _one_seed() -> Iterator[None]:
    """The same initial weights in every test, and the global state as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


class SmallEncoder(nn.Module):
    """Three convolutions with batch normalisation."""

    def __init__(self, width: int = 12, channels: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for into, out in ((channels, width), (width, width), (width, width)):
            layers += [nn.Conv2d(into, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:3], nn.AvgPool2d(2), *layers[3:])

    def forward(self, images: torch.Tensor) -> Features:
        return Features(self.layers(images).mean((2, 3)))


def shapes(count: int, size: int, seed: int) -> Samples:
    """Noisy spots, rings and wide rings, as many of each; shapes that turns leave alone."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    axis = (torch.arange(size) - (size - 1) / 2) * 16 / size
    radius = torch.hypot(axis[:, None], axis[None, :])
    peaks = torch.tensor([0.0, 3.5, 6.0])[labels] + 0.3 * torch.randn(count, generator=random)
    light = torch.exp(-0.5 * (radius - peaks[:, None, None]).square())
    strength = 8 + 4 * torch.rand(count, 1, 1, generator=random)
    images = strength * light + torch.randn(count, size, size, generator=random)
    made = made_samples(count=3, size=16)
    return replace(
        made,
        ids=tuple(f"shape-{seed}-{i}" for i in range(count)),
        images=images[:, None],
        targets={"substructure": labels},
        info=CLASSES,
    )


def moved_away(samples: Samples, seed: int) -> Samples:
    """The same under another sky: fainter light, a bright background with a slope."""
    random = torch.Generator().manual_seed(seed)
    size = samples.images.shape[-1]
    axis = torch.linspace(-1, 1, size)
    slope = torch.randn(len(samples), 1, 1, 1, generator=random) * axis
    return replace(samples, images=0.6 * samples.images + 6 + 2 * slope)


@pytest.fixture
def domains() -> Callable[..., tuple[Samples, Samples, Samples]]:
    """Labelled source, unlabelled target, and the target's test, of other shapes each."""

    def make(size: int = 16) -> tuple[Samples, Samples, Samples]:
        target = replace(moved_away(shapes(240, size, 1), 11), targets={})
        return shapes(240, 16, 0), target, moved_away(shapes(240, size, 2), 12)

    return make


@pytest.fixture
def context() -> Callable[..., FitContext]:
    """The context of a fit to the three classes."""

    def make(
        train: Samples,
        target: Samples | None = None,
        steps: int = 4,
        task: Task | None = None,
        validation: Samples | None = None,
        seed: int = 0,
    ) -> FitContext:
        budget = Budget("made", 0, 0, len(train), steps, 0, 0)
        known = train.first(12) if validation is None else validation
        return FitContext(task or Morphology(), train, known, budget, seed, lambda *_: None, target)

    return make
