"""The observation operator: a sky seen under a condition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lensbench.api.condition import Condition
from lensbench.api.dataset import Scenes
from lensbench.errors import DataError
from lensbench.sky.resampling import frequencies, gaussian_transfer, moffat_transfer, sample
from lensbench.sky.seeds import generator_of


@dataclass(frozen=True)
class Grid:
    """Pixels that an image falls on: a centred square.

    Attributes:
        pixel_scale: Side of a pixel [arcsec].
        size: Pixels on a side.
    """

    pixel_scale: float
    size: int


def grid_of(condition: Condition, field_of_view: float, upsample: int = 1) -> Grid:
    """The pixels of a condition over a field [arcsec], or finer ones over the same field."""
    size = condition.image_size(field_of_view)
    return Grid(condition.pixel_scale / upsample, size * upsample)


def expose(scenes: Scenes, condition: Condition, grid: Grid) -> Tensor:
    """Noise-free images (B, C, N, N) [µJy/arcsec²]: the sky behind a PSF, integrated over pixels.

    A sky that is blurred already is blurred by the Gaussian that is missing in quadrature, and
    one that is blurred more than the condition's PSF is left as it is.
    """
    count, channels, size, _ = scenes.sky.shape
    if grid.size * grid.pixel_scale > size * scenes.pixel_scale:
        raise DataError(
            f"skies of {size * scenes.pixel_scale:.2f}″ do not fill the field of "
            f"{grid.size * grid.pixel_scale:.2f}″ under {condition.name}",
            "draw a larger sky or take a smaller field_of_view",
        )
    transfer = _transfer(scenes, condition)
    flat = torch.nan_to_num(scenes.sky, nan=0.0).reshape(-1, size, size)
    image = sample(
        flat, scenes.pixel_scale, grid.pixel_scale, grid.size,
        transfer.repeat_interleave(channels, 0),
    )  # fmt: skip
    return image.reshape(count, channels, grid.size, grid.size)


def coverage(scenes: Scenes, grid: Grid) -> Tensor:
    """Which pixels (B, C, N, N) of a grid lie where the sky is known."""
    known = torch.isfinite(scenes.sky)
    if bool(known.all()):
        return torch.ones(*scenes.sky.shape[:2], grid.size, grid.size, dtype=torch.bool)
    position = (torch.arange(grid.size) - (grid.size - 1) / 2) * grid.pixel_scale
    nearest = torch.round(position / scenes.pixel_scale + (scenes.sky.shape[-1] - 1) / 2).long()
    return known[..., nearest[:, None], nearest[None, :]]


def add_noise(image: Tensor, condition: Condition, ids: tuple[str, ...], seed: int) -> Tensor:
    """Images as they are recorded, in units of the noise of an empty pixel.

    Photons of source and sky are Poisson, reads are Gaussian, and the mean sky is subtracted.
    The noise of a scene depends on its id, the condition and the seed alone.

    Args:
        image: Noise-free surface brightness (B, C, N, N) [µJy/arcsec²].
        condition: Gives exposure, sky and reads.
        ids: One a scene.
        seed: Draw seed.
    """
    expected = image.double().numpy() * condition.electrons_per_sb + condition.sky_electrons
    expected = expected.clip(min=0)
    read_sigma = condition.num_exposures**0.5 * condition.read_noise
    noisy = np.empty_like(expected)
    for row, scene in enumerate(ids):
        random = generator_of("noise", seed, condition.name, scene)
        noisy[row] = random.poisson(expected[row])
        noisy[row] += random.normal(0.0, read_sigma, expected[row].shape)
    return torch.from_numpy((noisy - condition.sky_electrons) / condition.sigma_electrons)


def _transfer(scenes: Scenes, condition: Condition) -> Tensor:
    """Transfer function (B, S, S // 2 + 1) of the blur that a sky still lacks."""
    size = scenes.sky.shape[-1]
    already = torch.as_tensor(scenes.psf_fwhm, dtype=torch.float32)
    if condition.psf == "moffat" and bool((already == 0).all()):
        shape = moffat_transfer(size, scenes.pixel_scale, condition.psf_fwhm, condition.psf_beta)
        return shape.expand(len(already), -1, -1)
    missing = torch.sqrt((condition.psf_fwhm**2 - already**2).clamp(min=0))
    k_y, k_x = frequencies(size, scenes.pixel_scale)
    return gaussian_transfer(k_y[:, None] ** 2 + k_x[None, :] ** 2, missing)
