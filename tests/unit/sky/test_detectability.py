"""Cuts keep the lenses that a survey can find, and tell nothing of their substructure."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from lensbench import condition_of
from lensbench.errors import OptionError
from lensbench.sky.assembly import assemble
from lensbench.sky.components import SceneModel, Sersic, Sie
from lensbench.sky.detectability import Cuts, arcs_over_noise, detected, signal_to_noise
from lensbench.sky.instruments import EUCLID_VIS
from lensbench.sky.light import flux
from lensbench.sky.population import CLASSES, Range
from lensbench.sky.scenes import as_numbers
from lensbench.sky.seeds import generator_of
from lensbench.sky.survey import Survey
from lensbench_reference.datasets.lenses import Lenses

CUTS = Cuts(EUCLID_VIS)
COUNT = 120


@pytest.fixture(scope="module")
def drawn() -> list[list[dict[str, Any]]]:
    """Scenes of the survey, by class."""
    survey = Survey()
    return [
        [survey.draw(label, generator_of("cut", label, i)) for i in range(COUNT)]
        for label in range(len(CLASSES))
    ]


def test_a_faint_even_source_has_the_signal_to_noise_of_its_best_pixels() -> None:
    """A patch of n pixels of signal s above noise σ has s √n/σ, where s adds no photons itself."""
    quiet = replace(EUCLID_VIS, psf_fwhm=1e-3)
    sky = torch.zeros(96, 96)
    sky[32:64, 32:64] = 1e-3 * quiet.noise_level  # 2.4 by 2.4 arcsec: 24 by 24 pixels
    expected = 1e-3 * 24
    found = signal_to_noise(sky, torch.zeros(96, 96), quiet)
    assert found == pytest.approx(expected, rel=0.02)
    assert signal_to_noise(2 * sky, torch.zeros(96, 96), quiet) == pytest.approx(
        2 * found, rel=0.01
    )


def test_light_in_front_adds_noise() -> None:
    """By its photons: as much light as the empty sky and reads have variance takes √2."""
    sky = torch.full((96, 96), 1e-4 * EUCLID_VIS.noise_level)
    front = torch.full((96, 96), EUCLID_VIS.sigma_electrons**2 / EUCLID_VIS.electrons_per_sb)
    alone, covered = (signal_to_noise(sky, f, EUCLID_VIS) for f in (0 * front, front))
    assert alone / covered == pytest.approx(math.sqrt(2), rel=1e-3)


def _sphere(beta: float, magnitude: float, radius: float = 0.1) -> SceneModel:
    """An isothermal sphere of 1″ with a source at β."""
    source = Sersic(magnitude, radius, 1.0, 1.0, 0.0, beta, 0.0)
    return SceneModel((Sie(1.0, 0.9999, 0.0, 0.0, 0.0),), (source,))


def test_a_source_is_magnified_as_an_isothermal_sphere_does() -> None:
    """μ = 2 θ_E/β: at a cut of three, sources within two thirds of θ_E pass, and no others."""
    for beta, passes in ((0.5, True), (0.62, True), (0.72, False), (0.9, False)):
        assert detected(_sphere(beta, 22.0), 22.0, 0.1, CUTS) is passes
    assert float(flux(23.9)) == pytest.approx(1.0)


def test_faint_and_unresolved_lenses_fail() -> None:
    """A source of 28 mag is lost in the noise; an image has to be apart from its counter-image."""
    assert detected(_sphere(0.3, 24.0), 24.0, 0.1, CUTS)
    assert not detected(_sphere(0.3, 28.0), 28.0, 0.1, CUTS)
    assert CUTS.resolve(0.2, 0.05) and not CUTS.resolve(0.1, 0.05) and not CUTS.resolve(0.6, 0.6)
    ground = Cuts(condition_of("des-i"))
    assert CUTS.resolve(0.6, 0.1) and not ground.resolve(0.6, 0.1)


@pytest.mark.parametrize("magnitude", [22.0, 24.0, 25.5])
def test_a_cut_at_the_signal_to_noise_ratio_divides(magnitude: float) -> None:
    """Bounds that spare sorting the pixels decide as the ratio itself does, bright or faint."""
    lens = _sphere(0.3, magnitude)
    ratio = arcs_over_noise(lens, EUCLID_VIS)
    for snr in (ratio / 3, ratio / 1.05, ratio * (1 - 1e-6), ratio * (1 + 1e-6), ratio * 3):
        assert detected(lens, magnitude, 0.1, Cuts(EUCLID_VIS, snr)) is (ratio > snr)


def test_every_scene_of_the_survey_passes_its_cuts(drawn: list[list[dict[str, Any]]]) -> None:
    """Without them most lenses would fail."""
    every = Survey(cuts=None)
    free = [every.draw(1, generator_of("free", i)) for i in range(60)]
    for of in drawn:
        assert all(_passes(one) for one in of[:10])
    assert 0.1 < np.mean([_passes(one) for one in free]) < 0.5


def _passes(one: dict[str, Any]) -> bool:
    radius = one["source_radius"]
    clear = CUTS.resolve(one["theta_E"], radius)
    return clear and detected(_lens(one), one["source_magnitude"], radius, CUTS)


@pytest.mark.parametrize("what", ["theta_E", "source_magnitude", "lens_magnitude", "snr"])
def test_cuts_do_not_tell_the_class(drawn: list[list[dict[str, Any]]], what: str) -> None:
    """AUROC of radius, magnitudes and signal-to-noise within 99 % intervals of one half."""
    values = [[_value(one, what) for one in of] for of in drawn]
    error = math.sqrt((2 * COUNT + 1) / (12 * COUNT**2))
    for other in values[1:]:
        auroc = roc_auc_score(np.repeat([0, 1], COUNT), np.concatenate([values[0], other]))
        assert abs(auroc - 0.5) < 2.58 * error


def _value(one: dict[str, Any], what: str) -> float:
    return arcs_over_noise(_lens(one), EUCLID_VIS) if what == "snr" else float(one[what])


def _lens(one: dict[str, Any]) -> SceneModel:
    """The lens as cuts look at it: without substructure and neighbours, of a smooth source."""
    beside = ("neighbour", "bulge", "clump")
    alone = {name: value for name, value in one.items() if not name.startswith(beside)}
    return assemble(as_numbers(alone), "no_sub", lens_light=True)


def test_a_scene_is_the_same_for_every_class_but_its_substructure() -> None:
    """The cut looks at the smooth lens, so the same random numbers give the same lens."""
    survey = Survey()
    smooth, cdm, vortex = (survey.draw(label, generator_of("same", 3)) for label in range(3))
    for name, values in smooth.items():
        if name != "f_sub":
            assert np.array_equal(values, cdm[name]) and np.array_equal(values, vortex[name])


def test_the_dataset_asks_for_cuts_under_any_condition() -> None:
    """`cuts=NAME`, or none at all; other numbers are another dataset to the store."""
    plain = Lenses(Lenses.Options())
    deep = Lenses(Lenses.Options(cuts="hst-acs", snr=50.0))
    assert plain.population.cuts == CUTS
    assert (deep.population.cuts.condition.name, deep.population.cuts.snr) == ("hst-acs", 50.0)
    assert Lenses(Lenses.Options(cuts="none")).population.cuts is None
    assert len({plain.digest(), deep.digest(), Lenses(Lenses.Options(cuts="none")).digest()}) == 3
    look_alikes = Lenses(Lenses.Options(population="look-alikes", cuts="rubin-r"))
    assert look_alikes.population.survey.cuts.condition.name == "rubin-r"
    with pytest.raises(OptionError, match="'pedagogical' knows no cuts"):
        Lenses(Lenses.Options(population="pedagogical", snr=5.0))


def test_lenses_are_those_of_the_published_forecast(drawn: list[list[dict[str, Any]]]) -> None:
    """Medians of the 8,644 lenses of 0.6 to 2 arcsec in LensPop's table for Euclid.

    Collett 2015, `lenses_Euclid.txt` of github.com/tcollett/LensPop.
    """
    published = {
        "z_lens": (0.55, 0.06), "z_source": (1.83, 0.15), "theta_E": (0.89, 0.06),
        "sigma_v": (244.2, 8.0), "lens_magnitude": (19.73, 0.4), "lens_radius": (0.63, 0.06),
        "source_magnitude": (25.30, 0.25), "source_radius": (0.14, 0.03),
    }  # fmt: skip
    for name, (median, margin) in published.items():
        found = np.median([one[name] for of in drawn for one in of])
        assert found == pytest.approx(median, abs=margin), name


def test_structure_of_the_source_keeps_its_light_and_changes_no_lens() -> None:
    """Bulge, clumps and disc have its magnitude; other shares are those of the same lens."""
    survey = Survey()
    brighter = replace(survey, clump_share=Range(0.08, 0.15))
    for number in range(20):
        one, other = (of.draw(0, generator_of("clumps", number)) for of in (survey, brighter))
        parts = survey.model(as_numbers(one), 0).sources
        assert len(parts) == 6
        light = sum(float(flux(part.magnitude)) for part in parts)  # type: ignore[attr-defined]
        assert light == pytest.approx(float(flux(one["source_magnitude"])), rel=1e-5)
        assert (one["clump_fraction"] >= 0.01).all() and (one["clump_fraction"] <= 0.08).all()
        assert (other["clump_fraction"] >= 0.08).all()
        same = {name for name in one if name != "clump_fraction"}
        assert all(np.array_equal(one[name], other[name]) for name in same)
