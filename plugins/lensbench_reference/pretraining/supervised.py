"""Supervised pretraining: labels of other scenes, learned before the task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lensbench import IncompatibleError, Pretraining, Samples, Target, encode, feature_shape


class SupervisedPretraining(Pretraining):
    """Learns one class or real target of the pretraining scenes."""

    learning_rate = 1e-3
    weight_decay = 0.05
    batch_size = 32

    @dataclass(frozen=True)
    class Options:
        """Options of `supervised`."""

        target: str = "substructure"

    def __init__(self, options: Options) -> None:
        self.target = options.target
        self.targets = (options.target,)

    def objective(
        self, encoder: Any, channels: int, targets: Mapping[str, Target]
    ) -> SupervisedLoss:
        """The encoder with one linear layer behind it.

        Raises:
            IncompatibleError: Where the target is absent or an image.
        """
        target = targets.get(self.target)
        if target is None or target.kind == "image":
            usable = ", ".join(name for name, info in targets.items() if info.kind != "image")
            raise IncompatibleError(
                f"pretraining 'supervised' cannot learn target {self.target!r} here",
                f"targets that it can: {usable or 'none'}",
            )
        return SupervisedLoss(encoder, channels, self.target, target)


class SupervisedLoss(nn.Module):
    """Encoder and a linear layer; called for cross-entropy or the squared error."""

    def __init__(self, encoder: Any, channels: int, name: str, target: Target) -> None:
        super().__init__()
        self.encoder, self.name, self.target = encoder, name, target
        width = feature_shape(encoder, channels).pooled
        self.head = nn.Linear(width, max(1, len(target.classes)))

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Loss of a batch."""
        output = self.head(encode(self.encoder, batch).pooled)
        wanted = batch.targets[self.name]
        if self.target.kind == "class":
            return known_class_loss(output, wanted)
        known = torch.isfinite(wanted)
        missed = torch.where(known, output[:, 0] - wanted, 0.0)
        return (missed**2).sum() / known.sum().clamp(min=1)


def known_class_loss(scores: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy, a mean over the images whose class is defined; zero where none is.

    Args:
        scores: Of each class (B, K).
        wanted: Index of the class (B,), −1 where an image has none.
    """
    total = nn.functional.cross_entropy(scores, wanted, ignore_index=-1, reduction="sum")
    return total / (wanted >= 0).sum().clamp(min=1)
