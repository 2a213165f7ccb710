"""Input of entrants: observed images with targets, and the features of an encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from lensbench.api.condition import Condition
from lensbench.api.dataset import Target

if TYPE_CHECKING:
    import torch


class Features(NamedTuple):
    """Output of an encoder.

    Attributes:
        pooled: One vector an image (B, D).
        maps: Feature maps, coarse to fine, each (B, Dᵢ, Hᵢ, Wᵢ); may be empty.
    """

    pooled: torch.Tensor
    maps: tuple[torch.Tensor, ...] = ()


@dataclass(frozen=True)
class Samples:
    """Images of one condition with their targets.

    Attributes:
        ids: Scene ids, one a sample.
        images: (N, C, H, W) in units of the noise of an empty pixel.
        targets: By name. Class (N,) int64; real (N,) float32 (NaN where not defined); image
            (N, C, sH, sW) in the same unit as `images` (NaN where unknown).
        info: What each target is.
        condition: Under which the images were observed.
        data_range: Full scale of an image target in the unit of `images`.
        features: What a frozen encoder made of the images, where the harness encoded them
            already; `lensbench.encode` gives these.
        pair: The same scenes under another condition, for a pretraining that is `paired`.
        psf_fwhm: Width of the PSF of each image (N,) [arcsec], where the condition's varies from
            scene to scene and was measured; `None` where all have the condition's own.
        psf: The PSF of each image (N, n, n) in pixels of its own, where files have one each;
            `None` where all have the condition's own.
        pixel_scale: Side of a pixel of each image (N,) [arcsec], where files have several; `None`
            where all have the condition's own.
        beside: Planes (N, K, H, W), in the unit of `images`, that an encoder takes in addition to
            the images; `None` where it takes none, or they were not made yet.
        numbers: Numbers (N, D) about each image that an encoder puts beside its features; `None`
            likewise.
    """

    ids: tuple[str, ...]
    images: torch.Tensor
    targets: Mapping[str, torch.Tensor]
    info: Mapping[str, Target]
    condition: Condition
    data_range: float
    features: Features | None = None
    pair: Samples | None = None
    psf_fwhm: torch.Tensor | None = None
    beside: torch.Tensor | None = None
    numbers: torch.Tensor | None = None
    psf: torch.Tensor | None = None
    pixel_scale: torch.Tensor | None = None

    @property
    def varies(self) -> bool:
        """Whether images have PSFs or pixel scales of their own."""
        return any(one is not None for one in (self.psf_fwhm, self.psf, self.pixel_scale))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The condition of each image, with its own pixel scale and PSF or the width of that."""
        if not self.varies:
            return (self.condition.over_scene(self.condition.psf_fwhm),) * len(self)
        widths = _listed(self.psf_fwhm, self.condition.psf_fwhm, len(self))
        scales = _listed(self.pixel_scale, self.condition.pixel_scale, len(self))
        pairs = list(zip(widths, scales, strict=True))
        own = {
            (fwhm, scale): self.condition.over_scene(fwhm).on_pixels(scale)
            for fwhm, scale in set(pairs)
        }
        if self.psf is None:
            return tuple(own[pair] for pair in pairs)
        psfs = self.psf.cpu().double().numpy()
        return tuple(own[pair].with_psf(psf) for pair, psf in zip(pairs, psfs, strict=True))

    def vector(self) -> torch.Tensor:
        """The condition as input of an encoder: (3,), or (N, 3) where pixel scales differ."""
        new_tensor = self.images[:0].float().new_tensor
        if self.pixel_scale is None:
            return new_tensor(self.condition.vector())
        return new_tensor([one.vector() for one in self.conditions]).reshape(-1, 3)

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, indices: torch.Tensor) -> Samples:
        """The samples at these indices, in that order."""
        return replace(
            self,
            ids=tuple(self.ids[i] for i in indices.tolist()),
            images=self.images[indices],
            targets={name: values[indices] for name, values in self.targets.items()},
            features=_each(self.features, lambda values: values[indices]),
            pair=self.pair.take(indices) if self.pair else None,
            psf_fwhm=None if self.psf_fwhm is None else self.psf_fwhm[indices.cpu()],
            beside=None if self.beside is None else self.beside[indices],
            numbers=None if self.numbers is None else self.numbers[indices],
            psf=None if self.psf is None else self.psf[indices.cpu()],
            pixel_scale=None if self.pixel_scale is None else self.pixel_scale[indices.cpu()],
        )

    def first(self, count: int | None) -> Samples:
        """The first so many samples, or all; nothing is copied."""
        if count is None or count >= len(self):
            return self
        return replace(
            self,
            ids=self.ids[:count],
            images=self.images[:count],
            targets={name: values[:count] for name, values in self.targets.items()},
            features=_each(self.features, lambda values: values[:count]),
            pair=self.pair.first(count) if self.pair else None,
            psf_fwhm=None if self.psf_fwhm is None else self.psf_fwhm[:count],
            beside=None if self.beside is None else self.beside[:count],
            numbers=None if self.numbers is None else self.numbers[:count],
            psf=None if self.psf is None else self.psf[:count],
            pixel_scale=None if self.pixel_scale is None else self.pixel_scale[:count],
        )

    def turned(self, symmetry: torch.Tensor) -> Samples:
        """Each sample rotated by quarter turns and perhaps mirrored, with all its targets.

        Image targets rotate with the images, and components of vectors and ellipticities by their
        spin; other numbers stay. Pairs rotate too. Features are dropped: they are of other images.

        Args:
            symmetry: One of the eight of the square a sample (N,): its remainder by 4 is the number
                of quarter turns from rows to columns (as `torch.rot90` over (2, 3)), and from 4 on
                columns are mirrored after them.
        """
        quarters, mirrored = symmetry % 4, symmetry >= 4

        def move(values: torch.Tensor) -> torch.Tensor:
            moved = values.clone()
            for number in set(symmetry.tolist()):
                chosen = symmetry == number
                part = values[chosen].rot90(number % 4, (2, 3))
                moved[chosen] = part.flip(3) if number >= 4 else part
            return moved

        targets = {}
        for name, values in self.targets.items():
            target = self.info.get(name)
            if values.ndim == 4:
                targets[name] = move(values)
            elif target is not None and target.spin:
                x, y = (self.targets[component] for component in target.components)
                targets[name] = _turned(x, y, target.spin, quarters, mirrored)[
                    target.components.index(name)
                ]
            else:
                targets[name] = values
        return replace(
            self,
            images=move(self.images),
            targets=targets,
            features=None,
            pair=self.pair.turned(symmetry) if self.pair else None,
            beside=None if self.beside is None else move(self.beside),
        )

    def to(self, device: torch.device) -> Samples:
        """The samples with images and targets on a device."""
        return replace(
            self,
            images=self.images.to(device),
            targets={name: values.to(device) for name, values in self.targets.items()},
            features=_each(self.features, lambda values: values.to(device)),
            pair=self.pair.to(device) if self.pair else None,
            beside=None if self.beside is None else self.beside.to(device),
            numbers=None if self.numbers is None else self.numbers.to(device),
        )


def _listed(values: torch.Tensor | None, nominal: float, count: int) -> list[float]:
    """Values as a list, or as many times the nominal one where there are none."""
    return [nominal] * count if values is None else values.tolist()


def _each(
    features: Features | None, change: Callable[[torch.Tensor], torch.Tensor]
) -> Features | None:
    if features is None:
        return None
    return Features(change(features.pooled), tuple(change(one) for one in features.maps))


def _turned(
    x: torch.Tensor,
    y: torch.Tensor,
    spin: int,
    quarters: torch.Tensor,
    mirrored: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Both components (N,) after quarter turns from y to x, and then a mirroring of x.

    A quarter turn takes (x, y) to (y, −x), and a spin of 2 to the other sign. The mirror takes the
    sign from the x of a vector, and from the sin 2φ of an ellipticity.
    """
    if spin == 2:
        sign = 1 - 2 * (quarters % 2)
        x, y = x * sign, y * sign
        return x, y.where(~mirrored, -y)
    for number in range(3):
        turns = quarters > number
        x, y = y.where(turns, x), (-x).where(turns, y)
    return (-x).where(mirrored, x), y
