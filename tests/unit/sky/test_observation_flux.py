"""Exposures: what every PSF and sampling has to conserve, and what a batch must not change."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lensbench.api.dataset import Scenes
from lensbench.api.psf_image import PsfImage
from lensbench.errors import DataError
from lensbench.sky.blur import Blur
from lensbench.sky.grades import CONDITIONS as GRADES
from lensbench.sky.instruments import CONDITIONS
from lensbench.sky.observation import Grid, add_noise, expose, grid_of
from lensbench.sky.resampling import sample

EUCLID = replace(CONDITIONS["EUCLID_VIS"], psf="gaussian")
LOPSIDED = np.outer([1.0, 4.0, 9.0, 3.0], [2.0, 7.0, 5.0, 1.0])

BLURS = (
    None,
    Blur("gaussian", 0.2),
    Blur("moffat", 0.3, beta=2.5),
    Blur("image", 0.1, image=PsfImage(0.04, LOPSIDED)),
    Blur("image", 0.1, image=PsfImage(0.013, LOPSIDED)),
)


def scenes_of(sky: torch.Tensor, pixel_scale: float = 0.025, already: float = 0.0) -> Scenes:
    ids = tuple(str(i) for i in range(len(sky)))
    return Scenes(ids, sky, pixel_scale, np.full(len(sky), already))


def spot(x: float, y: float, sigma: float, size: int = 288, pixel_scale: float = 0.025):
    """A round Gaussian of unit flux [arcsec]."""
    axis = (torch.arange(size, dtype=torch.float64) - (size - 1) / 2) * pixel_scale
    squared = (axis[None, :] - x) ** 2 + (axis[:, None] - y) ** 2
    return torch.exp(-squared / (2 * sigma**2)) / (2 * torch.pi * sigma**2)


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(16, 70),
    new_size=st.integers(8, 90),
    blur=st.sampled_from(BLURS),
    seed=st.integers(0, 99),
)
def test_flux_of_a_whole_sky(size, new_size, blur, seed):
    """Any PSF and any sampling, the ratio of pixels whole or not, keeps the light of any sky."""
    sky = torch.rand(1, size, size, generator=torch.Generator().manual_seed(seed)).double()
    new_scale = size * 0.03 / new_size
    image = sample(sky, 0.03, new_scale, new_size, blur)
    flux = float(sky.sum()) * 0.03**2
    assert float(image.sum()) * new_scale**2 == pytest.approx(flux, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    pixel_scale=st.floats(0.03, 0.27),
    x=st.floats(-0.6, 0.6),
    y=st.floats(-0.6, 0.6),
    sigma=st.floats(0.1, 0.3),
)
def test_flux_and_place_of_a_source(pixel_scale, x, y, sigma):
    """A source keeps its light and its place on pixels of any size.

    A centroid on pixels is off by their aliasing, at most (P/π) exp(−2π²σ²/P²) for a Gaussian of
    width σ, PSF included, that is integrated over pixels P (Poisson summation).
    """
    size = 8 * int(6.4 / pixel_scale / 8)
    grid = Grid(pixel_scale, size)
    image = expose(scenes_of(spot(x, y, sigma)[None, None]), EUCLID, grid)[0, 0].double()
    axis = (torch.arange(size) - (size - 1) / 2) * pixel_scale
    flux = float(image.sum()) * pixel_scale**2
    assert flux == pytest.approx(1, rel=1e-4)
    width = sigma**2 + (EUCLID.psf_fwhm / 2.3548) ** 2
    aliasing = pixel_scale / math.pi * math.exp(-2 * math.pi**2 * width / pixel_scale**2)
    for place, coordinate in ((x, axis[None, :]), (y, axis[:, None])):
        centroid = float((image * coordinate).sum()) * pixel_scale**2
        assert centroid == pytest.approx(place, abs=aliasing + 3e-4)


@pytest.mark.parametrize("name", sorted(CONDITIONS))
def test_level_is_kept(name):
    """An even sky has the same surface brightness under every condition."""
    condition = CONDITIONS[name]
    image = expose(scenes_of(torch.ones(1, 1, 288, 288)), condition, grid_of(condition, 6.4))
    assert torch.allclose(image, torch.ones_like(image), atol=1e-5)


@pytest.mark.parametrize(
    "condition",
    [
        EUCLID,
        replace(EUCLID, psf="moffat"),
        replace(EUCLID, psf="image", psf_image=PsfImage(0.02, LOPSIDED)),
        GRADES["ARTEFACTS_5"],
    ],
    ids=["gaussian", "moffat", "image", "artefacts"],
)
@pytest.mark.parametrize("size", [288, 261])
def test_batch_makes_no_difference(condition, size):
    """A scene's image is the same, bit for bit, in whatever batch and order it is observed."""
    sky = torch.rand(7, 1, size, size, generator=torch.Generator().manual_seed(0))
    grid = Grid(0.101, 56)
    together = expose(scenes_of(sky), condition, grid)
    for order in ([0], [6, 2], [5, 4, 3, 2, 1, 0]):
        assert torch.equal(expose(scenes_of(sky[order]), condition, grid), together[order])


