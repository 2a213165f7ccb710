"""Pretraining: a strategy that trains an encoder before any task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch

    from lensbench.api.dataset import Target
    from lensbench.api.samples import Samples


@runtime_checkable
class Objective(Protocol):
    """A `torch.nn.Module` that holds the encoder and all else that is trained with it.

    One that hides parts of images may have `restored(batch, generator)`, which gives stretched
    images (B, C, H, W) as they were seen and as they are restored, or `None`: `lensbench pretrain`
    draws them.
    """

    def __call__(self, batch: Samples, generator: torch.Generator) -> torch.Tensor:
        """The loss of a batch, a scalar; all chance is the generator's.

        Images are in units of the noise: `encode` stretches them, and `stretch` does where an
        objective wants the stretched ones.
        """
        ...


@runtime_checkable
class Pretraining(Protocol):
    """Says what to minimise; the harness owns data, optimiser, seeds and checkpoints.

    Attributes:
        version: Changes whenever the weights would.
        targets: Targets that it needs; empty for a self-supervised strategy.
        learning_rate: Peak rate of AdamW.
        weight_decay: Of AdamW.
        batch_size: Images a step.

    A class may set `needs_images = False`, where nothing is learned from any image, and `paired =
    True`, where each batch is wanted with `Samples.pair`: the same scenes under another of the
    pretraining's conditions. Each batch is of one condition, drawn at random.
    """

    version: str
    targets: tuple[str, ...]
    learning_rate: float
    weight_decay: float
    batch_size: int

    def objective(
        self, encoder: Any, channels: int, targets: Mapping[str, Target]
    ) -> Objective | None:
        """What to minimise, or `None` where nothing is to be trained.

        Raises:
            IncompatibleError: Where the encoder lacks what the strategy needs.
        """
        ...
