"""Noise: its variance against lenstronomy's, its correlation, and what it may depend on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from lenstronomy.SimulationAPI.observation_api import SingleBand
from lenstronomy.SimulationAPI.ObservationConfig.Euclid import Euclid
from lenstronomy.SimulationAPI.ObservationConfig.Roman import Roman

from lensbench.sky.instruments import CONDITIONS
from lensbench.sky.observation import add_noise

NAMED = {condition.name: condition for condition in CONDITIONS.values()}
EUCLID = NAMED["euclid-vis"]
SIDE = 1000

THEIRS = {
    **{f"roman-{band}": (Roman, {"band": band.upper()}) for band in ("f106", "f129", "f158")},
    **{f"euclid-nisp-{band.lower()}": (Euclid, {"band": band}) for band in "YJH"},
    "euclid-vis": (Euclid, {"band": "VIS"}),
}
"""Configurations of lenstronomy whose noise is that of a condition."""

PLAIN = tuple(name for name, condition in NAMED.items() if condition.noise_correlation == 1)


def single_band(name: str) -> SingleBand:
    """lenstronomy's configuration; where a primary source has other numbers, its model of ours.

    Dark current, which lenstronomy lacks, counts as that much more sky.
    """
    if name in THEIRS:
        instrument, options = THEIRS[name]
        return SingleBand(**{**instrument(**options).kwargs_single_band(), "psf_type": "NONE"})
    ours = NAMED[name]
    rate = 10 ** (0.4 * (ours.zeropoint - ours.sky_brightness)) + ours.dark_current / (
        ours.pixel_scale**2
    )
    return SingleBand(
        pixel_scale=ours.pixel_scale,
        exposure_time=ours.exposure_time,
        num_exposures=ours.num_exposures,
        magnitude_zero_point=ours.zeropoint,
        read_noise=ours.read_noise,
        sky_brightness=ours.zeropoint - 2.5 * math.log10(rate),
        psf_type="NONE",
    )


def noisy(name: str, level: float) -> np.ndarray:
    """A million pixels [electrons/s] of a flat source this many times the sky's noise."""
    condition = NAMED[name]
    flat = torch.full((1, 1, SIDE, SIDE), level * condition.noise_level, dtype=torch.float64)
    image = add_noise(flat, condition, ("scene",), 1)[0, 0].numpy()
    return image * condition.sigma_electrons / condition.total_time


@pytest.mark.parametrize("name", PLAIN)
def test_empty_pixels(name):
    """The noise of the empty sky is lenstronomy's within 1 %, and its mean is zero."""
    theirs = single_band(name)
    ours = noisy(name, 0.0)
    assert ours.std() == pytest.approx(theirs.background_noise, rel=0.01)
    assert abs(ours.mean()) < 5 * ours.std() / SIDE


@pytest.mark.parametrize("name", PLAIN)
def test_bright_pixels(name):
    """Under a source the noise is that of lenstronomy's `noise_for_model` within 1 %."""
    condition, theirs = NAMED[name], single_band(name)
    flux = 50 * condition.sigma_electrons / condition.total_time
    drawn = theirs.noise_for_model(np.full((SIDE, SIDE), flux), seed=3)
    ours = noisy(name, 50.0)
    assert ours.std() == pytest.approx(drawn.std(), rel=0.01)
    assert ours.mean() == pytest.approx(flux, rel=0.01)


@pytest.mark.parametrize("part", ["sky", "reads"])
def test_parts(part):
    """Sky and reads each bring their own variance."""
    condition = NAMED["rubin-r-y1"]
    if part == "sky":
        condition, variance = replace(condition, read_noise=0.0), condition.sky_electrons
    else:
        variance = condition.num_exposures * condition.read_noise**2
        condition = replace(condition, sky_brightness=60.0)
    image = add_noise(torch.zeros(1, 1, SIDE, SIDE), condition, ("scene",), 0)
    assert (image * condition.sigma_electrons).var().item() == pytest.approx(variance, rel=0.01)


def test_correlated_pixels():
    """Drizzled noise has a unit variance, the neighbours' correlation and the areas' excess."""
    condition = NAMED["hst-acs-drizzled"]
    image = add_noise(torch.zeros(1, 1, SIDE, SIDE), condition, ("scene",), 0)[0, 0].numpy()
    c = condition.noise_tap
    assert image.std() == pytest.approx(1, rel=0.01)
    neighbours = (image[:, 1:] * image[:, :-1]).mean()
    assert neighbours == pytest.approx(2 * c / (1 + 2 * c**2), rel=0.02)
    blocks = image.reshape(50, 20, 50, 20).sum((1, 3)).std() / 20
    assert blocks == pytest.approx(condition.noise_correlation, rel=0.1)


def test_correlation_keeps_depth():
    """The noise of a large area is the same whether its pixels are correlated or not."""
    drizzled = NAMED["hst-acs-drizzled"]
    for condition in (drizzled, replace(drizzled, noise_correlation=1.0)):
        image = add_noise(torch.zeros(1, 1, SIDE, SIDE), condition, ("scene",), 0)[0, 0].numpy()
        blocks = image.reshape(50, 20, 50, 20).sum((1, 3)).std() * condition.sigma_electrons
        expected = 20 * replace(drizzled, noise_correlation=1.0).sigma_electrons
        assert blocks == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("name", ["euclid-vis", "hst-acs-drizzled"])
def test_batch_makes_no_difference(name):
    """A scene's noise is the same, bit for bit, in whatever batch and order it is observed."""
    image = torch.rand(5, 1, 24, 24) * 0.1
    ids = tuple("abcde")
    together = add_noise(image, NAMED[name], ids, 7)
    order = [3, 0, 4]
    some = add_noise(image[order], NAMED[name], tuple(ids[i] for i in order), 7)
    assert torch.equal(some, together[order])


def test_noise_depends_on_scene_condition_and_seed():
    """Another scene, condition or seed has other noise."""
    flat = torch.zeros(1, 1, 8, 8)
    base = add_noise(flat, EUCLID, ("a",), 0)
    others = [
        add_noise(flat, EUCLID, ("b",), 0),
        add_noise(flat, EUCLID, ("a",), 1),
        add_noise(flat, replace(EUCLID, name="other"), ("a",), 0),
    ]
    assert all(not torch.equal(base, other) for other in others)


def test_negative_sky():
    """Where less than no photon is expected none is drawn, and the image stays finite."""
    dark = torch.full((1, 1, 16, 16), -1e6)
    quiet = replace(EUCLID, read_noise=0.0)
    image = add_noise(dark, quiet, ("a",), 0)
    assert torch.allclose(
        image, torch.tensor(-quiet.sky_electrons / quiet.sigma_electrons).double()
    )
