"""Conditions against lenstronomy's noise model."""

import pytest

from lensbench.sky.instruments import CONDITIONS, DES_R, EUCLID_VIS, RUBIN_R


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=lambda c: c.name)
def test_background_noise_equals_lenstronomys(condition):
    """The noise of an empty pixel is lenstronomy's background noise [counts/s].

    Before it is spread over neighbours, where the noise is correlated.
    """
    from lenstronomy.Util.data_util import bkg_noise

    theirs = bkg_noise(
        condition.read_noise,
        condition.exposure_time,
        10 ** (0.4 * (condition.zeropoint - condition.sky_brightness)),
        condition.pixel_scale,
        condition.num_exposures,
    )
    ours = condition.sigma_electrons * condition.noise_correlation / condition.total_time
    assert ours == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(
    ("condition", "survey", "band"),
    [(EUCLID_VIS, "Euclid", "VIS"), (RUBIN_R, "LSST", "r"), (DES_R, "DES", "r")],
    ids=lambda value: getattr(value, "name", value),
)
def test_numbers_are_those_of_the_cited_configuration(condition, survey, band):
    """Where a condition cites lenstronomy, it has lenstronomy's numbers."""
    from importlib import import_module

    module = import_module(f"lenstronomy.SimulationAPI.ObservationConfig.{survey}")
    theirs = getattr(module, survey)(band=band).kwargs_single_band()
    assert condition.pixel_scale == theirs["pixel_scale"]
    assert condition.psf_fwhm == theirs["seeing"]
    assert condition.zeropoint == theirs["magnitude_zero_point"]
    assert condition.sky_brightness == theirs["sky_brightness"]
    assert condition.exposure_time == theirs["exposure_time"]
    assert condition.num_exposures == theirs["num_exposures"]
    assert condition.read_noise == theirs["read_noise"]


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=lambda c: c.name)
def test_image_size_is_a_multiple_of_eight_near_the_field(condition):
    """Images cover the field to within half of eight pixels."""
    size = condition.image_size(6.4)
    assert size % 8 == 0
    assert abs(size * condition.pixel_scale - 6.4) <= 4 * condition.pixel_scale