def test_artefacts_leave_exposures_alone():
    """What is exposed without noise, targets of tasks among it, is the same with artefacts."""
    sky = torch.rand(2, 1, 288, 288, generator=torch.Generator().manual_seed(0))
    spoilt = GRADES["ARTEFACTS_5"]
    grid = grid_of(spoilt, 6.4)
    clean = expose(scenes_of(sky), replace(spoilt, artefacts=0), grid)
    assert torch.equal(expose(scenes_of(sky), spoilt, grid), clean)
    assert not torch.equal(
        add_noise(clean, replace(spoilt, artefacts=0), ("a", "b"), 0),
        add_noise(clean, spoilt, ("a", "b"), 0),
    )


def test_blurred_sky_lacks_the_difference():
    """A sky blurred already gets what is missing in quadrature, and no more than that."""
    sharp, blurred = spot(0, 0, 0.2), spot(0, 0, float(np.hypot(0.2, 0.12 / 2.354820045)))
    grid = grid_of(EUCLID, 6.4)
    expected = expose(scenes_of(sharp[None, None]), EUCLID, grid)
    got = expose(scenes_of(blurred[None, None], already=0.12), EUCLID, grid)
    assert torch.allclose(got, expected, atol=1e-6 * float(expected.max()))
    wide = expose(scenes_of(sharp[None, None], already=5.0), EUCLID, grid)
    bare = expose(scenes_of(sharp[None, None]), replace(EUCLID, psf_fwhm=1e-9), grid)
    assert torch.allclose(wide, bare)


@pytest.mark.parametrize("size", [60, 61])
@pytest.mark.parametrize("psf_scale", [0.02, 0.03, 0.07])
def test_sampled_gaussian(size, psf_scale):
    """A Gaussian PSF given as an image, odd or even, fine or coarse, is the Gaussian."""
    axis = (np.arange(size) - (size - 1) / 2) * psf_scale
    sigma = 0.3 / 2.354820045
    kernel = np.exp(-0.5 * (axis[None, :] ** 2 + axis[:, None] ** 2) / sigma**2)
    by_image = replace(EUCLID, psf="image", psf_fwhm=0.3, psf_image=PsfImage(psf_scale, kernel))
    sky = scenes_of(spot(0.3, -0.4, 0.1)[None, None])
    grid = grid_of(EUCLID, 6.4)
    expected = expose(sky, replace(EUCLID, psf_fwhm=0.3), grid)
    error = (expose(sky, by_image, grid) - expected).abs().max() / expected.max()
    assert float(error) < 1e-4


def test_small_sky():
    """A sky smaller than the field is refused."""
    with pytest.raises(DataError, match="do not fill"):
        expose(scenes_of(torch.ones(1, 1, 100, 100)), EUCLID, grid_of(EUCLID, 6.4))
