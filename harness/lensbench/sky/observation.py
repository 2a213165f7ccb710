"""The observation operator: a sky seen under a condition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensbench.api.condition import Condition
from lensbench.api.dataset import Scenes
from lensbench.api.task import SkyTarget
from lensbench.errors import DataError
from lensbench.sky.artefacts import draw_artefacts
from lensbench.sky.blur import Blur, blur_of
from lensbench.sky.resampling import Separable, Spectral, operators, sample
from lensbench.sky.seeds import generator_of
from lensbench.sky.seeing import seen_at

Electrons = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Pixels that an image falls on: a centred square.

    Attributes:
        pixel_scale: Side of a pixel [arcsec].
        size: Pixels on a side.
    """

    pixel_scale: float
    size: int


def grid_of(condition: Condition, field_of_view: float, sky: SkyTarget | None = None) -> Grid:
    """The pixels of a condition over a field [arcsec], or those of a target under it."""
    size = condition.image_size(field_of_view)
    if sky is None:
        return Grid(condition.pixel_scale, size)
    return Grid(sky.pixel(condition), sky.shape(size, size)[0])


def expose(scenes: Scenes, condition: Condition, grid: Grid) -> Tensor:
    """Noise-free images (B, C, N, N) [µJy/arcsec²]: the sky behind a PSF, integrated over pixels.

    Of a condition of several bands it is the reference band that sees the sky.

    The PSF is the one that the condition has, whatever methods are told, over each scene as wide
    as its seeing. A sky that is blurred already is blurred by the Gaussian that is missing in
    quadrature, and one that is blurred more than the PSF is left as it is. The image of a scene
    is the same, bit for bit, whatever scenes are exposed with it.
    """
    size = scenes.sky.shape[-1]
    if grid.size * grid.pixel_scale > size * scenes.pixel_scale * (1 + 1e-9):
        raise DataError(
            f"skies of {size * scenes.pixel_scale:.2f}″ do not fill the field of "
            f"{grid.size * grid.pixel_scale:.2f}″ under {condition.name}",
            "draw a larger sky or take a smaller field_of_view",
        )
    seen = seen_at(condition, scenes.ids)
    blurs = [
        blur_of(one, float(already)) for one, already in zip(seen, scenes.psf_fwhm, strict=True)
    ]
    grids = scenes.pixel_scale, grid.pixel_scale, grid.size

    def exposed(sky: Tensor) -> Tensor:
        runs = _runs(blurs)
        return torch.cat([sample(sky[one:end], *grids, blurs[one]) for one, end in runs])

    images = exposed(scenes.sky)
    if math.isfinite(float(images.sum())):  # every pixel depends on the whole sky
        return images
    return exposed(torch.nan_to_num(scenes.sky, nan=0.0))


def _runs(blurs: list[Blur]) -> list[tuple[int, int]]:
    """First and one past the last index of every run of equal blurs."""
    starts = [i for i, blur in enumerate(blurs) if i == 0 or blur != blurs[i - 1]]
    return list(pairwise([*starts, len(blurs)]))


def imaging_operator(
    condition: Condition | Sequence[Condition],
    size: int,
    pixel_scale: float,
    new_size: int,
    new_scale: float,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
) -> Separable | Spectral:
    """PSF and pixels of a condition as one linear map of skies, for who fits or inverts them.

    Called with skies (..., size, size), noise-free and not blurred, it gives images (..., new_size,
    new_size) in the same unit, as `expose` does; autograd goes through it. The PSF is the one that
    methods are told. Where pixels are as fine as the sky's, it is the PSF alone. The field is
    taken as periodic.

    Args:
        condition: Gives the PSF; its own pixel scale is not looked at. A sequence gives one for
            each sky (B, C, size, size), as `seen_at` does: they may differ in width.
        size: Pixels on a side of the sky.
        pixel_scale: Side of a sky pixel [arcsec].
        new_size: Pixels on a side of the image.
        new_scale: Side of its pixels [arcsec].
        dtype: Real type of the skies.
        device: Where they live.
    """
    told = [condition] if isinstance(condition, Condition) else condition
    blurs = [blur_of(one.told, 0.0) for one in told]
    return operators(size, pixel_scale, new_scale, new_size, blurs, dtype, device)


def coverage(scenes: Scenes, grid: Grid, image: Grid) -> Tensor:
    """Which pixels (B, C, N, N) of a grid lie in the field of an image and where the sky is known.

    Args:
        scenes: With their skies.
        grid: Pixels that are looked at.
        image: Pixels of the image.
    """
    position = (torch.arange(grid.size) - (grid.size - 1) / 2) * grid.pixel_scale
    inside = position.abs() < image.size * image.pixel_scale / 2
    nearest = torch.round(position / scenes.pixel_scale + (scenes.sky.shape[-1] - 1) / 2).long()
    known = torch.isfinite(scenes.sky)[..., nearest[:, None], nearest[None, :]]
    return known & (inside[:, None] & inside[None, :]).to(known.device)


