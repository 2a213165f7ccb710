"""Depths that follow from conditions, against those that surveys publish."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from lensbench.sky import multiband
from lensbench.sky.depths import (
    PUBLISHED,
    derived_depth,
    encircled,
    noise_equivalent_area,
    point_source_depth,
)
from lensbench.sky.instruments import CONDITIONS, EUCLID_VIS, RUBIN_R


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=lambda one: one.name)
def test_depth_is_the_published_one_within_a_fifth_of_a_magnitude(condition):
    """Zeropoint, sky, detector, exposures and PSF together reach what the survey reaches."""
    published = PUBLISHED[condition.name]
    assert derived_depth(condition, published) == pytest.approx(published.magnitude, abs=0.2)


@pytest.mark.parametrize("condition", multiband.CONDITIONS.values(), ids=lambda one: one.name)
def test_every_band_has_the_published_depth(condition):
    """A condition of several bands is made of conditions whose depths are the published ones."""
    for band in condition.bands:
        published = PUBLISHED[band.name]
        assert derived_depth(band, published) == pytest.approx(published.magnitude, abs=0.2)


def test_a_rubin_visit_has_the_effective_width_of_its_design():
    """The Moffat profile has the noise of the Gaussian of 0.83″ that the project states for r.

    Pixels, which its formula leaves out, add the rest.
    """
    fine = replace(RUBIN_R, pixel_scale=0.01)
    assert math.sqrt(noise_equivalent_area(fine) / 2.266) == pytest.approx(0.83, rel=0.03)


def test_area_and_light_of_a_gaussian():
    """4πσ² of noise, and 1 − exp(−r²/2σ²) of the light."""
    fine = replace(EUCLID_VIS, psf="gaussian", psf_fwhm=0.2, pixel_scale=0.001)
    sigma = 0.2 / 2.354820045
    assert noise_equivalent_area(fine) == pytest.approx(4 * math.pi * sigma**2, rel=1e-3)
    expected = 1 - math.exp(-(0.15**2) / (2 * sigma**2))
    assert encircled(fine, 0.3) == pytest.approx(expected, rel=1e-3)


def test_point_source_depth_is_five_times_the_noise_of_its_area():
    """A source of that magnitude leaves five times as many electrons as the area has noise."""
    c = EUCLID_VIS
    electrons = c.total_time * 10 ** (0.4 * (c.zeropoint - point_source_depth(c)))
    pixels = noise_equivalent_area(c) / c.pixel_scale**2
    assert electrons == pytest.approx(5 * c.sigma_electrons * math.sqrt(pixels))
