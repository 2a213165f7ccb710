"""Datasets: scenes with targets, split so that no scene is in two splits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from lensbench.api.plugin import Plugin
from lensbench.errors import IncompatibleError

if TYPE_CHECKING:
    import numpy as np
    import torch

    from lensbench.api.condition import Condition

Split = Literal["pretraining", "train", "validation", "test"]


@dataclass(frozen=True)
class Target:
    """A quantity that a task can predict.

    Attributes:
        kind: `class` (an index into `classes`), `real` (a number) or `image` (the sky itself).
        unit: Unit of a real or an image; empty for a class and for a ratio.
        classes: Names of the classes, in the order of their indices.
        spin: How a real rotates with the image: not at all (0), as a component of a vector (1),
            or as one of an ellipticity or a shear (2).
        components: Of what turns: the names of both components, along x and y (spin 1), or
            |e| cos 2φ and |e| sin 2φ (spin 2). x runs along columns, y along rows, φ from x to y.

    A real is NaN in scenes in which it is not defined; losses and metrics leave these out.
    """

    kind: Literal["class", "real", "image"]
    unit: str = ""
    classes: tuple[str, ...] = ()
    spin: Literal[0, 1, 2] = 0
    components: tuple[str, ...] = ()


@dataclass(frozen=True)
class Download:
    """A file of a dataset that lives on the web.

    Attributes:
        file: Name of the file in the dataset's folder.
        urls: Mirrors, tried in turn.
        sha256: Of its bytes.
        size: In bytes.
    """

    file: str
    urls: tuple[str, ...]
    sha256: str
    size: int


@dataclass(frozen=True)
class Scenes:
    """Noise-free skies with what is known of them.

    Attributes:
        ids: One name a scene, unique over all splits.
        sky: Surface brightness (B, C, H, W) [µJy/arcsec²], centred on the field. NaN where
            nothing is known: it is observed as empty sky and never scored.
        pixel_scale: Side of a sky pixel [arcsec].
        psf_fwhm: Blur that the sky already has, one number a scene (B,) [arcsec]; zero for
            a simulated sky.
        targets: Real and class targets by name, each (B,); a real is NaN where not defined.
        parameters: All that was drawn, by name, each (B,); never shown to an entrant.
        through: Gives the skies (B, C, H, W) through the filters of a condition of several bands,
            for scenes with colours. Without it, channels are bands, one each.
    """

    ids: tuple[str, ...]
    sky: torch.Tensor
    pixel_scale: float
    psf_fwhm: np.ndarray
    targets: Mapping[str, np.ndarray] = field(default_factory=dict)
    parameters: Mapping[str, np.ndarray] = field(default_factory=dict)
    through: Callable[[Condition], torch.Tensor] | None = None


@dataclass(frozen=True)
class ObservedImages:
    """Images that were observed already, by whatever made them.

    Attributes:
        ids: One name an image, unique over all splits, at most 64 bytes.
        images: (B, C, H, W) in units of the noise of an empty pixel; sides are multiples of 8.
        targets: Real and class targets by name, each (B,).
        sky: The target `sky` (B, C, sH, sW) in the unit of the images, where the dataset has it.
        psf_fwhm: Width of the PSF of each image (B,) [arcsec], where it is not the same for all.
        psf: The PSF of each image (B, n, n) in pixels of its own, where that is known.
        pixel_scale: Side of a pixel of each image (B,) [arcsec], where it is not the same for all.
    """

    ids: tuple[str, ...]
    images: torch.Tensor
    targets: Mapping[str, np.ndarray] = field(default_factory=dict)
    sky: torch.Tensor | None = None
    psf_fwhm: np.ndarray | None = None
    psf: np.ndarray | None = None
    pixel_scale: np.ndarray | None = None


class Dataset(Plugin, ABC):
    """Draws or reads scenes; the harness observes them.

    Attributes:
        version: Changes whenever a scene would and neither code nor `digest` does.
        targets: What is known of the scenes, by name. `sky` is the sharp noise-free image.
        channels: Bands of an image under a condition of one filter.
        coloured: Whether scenes have colours, so that they can be seen under a condition of
            several bands; see `Scenes.through`.
        field_of_view: Side of the images that the harness makes [arcsec].
        data_range: Surface brightness that PSNR and SSIM take as full scale [µJy/arcsec²].
        sources: Files on the web that the dataset reads. It finds and downloads them by
            `lensbench.locate`, and `lensbench show` lists them.
        population: Where scenes are drawn: what they are drawn from; `lensbench limits` reads it.
        notes: What is worth knowing before the dataset is used, a sentence each: `lensbench run`
            and `lensbench data inspect` print it.
        hints: How to get targets that it has not, by name: options that give them.
    """

    version: str = "1"
    targets: Mapping[str, Target]
    channels: int
    coloured: bool = False
    field_of_view: float
    data_range: float
    sources: tuple[Download, ...] = ()
    population: Any = None
    notes: tuple[str, ...] = ()
    hints: Mapping[str, str] = MappingProxyType({})

    @abstractmethod
    def size(self, split: Split) -> int | None:
        """Number of scenes in a split; `None` where they are drawn without end."""

    @abstractmethod
    def scenes(self, split: Split, indices: Sequence[int], seed: int) -> Scenes:
        """The scenes of these indices: the same whatever else is drawn with them."""

    def digest(self) -> str:
        """A hash of the files behind the scenes; empty where there are none."""
        return ""

    def channels_under(self, condition: Condition) -> int:
        """Channels of an image under a condition: one a band where it has several.

        Raises:
            IncompatibleError: Where scenes have neither colours nor a channel for each band.
        """
        bands = len(condition.bands)
        if not bands or bands == self.channels:
            return self.channels
        if not self.coloured:
            raise IncompatibleError(
                f"condition {condition.name!r} has {bands} bands, and the scenes have no colours",
                f"name one band, e.g. {condition.reference.name}, or a population with colours: "
                "survey, cdm-realistic or look-alikes",
            )
        return bands


class ObservedDataset(Dataset):
    """A dataset whose images are taken as they are; its entry names their `conditions`.

    `scenes` is not called.

    Attributes:
        upsample: Sampling of the target `sky` in units of the images', where it has that target.
    """

    upsample: int | None = None

    def condition(self, nominal: Condition) -> Condition:
        """The condition with the pixel scale and the PSF that the dataset knows of its images."""
        return nominal

    @abstractmethod
    def observed(self, split: Split, indices: Sequence[int], condition: str) -> ObservedImages:
        """The images of these indices under one of its conditions."""

    def scenes(self, split: Split, indices: Sequence[int], seed: int) -> Scenes:
        """Refuses: the images were observed already."""
        raise NotImplementedError("images that were observed already have no sky")
