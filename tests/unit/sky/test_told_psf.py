"""What methods are told of a PSF, the seeing of each scene, and how exactly skies are blurred."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lensbench.api.dataset import Scenes
from lensbench.api.psf_image import PsfImage
from lensbench.errors import DataError
from lensbench.sky.blur import blur_of
from lensbench.sky.grades import CONDITIONS as GRADED
from lensbench.sky.instruments import CONDITIONS, EUCLID_VIS, KIDS_R, RUBIN_R
from lensbench.sky.observation import expose, grid_of, imaging_operator, observe
from lensbench.sky.resampling import sample
from lensbench.sky.seeing import LEVELS, seen_at

IDS = tuple(f"scene-{i}" for i in range(12))


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    random = torch.Generator().manual_seed(0)
    sky = torch.rand(12, 1, 96, 96, generator=random) ** 4
    return Scenes(IDS, sky, 0.05, np.zeros(12))


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=lambda one: one.name)
def test_without_an_error_methods_are_told_the_truth(condition):
    """Of every instrument."""
    assert condition.told is condition
    assert condition.true == condition


def test_pixels_are_the_same_whatever_is_told(scenes):
    """Bit for bit; only the operator that methods get is another."""
    wrong = replace(EUCLID_VIS, psf_error=0.3, psf_error_e1=0.1)
    images = [observe(scenes, one, 4.0, 0) for one in (EUCLID_VIS, wrong)]
    assert torch.equal(*images)
    told = imaging_operator(wrong, 96, 0.05, 40, 0.1)(scenes.sky)
    stated = replace(EUCLID_VIS, psf_fwhm=1.3 * EUCLID_VIS.psf_fwhm, psf_e1=0.1)
    assert torch.equal(told, imaging_operator(stated, 96, 0.05, 40, 0.1)(scenes.sky))
    assert wrong.vector()[1] == pytest.approx(math.log10(stated.psf_fwhm))


def test_the_operator_is_the_exposure_where_the_truth_is_told(scenes):
    """Under telescopes and under seeing that differs from scene to scene."""
    for condition in (EUCLID_VIS, RUBIN_R, KIDS_R):
        grid = grid_of(condition, 4.0)
        seen = seen_at(condition, scenes.ids)
        told = imaging_operator(seen, 96, 0.05, grid.size, grid.pixel_scale)(scenes.sky)
        exposed = expose(scenes, condition, grid)
        assert torch.allclose(told, exposed, atol=1e-5 * float(exposed.max()))


def test_seeing_is_a_scenes_own():
    """The same in any batch and order, log-normal about the condition's, and none in space."""
    widths = [one.psf_fwhm for one in seen_at(KIDS_R, IDS)]
    assert widths[3:5] == [one.psf_fwhm for one in seen_at(KIDS_R, IDS[3:5])]
    many = seen_at(KIDS_R, [str(i) for i in range(4000)])
    logs = np.log([one.psf_fwhm / KIDS_R.psf_fwhm for one in many])
    assert len(set(logs)) == LEVELS
    assert logs.mean() == pytest.approx(0, abs=0.01)
    assert logs.std() == pytest.approx(KIDS_R.seeing_scatter, rel=0.1)
    assert seen_at(EUCLID_VIS, IDS) == (EUCLID_VIS,) * len(IDS)


def test_a_scene_is_exposed_alike_in_any_batch(scenes):
    """Bit for bit, though its neighbours have another seeing."""
    grid = grid_of(KIDS_R, 4.0)
    whole = expose(scenes, KIDS_R, grid)
    some = replace(scenes, ids=IDS[4:6], sky=scenes.sky[4:6], psf_fwhm=np.zeros(2))
    assert torch.equal(whole[4:6], expose(some, KIDS_R, grid))


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=lambda one: one.name)
def test_a_psf_neither_adds_nor_takes_light(condition):
    """Its transfer function is one for the mean and smaller for all else."""
    transfer = blur_of(condition, 0.0).transfer(96, 0.05)
    assert complex(transfer[0, 0]) == pytest.approx(1.0)
    assert float(transfer.abs().max()) <= 1 + 1e-9


@pytest.mark.parametrize("name", ["hst-acs", "hst-wfc3-f160w", "euclid-vis", "rubin-r", "des-r"])
def test_a_blurred_sky_is_that_of_a_finer_one(name):
    """To 1e-4 of the peak: a smooth source, sampled and blurred on pixels a fifth as large.

    The pixels of the sky are those of a scene, 0.025″; both images are sampled at the same points,
    as pixels over points of the sky would differ.
    """
    condition = CONDITIONS[name.upper().replace("-", "_")]
    images = []
    for factor in (1, 5):
        size, scale = 256 * factor, 0.025 / factor
        axis = (torch.arange(size, dtype=torch.float64) - (size - 1) / 2) * scale
        x, y = axis[None, :] - 0.11, axis[:, None] + 0.07
        source = torch.exp(-(x**2 + 2 * y**2 + x * y) / (2 * 0.09**2))
        blur = blur_of(condition, 0.0)
        images.append(sample(source[None, None], scale, 0.004, 400, blur)[0, 0])
    coarse, fine = images
    assert float((coarse - fine).abs().max() / fine.max()) < 1e-4


def test_an_image_as_a_psf_has_no_error_of_a_profile():
    """It is refused by name, with what to do instead."""
    image = PsfImage(0.05, np.ones((3, 3)))
    with pytest.raises(DataError, match="psf_error is of a profile"):
        replace(EUCLID_VIS, psf="image", psf_image=image, psf_error=0.1)


def test_grades_tell_ever_more_wrongly():
    """The image's own PSF is that of euclid-vis in each."""
    told = [GRADED[f"PSF_ERROR_{grade}"] for grade in range(1, 6)]
    same = {f.name for f in dataclasses.fields(EUCLID_VIS)} - {
        "name", "summary", "source", "psf_error", "psf_error_e1",
    }  # fmt: skip
    assert all(getattr(a, name) == getattr(EUCLID_VIS, name) for a in told for name in same)
    ratios = [one.told.psf_fwhm / EUCLID_VIS.psf_fwhm for one in told]
    assert ratios == pytest.approx([1.02, 1.05, 1.1, 1.2, 1.4])
