"""Cosmic rays: found where there are some, and no core of a source taken for one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensbench import Condition, condition_of
from lensbench.inference import cosmic_rays as module
from lensbench.inference.cosmic_rays import cosmic_rays, filled
from lensbench.sky.observation import imaging_operator

SIDE = 96

library = pytest.importorskip("astroscrappy", reason="pip install 'lensbench[measure]'")


def galaxy(condition: Condition, peak: float, seed: int) -> np.ndarray:
    """A galaxy and a star, as bright at their peak [σ], with the noise of the condition."""
    y, x = np.indices((SIDE, SIDE))
    sky = np.exp(-np.hypot(y - 48, x - 48) / 8)
    sky[20, 70] = 10.0
    scale = condition.pixel_scale
    apply = imaging_operator(condition, SIDE, scale, SIDE, scale)
    clean = apply(torch.from_numpy(sky).float()[None])[0].numpy()
    clean = peak * clean / clean.max()
    noise = np.sqrt(1 + clean.clip(min=0) / condition.sigma_electrons)
    return clean + noise * np.random.default_rng(seed).standard_normal(clean.shape)


def rays(seed: int) -> np.ndarray:
    """Straight tracks of one pixel's width [σ]."""
    random = np.random.default_rng(seed)
    hit = np.zeros((SIDE, SIDE))
    for _ in range(12):
        (y, x), angle = random.uniform(5, SIDE - 15, 2), random.uniform(0, np.pi / 2)
        for step in range(random.integers(1, 10)):
            hit[int(y + step * np.sin(angle)), int(x + step * np.cos(angle))] = 150.0
    return hit


def test_rays_are_found_and_cores_are_left() -> None:
    """Most pixels that were hit and hardly any others; without rays none, the star's neither."""
    condition = condition_of("hst-acs")
    image, hit = galaxy(condition, 300.0, 1), rays(2)
    clean, found = (cosmic_rays(library, one, condition) for one in (image, image + hit))
    assert clean is not None and found is not None
    assert clean.sum() == 0
    assert found[hit > 0].mean() > 0.8
    assert found[hit == 0].sum() <= 2


def test_what_is_sharp_by_nature_is_not_cut_out() -> None:
    """A PSF sharper than a pixel: rays cannot be distinguished from stars, or the star is left."""
    condition = replace(condition_of("hst-acs"), psf="gaussian", psf_fwhm=0.01)
    image = galaxy(condition, 300.0, 1)
    found = cosmic_rays(library, image, condition)
    assert found is None or not found[18:23, 68:73].any()


def test_knots_are_no_rays() -> None:
    """A mask of blobs three pixels wide is no mask of rays; thin tracks beside one are kept."""
    mask = np.zeros((20, 20), dtype=bool)
    mask[5:8, 5:8] = True
    assert module._thin(mask) is None
    mask[15, 3:18] = True
    thin = module._thin(mask)
    assert thin is not None
    assert thin.sum() == 15 and thin[15].sum() == 15


def test_gaps_are_filled_from_around() -> None:
    """A narrow gap in a slope gets its values, the middle of a wide one zero; the rest stays."""
    image = np.add.outer(np.arange(40.0), np.zeros(40))
    bad = np.zeros((40, 40), dtype=bool)
    bad[10, 5:9] = True
    bad[20:36, 20:36] = True
    whole = filled(image, bad)
    assert whole[10, 5:9] == pytest.approx(10, abs=0.3)
    assert whole[28, 28] == 0
    assert (whole[~bad] == image[~bad]).all()
