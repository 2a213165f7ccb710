"""Pooled features in units of their scatter, and how alike they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lensbench import Features, Samples, encode

_Part = TypeVar("_Part")

_BATCH = 64
_LEAST = 1e-9


def pooled_features(encoder: Any, samples: Samples) -> Tensor:
    """Pooled features (N, D), float64, on the processor, of an encoder in evaluation."""
    if samples.features is not None:
        return samples.features.pooled.detach().cpu().double()
    return torch.cat(by_batch(encoder, samples, lambda features: features.pooled.cpu())).double()


def by_batch(encoder: Any, samples: Samples, part: Callable[[Features], _Part]) -> list[_Part]:
    """A part of the features of each batch of samples, by an encoder in evaluation."""
    encoder.eval()
    with torch.no_grad():
        return [
            part(encode(encoder, samples.take(indices)))
            for indices in torch.arange(len(samples)).split(_BATCH)
        ]


@dataclass(frozen=True)
class Standardisation:
    """Mean and scatter (D,) of the training features."""

    mean: Tensor
    scale: Tensor

    @classmethod
    def of(cls, features: Tensor) -> Standardisation:
        """Of features (N, D); a feature that never changes keeps its unit."""
        scale = features.std(0, correction=0)
        return cls(features.mean(0), torch.where(scale > _LEAST, scale, torch.ones_like(scale)))

    def __call__(self, features: Tensor) -> Tensor:
        """Features (N, D) in units of the scatter."""
        return (features - self.mean) / self.scale

    def direction(self, features: Tensor) -> Tensor:
        """Their direction (N, D), of length one; zero for a feature vector at the mean."""
        return normalize(self(features), dim=1)

    def state(self) -> Mapping[str, Tensor]:
        """Mean and scatter."""
        return {"mean": self.mean, "scale": self.scale}
