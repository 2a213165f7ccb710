"""Small tasks, a small encoder, and two domains that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from torch import nn

from lensbench import Budget, Encoder, Features, FitContext, Predictor, Samples, Target, Task
from lensbench.testing import made_samples
from lensbench_reference.tasks.morphology import Morphology

CLASSES = {"substructure": Target("class", classes=("spot", "ring", "wide ring"))}


@pytest.fixture(autouse=True)
def _one_seed() -> Iterator[None]:
    """The same initial weights in every test, and the global state as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


class SmallEncoder(Encoder, nn.Module):
    """Three convolutions; without normalisation unless asked, so that none adapts by itself."""

    def __init__(self, width: int = 8, normalised: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for into, out in ((1, width), (width, width), (width, 2 * width)):
            layers += [nn.Conv2d(into, out, 3, padding=1)]
            layers += [nn.BatchNorm2d(out)] if normalised else []
            layers += [nn.GELU()]
            layers += [nn.AvgPool2d(2)] if into == 1 else []
        self.layers_ = nn.Sequential(*layers)

    def forward(self, images: torch.Tensor) -> Features:
        return Features(self.layers_(images).mean((2, 3)))


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
    """The same under another sky: fainter light, a background with a slope."""
    random = torch.Generator().manual_seed(seed)
    axis = torch.linspace(-1, 1, samples.images.shape[-1])
    slope = torch.randn(len(samples), 1, 1, 1, generator=random) * axis
    return replace(samples, images=0.5 * samples.images + 1 + 0.5 * slope)


def fainter(samples: Samples, seed: int) -> Samples:
    """The same with less light and less noise."""
    return replace(samples, images=0.3 * samples.images)


class Domains(NamedTuple):
    """Labelled source, unlabelled target, and the target's test, of other shapes each."""

    source: Samples
    target: Samples
    test: Samples


@pytest.fixture
def domains() -> Callable[..., Domains]:
    """Domains that differ by a change, the target's images of a size."""

    def make(change: Callable[..., Samples] = moved_away, size: int = 16) -> Domains:
        target = replace(change(shapes(240, size, 1), 11), targets={})
        return Domains(shapes(240, 16, 0), target, change(shapes(240, size, 2), 12))

    return make


@pytest.fixture
def build() -> Callable[..., SmallEncoder]:
    """A small encoder whose weights follow from a seed."""

    def make(seed: int = 0, normalised: bool = False) -> SmallEncoder:
        torch.manual_seed(seed)
        return SmallEncoder(normalised=normalised)

    return make


@pytest.fixture
def accuracy() -> Callable[..., float]:
    """Share of samples whose class a predictor names, targets withheld."""

    def of(predictor: Predictor, samples: Samples) -> float:
        answers = predictor(replace(samples, targets={}))["probability"].argmax(1)
        return float((answers == samples.targets["substructure"]).float().mean())

    return of


@pytest.fixture
def changes() -> Mapping[str, Callable[..., Samples]]:
    """Ways in which the target differs."""
    return {"moved away": moved_away, "fainter": fainter}


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
