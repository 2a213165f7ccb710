"""Conditions against lenstronomy's noise model."""

import pytest

from lensbench.sky.instruments import CONDITIONS, DES_R, EUCLID_VIS, RUBIN_R


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=lambda c: c.name)
def test_background_noise_equals_lenstronomys(condition):
    """The noise of an empty pixel is lenstronomy's background noise [counts/s].

    Before it is spread over neighbours, where the noise is correlated. Dark current, which
    lenstronomy lacks, counts as that much more sky.
    """
    from lenstronomy.Util.data_util import bkg_noise

    theirs = bkg_noise(
        condition.read_noise,
        condition.exposure_time,
        10 ** (0.4 * (condition.zeropoint - condition.sky_brightness))
        + condition.dark_current / condition.pixel_scale**2,
        condition.pixel_scale,
        condition.num_exposures,
    )
    ours = condition.sigma_electrons * condition.noise_correlation / condition.total_time
    assert ours == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(
    ("condition", "survey", "band", "other"),
    [
        (EUCLID_VIS, "Euclid", "VIS", {"psf_fwhm": (0.144, 0.16)}),
        (DES_R, "DES", "r", {"psf_fwhm": (0.933, 0.96), "num_exposures": (8, 10)}),
        (
            RUBIN_R,
            "LSST",
            "r",
            {
                "psf_fwhm": (0.734, 0.73),
                "zeropoint": (28.36, 28.13),
                "sky_brightness": (21.07, 21.2),
                "num_exposures": (368, 460),
                "read_noise": (9.0, 10),
            },
        ),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_numbers_are_lenstronomys_but_where_a_primary_source_differs(
    condition, survey, band, other
):
    """Each number is that of the cited configuration, or one that a paper or a technote has."""
    from importlib import import_module

    module = import_module(f"lenstronomy.SimulationAPI.ObservationConfig.{survey}")
    theirs = getattr(module, survey)(band=band).kwargs_single_band()
    names = {"psf_fwhm": "seeing", "zeropoint": "magnitude_zero_point"}
    for name in (
        "pixel_scale", "psf_fwhm", "zeropoint", "sky_brightness", "exposure_time",
        "num_exposures", "read_noise",
    ):  # fmt: skip
        pair = (getattr(condition, name), theirs[names.get(name, name)])
        assert pair == pytest.approx(other.get(name, (pair[1], pair[1]))), name


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=lambda c: c.name)
def test_image_size_is_a_multiple_of_eight_near_the_field(condition):
    """Images cover the field to within half of eight pixels."""
    size = condition.image_size(6.4)
    assert size % 8 == 0
    assert abs(size * condition.pixel_scale - 6.4) <= 4 * condition.pixel_scale