def observe(scenes: Scenes, condition: Condition, field_of_view: float, seed: int) -> Tensor:
    """Images (B, C, H, W) of scenes under a condition, in units of σ, float32.

    Under a condition of several bands each channel is what its band alone makes of the sky through
    its filter, in units of the noise of that band.
    """
    if condition.bands:
        skies = _through(scenes, condition)
        seen = [
            observe(replace(scenes, sky=skies[:, i : i + 1]), band, field_of_view, seed)
            for i, band in enumerate(condition.bands)
        ]
        return torch.cat(seen, 1)
    exposed = expose(scenes, condition, grid_of(condition, field_of_view))
    return add_noise(exposed, condition, scenes.ids, seed).float()


def _through(scenes: Scenes, condition: Condition) -> Tensor:
    """Skies (B, C, S, S) of scenes through the filters of a condition of several bands."""
    if scenes.through is not None:
        return scenes.through(condition)
    channels, bands = scenes.sky.shape[1], len(condition.bands)
    if channels != bands:
        raise DataError(
            f"scenes of {channels} channels have no colours for the {bands} bands of "
            f"{condition.name}",
            f"observe them under one band, e.g. {condition.reference.name}",
        )
    return scenes.sky


def check_scenes(scenes: Scenes) -> None:
    """Refuses scenes whose sky is nowhere known or everywhere the same.

    Raises:
        DataError: Naming the scene.
    """
    for name, sky in zip(scenes.ids, scenes.sky, strict=True):
        lowest, highest = map(float, sky.aminmax())  # one by one, which takes an eighth of the time
        if lowest < highest and math.isfinite(highest - lowest):
            continue
        known = sky[torch.isfinite(sky)]
        if len(known) == 0:
            raise DataError(f"scene {name} has no finite pixel", "leave it out of the dataset")
        if bool((known == known[0]).all()):
            raise DataError(f"scene {name} is constant", "leave it out of the dataset")


def add_noise(image: Tensor, condition: Condition, ids: tuple[str, ...], seed: int) -> Tensor:
    """Images as they are recorded, in units of the noise of an empty pixel.

    Photons of source and sky are Poisson, reads are Gaussian, and the mean sky is subtracted.
    Where the sky is so negative (by the ringing of a PSF, say) that less than no photon would be
    expected, none is. Noise and artefacts of a scene depend on its id, the condition and the
    seed alone.

    Args:
        image: Noise-free surface brightness (B, C, N, N) [µJy/arcsec²].
        condition: Gives exposure, sky, reads, correlation and artefacts.
        ids: One a scene.
        seed: Draw seed.

    Returns:
        Images (B, C, N, N), float64, on the device of `image`.
    """
    expected = (
        image.double().cpu().numpy() * condition.electrons_per_sb + condition.background_electrons
    )
    expected = expected.clip(min=0)
    noisy = np.stack(
        [_record(one, condition, scene, seed) for one, scene in zip(expected, ids, strict=True)]
    )
    return torch.from_numpy(noisy).to(image.device)


def _record(expected: Electrons, condition: Condition, scene: str, seed: int) -> Electrons:
    """One scene (C, N, N): from expected electrons to units of the noise of an empty pixel."""
    flaws = None
    if condition.artefacts:
        random = generator_of("artefacts", seed, condition.name, scene)
        flaws = draw_artefacts(condition, expected.shape, random)
        expected = (expected + flaws.photons).clip(min=0)
    random = generator_of("noise", seed, condition.name, scene)
    noise = random.poisson(expected) - expected
    noise += random.standard_normal(expected.shape) * condition.read_electrons
    if condition.noise_correlation > 1:
        noise = _correlate(noise, condition.noise_tap)
    recorded = expected + noise
    if flaws is not None:
        recorded = flaws.spoil(recorded, condition.background_electrons)
    return (recorded - condition.background_electrons) / condition.sigma_electrons


def _correlate(noise: Electrons, tap: float) -> Electrons:
    """Noise (C, N, N) spread by (c, 1, c)/(1 + 2c) along each axis, the field taken as periodic."""
    for axis in (-2, -1):
        noise = noise + tap * (np.roll(noise, 1, axis) + np.roll(noise, -1, axis))
        noise /= 1 + 2 * tap
    return noise
