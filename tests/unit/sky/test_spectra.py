"""Spectra of galaxies and their colours, against published relations."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lensbench.errors import DataError
from lensbench.sky.components import Sersic, Shear
from lensbench.sky.ground import GROUND
from lensbench.sky.spectra import HIGHEST_REDSHIFT, TYPES, Filters, Spectrum

SDSS = {
    "u": (333.5, 385.8),
    "g": (407.0, 533.1),
    "r": (559.7, 674.9),
    "i": (690.7, 817.4),
}
"""Half-maxima of the response functions of Doi et al. 2010 (arXiv:1002.3701) [nm]."""


def colour(spectrum: Spectrum, blue: str, red: str) -> float:
    """A colour in the filters of the Sloan Digital Sky Survey."""
    return spectrum.magnitude(SDSS[blue]) - spectrum.magnitude(SDSS[red])


def test_early_and_late_types_lie_on_the_two_sides_of_the_published_colour():
    """u − r = 2.22 divides E from Sbc and later types (Strateva et al. 2001, astro-ph/0107201)."""
    for kind in range(len(TYPES)):
        assert (colour(Spectrum(kind, 0.0), "u", "r") > 2.22) == (kind == 0)


@pytest.mark.parametrize("z", [0.15, 0.2, 0.25, 0.3, 0.35])
def test_ellipticals_follow_the_locus_of_luminous_red_galaxies(z):
    """|r − i − (g − r)/4 − 0.18| < 0.2 below z = 0.4 (Eisenstein et al. 2001, cut I)."""
    seen = Spectrum(0.0, z)
    assert abs(colour(seen, "r", "i") - colour(seen, "g", "r") / 4 - 0.18) < 0.2
    assert colour(seen, "g", "r") > 1.0


@pytest.mark.parametrize("z", [0.0, 0.3, 0.7, 1.2])
def test_colours_become_bluer_along_the_sequence(z):
    """From E to Im g − i falls, and half a type lies in between."""
    sequence = [colour(Spectrum(step / 2, z), "g", "i") for step in range(7)]
    assert sequence == sorted(sequence, reverse=True)
    assert sequence[0] - sequence[-1] > 0.5


def test_half_a_type_has_the_mean_magnitude():
    """In a filter so narrow that it has one wavelength."""
    narrow = [Spectrum(kind, 0.2).magnitude((620.0, 620.01)) for kind in (1.0, 1.5, 2.0)]
    assert narrow[1] == pytest.approx((narrow[0] + narrow[2]) / 2, abs=1e-4)


def test_colours_stay_beyond_the_highest_redshift():
    """Where hydrogen between galaxies would matter, the last known colours are taken."""
    last, beyond = Spectrum(2.0, HIGHEST_REDSHIFT), Spectrum(2.0, 4.5)
    assert beyond.magnitude(SDSS["g"]) == last.magnitude(SDSS["g"])


def test_weights_are_the_ratios_of_fluxes_and_one_in_the_reference():
    """A galaxy that is a magnitude fainter in a filter shines 0.4 times as brightly there."""
    seen, edges = Spectrum(0.0, 0.5), (SDSS["g"], SDSS["r"], SDSS["i"])
    weights = Filters(edges, 1).weights(Sersic(20.0, 1.0, 4.0, 1.0, 0.0, 0.0, 0.0, seen))
    assert weights[1] == 1.0
    assert weights[0] == pytest.approx(10 ** (-0.4 * colour(seen, "g", "r")), rel=1e-6)
    assert weights[2] == pytest.approx(10 ** (0.4 * colour(seen, "r", "i")), rel=1e-6)


def test_a_light_without_spectrum_has_no_colours():
    """It is refused by the name of its part."""
    with pytest.raises(DataError, match="a Shear has no spectrum"):
        Filters((SDSS["g"], SDSS["r"]), 0).weights(Shear(0.1, 0.0, 0.0, 0.0))


@pytest.mark.parametrize("survey", ["des", "hsc", "rubin"])
def test_filters_of_a_survey_go_from_blue_to_red(survey):
    """Each ends farther in the red than the one before, and begins no more than 25 nm behind it."""
    edges = [c.filter_edges for c in GROUND if c.name in {f"{survey}-{band}" for band in "grizy"}]
    assert len(edges) == 5
    for (low, high), (next_low, next_high) in pairwise(edges):
        assert low < next_low < high + 25
        assert high < next_high
