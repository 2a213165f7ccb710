"""Pretraining: a strategy that trains an encoder before any task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from lensbench.api.plugin import Plugin

if TYPE_CHECKING:
    import torch

    from lensbench.api.dataset import Target
    from lensbench.api.samples import Samples


@runtime_checkable
class Objective(Protocol):
    """A `torch.nn.Module` that holds the encoder and all else that is trained with it."""

    def __call__(self, batch: Samples, generator: torch.Generator) -> torch.Tensor:
        """The loss of a batch, a scalar; all random numbers are drawn from the generator.

        Images are in units of the noise: `encode` stretches them, and `stretch` does where an
        objective needs stretched ones.
        """
        ...


@runtime_checkable
class RestoringObjective(Objective, Protocol):
    """An objective that hides parts of images; `lensbench pretrain` draws what it restores."""

    def restored(
        self, batch: Samples, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Stretched images (B, C, H, W) with parts hidden, and restored; `None` to draw nothing."""
        ...


class Pretraining(Plugin, ABC):
    """Says what to minimise; the harness owns data, optimiser, seeds and checkpoints.

    Attributes:
        targets: Targets that it needs; empty for a self-supervised strategy.
        learning_rate: Peak rate of AdamW.
        weight_decay: Of AdamW.
        batch_size: Images a step.
        needs_images: False where nothing is learned from any image.
        paired: Whether each batch needs `Samples.pair`: the same scenes under another of the
            pretraining's conditions. Each batch is of one condition, drawn at random.
    """

    targets: tuple[str, ...] = ()
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    batch_size: int = 64
    needs_images: bool = True
    paired: bool = False

    @abstractmethod
    def objective(
        self, encoder: Any, channels: int, targets: Mapping[str, Target]
    ) -> Objective | None:
        """What to minimise, or `None` where nothing is to be trained.

        Raises:
            IncompatibleError: Where the encoder lacks what the strategy needs.
        """
