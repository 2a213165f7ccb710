"""Encoders: images to features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch

    from lensbench.api.samples import Features


@runtime_checkable
class Encoder(Protocol):
    """A `torch.nn.Module` that turns stretched images into `Features`.

    The class is called with `channels` and, where it has an `Options` dataclass, an instance
    of it: `MyEncoder(channels=1)` or `MyEncoder(options, channels=1)`. Sides of images are
    multiples of 8. An encoder that sets `uses_condition = True` is called with a second
    argument: the condition's vector (3,), see `Condition.vector`.
    """

    def __call__(self, images: torch.Tensor) -> Features:
        """Features of images (B, C, H, W)."""
        ...


@runtime_checkable
class MaskableEncoder(Protocol):
    """An encoder made of patches that can look at some of them only, as masked modelling asks."""

    patch: int
    width: int

    def tokens(self, images: torch.Tensor, keep: torch.Tensor | None = None) -> torch.Tensor:
        """Encoded patches (B, K, width) of the kept indices (B, K), or of all."""
        ...

    def positions(self, height: int, width: int) -> Any:
        """Position codes (L, width) of all patches of an image of this size."""
        ...
