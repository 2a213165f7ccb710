"""Encoders: images to features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from lensbench.api.plugin import Plugin

if TYPE_CHECKING:
    import torch

    from lensbench.api.predictor import Measurements
    from lensbench.api.samples import Samples


class Encoder(Plugin):
    """A `torch.nn.Module` that turns stretched images into `Features`.

        class MyEncoder(lensbench.Encoder, torch.nn.Module): ...

    The class is called with `channels` and, where it has `Options`, an instance of these:
    `MyEncoder(channels=1)` or `MyEncoder(options, channels=1)`. An instance is called with images
    (B, C, H, W), whose sides are multiples of 8, and returns `Features`.

    Attributes:
        uses_condition: Whether it is called with a second argument, the condition's vector (3,):
            see `Condition.vector`.
        views: Names of options that change what the encoder looks at and none of its weights: with
            the same seed, pretraining starts from the same weights whatever these options are.
        unlearned: How many of the pooled features, the last ones, need no weights. A linear head
            may trust these sooner.
        resamples: Whether it has a method `view(images, condition=None)` that resamples images
            before it looks at them.
        learning_rate: Peak rate at which it is trained on a task, where a transfer's options name
            none.
        planes: How many planes it looks at beside the images: it is then called with C + K
            channels, of which the last K are those that `beside` makes.
        numbers: How many numbers about each image, found by `numbers_beside`, stand last among the
            pooled features. The module does not return them; they count in `unlearned`.
    """

    uses_condition: bool = False
    views: ClassVar[tuple[str, ...]] = ()
    unlearned: int = 0
    resamples: bool = False
    learning_rate: float = 1e-3
    planes: int = 0
    numbers: int = 0

    @classmethod
    def digest(cls, options: Any) -> str:
        """A hash of the files of weights that these options name; empty where they name none."""
        return ""

    @classmethod
    def wrapped(cls, options: Any) -> tuple[str, ...]:
        """Other encoders, as `name:options`, that one with these options is made of."""
        return ()

    def beside(self, samples: Samples, measurements: Measurements) -> torch.Tensor:
        """The planes (N, K, H, W) beside the images of samples, in units of σ.

        Made once, before images are turned or shifted, which is done to planes alike. So they may
        be expensive. Only an encoder with `planes` is asked.
        """
        raise NotImplementedError

    def numbers_beside(self, samples: Samples, measurements: Measurements) -> torch.Tensor:
        """The numbers (N, `numbers`) about the images of samples, float32.

        Made once, like planes, and the same however images are turned or shifted. Only an encoder
        with `numbers` is asked.
        """
        raise NotImplementedError


@runtime_checkable
class MaskableEncoder(Protocol):
    """An encoder made of patches that can encode some of them only, as masked modelling needs.

    Where `Encoder.resamples` is true, `tokens` takes images as `view` returns them, and these
    are what a decoder restores.
    """

    patch: int
    width: int

    def tokens(self, images: torch.Tensor, keep: torch.Tensor | None = None) -> torch.Tensor:
        """Encoded patches (B, K, width) of the kept indices (B, K), or of all.

        An encoder whose `uses_condition` is true takes the condition's vector (3,) as a third
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
        """Pooled features (B, D) of encoded patches (B, K, width), of all patches or of some."""
        ...


@runtime_checkable
class ReconstructingEncoder(Protocol):
    """An encoder that can reconstruct its input."""

    def reconstruct(self, images: torch.Tensor) -> torch.Tensor:
        """Reconstructed stretched images (B, C, H, W), of the input's size.

        Reconstruction is deterministic: a variational encoder decodes the mean.
        """
        ...


@runtime_checkable
class CodingEncoder(ReconstructingEncoder, Protocol):
    """An encoder whose code is one vector an image, as an adversarial autoencoder needs."""

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
    """An encoder that returns a distribution of codes, as a variational autoencoder needs."""

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
            generator: Source of randomness, on the CPU whatever the device of `visible`.
        """
        ...


@runtime_checkable
class LayeredEncoder(Protocol):
    """An encoder that names its layers, for learning rates that differ by layer."""

    def layers(self) -> Sequence[torch.nn.Module]:
        """Its modules, from input to output."""
        ...
