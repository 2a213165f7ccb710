"""Exposures against lenstronomy's numerics, at equal supersampling and with the same kernels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lenstronomy.Data.imaging_data import ImageData
from lenstronomy.Data.psf import PSF
from lenstronomy.ImSim.image_model import ImageModel
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.LightModel.light_model import LightModel
from lenstronomy.Util import util

from lensbench.api.condition import Condition
from lensbench.api.dataset import Scenes
from lensbench.api.psf_image import PsfImage
from lensbench.sky.blur import moffat_profile
from lensbench.sky.observation import Grid, expose

SCALE, PIXELS, FACTOR = 0.1, 81, 3
"""Pixels of a field of 8.1″ and their supersampling: a fine grid of 243² at 0.0333″."""

FINE, SIZE = SCALE / FACTOR, PIXELS * FACTOR
FIELD = 54
"""Pixels in the middle that are compared: no kernel reaches them from outside lenstronomy's sky."""

LENSES = [
    {"theta_E": 1.2, "e1": 0.1, "e2": -0.05, "center_x": 0.02, "center_y": -0.03},
    {"theta_E": 0.8, "e1": -0.2, "e2": 0.1, "center_x": -0.1, "center_y": 0.05},
]
SOURCE = {"amp": 20.0, "R_sersic": 0.25, "n_sersic": 1.2, "e1": 0.1, "e2": 0.2}


def lenstronomy_image(kwargs_psf: dict[str, object], lens: dict[str, float], factor: int = FACTOR):
    """The lensed source behind a PSF on 81 pixels, per square arcsecond."""
    grid = util.make_grid_with_coordtransform(
        num_pix=PIXELS, delta_pix=SCALE, subgrid_res=1, left_lower=False, inverse=False
    )
    data = ImageData(
        image_data=np.zeros((PIXELS, PIXELS)),
        ra_at_xy_0=grid[2],
        dec_at_xy_0=grid[3],
        transform_pix2angle=grid[6],
        background_rms=1.0,
        exposure_time=1.0,
    )
    model = ImageModel(
        data,
        PSF(**kwargs_psf),
        lens_model_class=LensModel(["SIE"]),
        source_model_class=LightModel(["SERSIC_ELLIPSE"]),
        kwargs_numerics={
            "supersampling_factor": factor,
            "supersampling_convolution": factor > 1,
            "supersampling_kernel_size": None,  # supersample all of the kernel, not its core only
        },
    )
    source = {**SOURCE, "center_x": 0.15, "center_y": -0.1}
    return model.image([lens], [source]) / SCALE**2


def lenstronomy_sky(lens: dict[str, float]):
    """The same sky at the supersampled points, per square arcsecond."""
    grid = util.make_grid_with_coordtransform(
        num_pix=SIZE, delta_pix=FINE, subgrid_res=1, left_lower=False, inverse=False
    )
    x, y = LensModel(["SIE"]).ray_shooting(grid[0], grid[1], [lens])
    source = {**SOURCE, "center_x": 0.15, "center_y": -0.1}
    light = LightModel(["SERSIC_ELLIPSE"]).surface_brightness(x, y, [source])
    return util.array2image(light)


def condition_of(**psf: object) -> Condition:
    return Condition(
        name="test", pixel_scale=SCALE, zeropoint=25.0, sky_brightness=22.0, exposure_time=1.0,
        num_exposures=1, read_noise=1.0, **{"psf_fwhm": 0.2, **psf},
    )  # fmt: skip


def exposed(lens: dict[str, float], condition: Condition) -> np.ndarray:
    """Our exposure of the same sky on the same pixels."""
    sky = torch.from_numpy(lenstronomy_sky(lens)).float()[None, None]
    scenes = Scenes(("0",), sky, FINE, np.zeros(1))
    return expose(scenes, condition, Grid(SCALE, PIXELS))[0, 0].double().numpy()


def largest_error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Over the middle of the field, in units of the peak."""
    margin = (PIXELS - FIELD) // 2
    middle = (slice(margin, -margin), slice(margin, -margin))
    return float(np.abs(ours - theirs)[middle].max() / theirs.max())


def moffat_kernel(size: int, scale: float, fwhm: float, beta: float) -> np.ndarray:
    axis = (torch.arange(size, dtype=torch.float64) - (size - 1) / 2) * scale
    kernel = moffat_profile(axis[:, None] ** 2 + axis[None, :] ** 2, fwhm, beta).numpy()
    return kernel / kernel.sum()


def airy_like_kernel(size: int, scale: float) -> np.ndarray:
    """A lopsided PSF with a core, a ring and a spike, as an image from a telescope has them."""
    axis = (np.arange(size) - (size - 1) / 2) * scale
    x, y = np.meshgrid(axis, axis)
    radius = np.hypot(x, y)
    kernel = np.exp(-0.5 * (radius / 0.07) ** 2) + 0.05 * np.exp(
        -0.5 * ((radius - 0.3) / 0.06) ** 2
    )
    return kernel + 0.02 * np.exp(-np.abs(y) / 0.05) * np.exp(-np.abs(x - 0.1) / 0.3)


@pytest.mark.parametrize("lens", LENSES)
@pytest.mark.parametrize("fwhm", [0.16, 0.35, 0.96])
def test_gaussian(lens, fwhm):
    """Behind a Gaussian PSF images agree to 1e-4 of the peak."""
    theirs = lenstronomy_image({"psf_type": "GAUSSIAN", "fwhm": fwhm, "truncation": 6}, lens)
    assert largest_error(exposed(lens, condition_of(psf_fwhm=fwhm)), theirs) < 1e-4


@pytest.mark.parametrize("lens", LENSES)
def test_moffat(lens):
    """Behind a Moffat PSF, sampled alike, images agree to 1e-4 of the peak."""
    kernel = moffat_kernel(SIZE, FINE, 0.3, 3.0)
    theirs = lenstronomy_image(
        {
            "psf_type": "PIXEL",
            "kernel_point_source": kernel,
            "point_source_supersampling_factor": FACTOR,
        },
        lens,
    )
    condition = condition_of(psf="moffat", psf_fwhm=0.3, psf_beta=3.0)
    assert largest_error(exposed(lens, condition), theirs) < 1e-4


@pytest.mark.parametrize("lens", LENSES)
def test_image(lens):
    """Behind a PSF that is an image, not normalised, images agree to 1e-4 of the peak."""
    kernel = airy_like_kernel(61, FINE)
    theirs = lenstronomy_image(
        {
            "psf_type": "PIXEL",
            "kernel_point_source": kernel.copy(),
            "point_source_supersampling_factor": FACTOR,
        },
        lens,
    )
    condition = condition_of(psf="image", psf_image=PsfImage(FINE, 7.0 * kernel))
    assert largest_error(exposed(lens, condition), theirs) < 1e-4


@pytest.mark.parametrize("lens", LENSES)
def test_no_psf(lens):
    """Without a PSF images are means over each pixel's points."""
    theirs = lenstronomy_image({"psf_type": "NONE"}, lens)
    assert largest_error(exposed(lens, condition_of(psf_fwhm=1e-6)), theirs) < 1e-4
