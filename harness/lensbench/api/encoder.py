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
    argument: the condition's vector (3,), see `Condition.vector`. A class attribute `views` names
    options that change what is looked at and no weight: with the same seed, a pretraining starts
    from the same weights whatever they are. An attribute `unlearned` tells how many of the pooled
    features, the last of them, need no weights: a linear head may trust these sooner.
    """

    def __call__(self, images: torch.Tensor) -> Features:
        """Features of images (B, C, H, W)."""
        ...


@runtime_checkable
class MaskableEncoder(Protocol):
    """An encoder made of patches that can look at some of them only, as masked modelling asks.

    One that resamples images has a method `view(images, condition=None)` as well: what it gives
    is what `tokens` takes, and what is to be restored.
    """

    patch: int
    width: int

    def tokens(self, images: torch.Tensor, keep: torch.Tensor | None = None) -> torch.Tensor:
        """Encoded patches (B, K, width) of the kept indices (B, K), or of all.

        An encoder that sets `uses_condition = True` takes the condition's vector (3,) as a third
        argument.
        """
        ...

    def positions(self, rows: int, columns: int, spacing: float = 1.0) -> Any:
        """Position codes (rows × columns, width) of a grid of patches.

        Args:
            rows: Of the grid.
            columns: Of the grid.
            spacing: Side of its patches, in those of the images that the encoder looks at.
        """
        ...

    def pool(self, tokens: torch.Tensor) -> torch.Tensor:
        """What is pooled (B, D) of encoded patches (B, K, width), all of them or some."""
        ...


@runtime_checkable
class ReconstructingEncoder(Protocol):
    """An encoder that can give back what it was shown."""

    def reconstruct(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, C, H, W) of the stretched domain, and of the input's size, from its code.

        No chance is used: a variational encoder decodes the mean.
        """
        ...


@runtime_checkable
class CodingEncoder(ReconstructingEncoder, Protocol):
    """An encoder whose images pass through a vector, as an adversarial autoencoder asks."""

    latent: int

    def encode_code(self, images: torch.Tensor) -> torch.Tensor:
        """Codes (B, latent) of stretched images (B, C, H, W)."""
        ...

    def decode(self, code: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
        """Stretched images (B, C, H, W) of codes (B, latent), H and W the encoder's own by default.

        Args:
            code: (B, latent).
            size: Height and width wanted [pixels].
        """
        ...


@runtime_checkable
class VariationalEncoder(ReconstructingEncoder, Protocol):
    """An encoder that gives a distribution of codes, as a variational autoencoder asks."""

    latent: int

    def posterior(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and logarithm of the variance, each (B, latent), of a normal of the code."""
        ...

    def decode(self, code: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
        """Stretched images (B, C, H, W) of codes (B, latent), H and W the encoder's own by default.

        Args:
            code: (B, latent).
            size: Height and width wanted [pixels].
        """
        ...


@runtime_checkable
class EnergyEncoder(Protocol):
    """An encoder that gives visible units an energy, trained by contrastive divergence.

    The gradient to follow is that of the mean of `free_energy(v) − free_energy(w)`, where
    v = `visible(images)` and w comes from v by `gibbs`, w held constant.
    """

    def visible(self, images: torch.Tensor) -> torch.Tensor:
        """Visible units (B, V), each in [0, 1], of stretched images (B, C, H, W)."""
        ...

    def hidden(self, visible: torch.Tensor) -> torch.Tensor:
        """Probabilities (B, K) that hidden units are on, given visible units (B, V)."""
        ...

    def free_energy(self, visible: torch.Tensor) -> torch.Tensor:
        """Free energy (B,) of visible units (B, V): −log of what the hidden units sum to."""
        ...

    def gibbs(self, visible: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Visible units (B, V) after one step: hidden drawn given visible, visible given hidden.

        Args:
            visible: (B, V).
            generator: Source of all chance; on the processor, whatever the device of `visible`.
        """
        ...
