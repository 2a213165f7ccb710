"""Conditions of several bands: each channel is what its band alone makes of the colours."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from lensbench.api.condition import Condition
from lensbench.api.dataset import Scenes
from lensbench.errors import DataError, OptionError
from lensbench.registry import load_catalogue
from lensbench.sky.components import SceneModel, Sersic
from lensbench.sky.ground import KIDS_R
from lensbench.sky.instruments import EUCLID_VIS, HSC_R, RUBIN_G, RUBIN_I, RUBIN_R
from lensbench.sky.lookalikes import KINDS, LookAlikes
from lensbench.sky.multiband import HSC_GRI, RUBIN_GRI
from lensbench.sky.observation import observe
from lensbench.sky.populations import population_of
from lensbench.sky.rendering import render_models
from lensbench.sky.scenes import draw_scenes
from lensbench.sky.seeing import widths_of
from lensbench.sky.spectra import Filters, Spectrum, filters_of
from lensbench_reference.lens_fitting.lens_images import one_image

COLOURED = ("survey", "survey@environment", "cdm-realistic", "look-alikes")


def condition(text: str) -> Condition:
    """A registered condition."""
    made: Condition = load_catalogue().build("condition", text)
    return made


@pytest.mark.parametrize("population", COLOURED)
@pytest.mark.parametrize("seen", [RUBIN_GRI, HSC_GRI], ids=lambda one: one.name)
def test_the_reference_band_is_the_condition_of_one_filter(population, seen):
    """Its channel has the bits of the image under that band alone; the others are other images."""
    scenes = draw_scenes(population_of(population), "test", [0, 1, 2, 3], 2)
    images = observe(scenes, seen, 6.4, 2)
    alone = observe(scenes, seen.reference, 6.4, 2)
    assert images.shape == (4, 3, *alone.shape[-2:])
    assert torch.equal(images[:, 1:2], alone)
    for channel in (0, 2):
        assert not torch.allclose(images[:, channel], alone[:, 0], atol=1.0)


@pytest.mark.parametrize("population", COLOURED)
def test_a_scene_has_the_same_colours_in_any_batch(population):
    """Alone or among others, to the last bit."""
    together = draw_scenes(population_of(population), "test", [4, 5, 6], 0, 48, 0.14)
    alone = draw_scenes(population_of(population), "test", [5], 0, 48, 0.14)
    assert together.through is not None and alone.through is not None
    assert torch.equal(together.through(RUBIN_GRI)[1], alone.through(RUBIN_GRI)[0])


def test_a_light_is_as_bright_in_each_filter_as_its_spectrum_says():
    """The ratio of its fluxes in the rendered sky is the weight of the filter."""
    red, blue = Spectrum(0.0, 0.5), Spectrum(3.0, 1.2)
    for spectrum in (red, blue):
        light = Sersic(20.0, 0.4, 1.0, 0.8, 0.3, 0.1, 0.0, spectrum)
        filters = filters_of(RUBIN_GRI)
        sky = render_models(lambda _, one=light: SceneModel((), (), (one,)), 1, 64, 0.1, filters)
        ratios = sky[0].sum((1, 2)) / sky[0, 1].sum()
        assert ratios.numpy() == pytest.approx(filters.weights(light), rel=1e-5)


def test_every_band_has_its_own_blur_and_noise():
    """A point is as wide in each channel as under the band alone, and empty sky scatters by one."""
    size = 128
    sky = torch.zeros(1, 3, size, size)
    sky[..., size // 2, size // 2] = 1e4
    point = Scenes(("p",), sky, 0.2, np.zeros(1))
    empty = Scenes(("e",), torch.zeros(1, 3, size, size) + 1e-3, 0.2, np.zeros(1))
    images = observe(point, RUBIN_GRI, 25.6, 0)[0]
    peaks = [float(image.max() / image.sum()) for image in images]
    assert peaks == sorted(peaks)  # i is sharper than r, and r than g
    noise = observe(empty, RUBIN_GRI, 25.6, 0)[0]
    assert noise.std((1, 2)).numpy() == pytest.approx(np.ones(3), abs=0.03)
    together = np.corrcoef(noise.flatten(1).numpy())
    assert np.abs(together - np.eye(3)).max() < 0.04


def test_arcs_are_bluer_than_lenses():
    """The median g − r of lenses is that of ellipticals at z of 0.5, of sources that of spirals."""
    survey, filters = population_of("survey"), filters_of(RUBIN_GRI)
    lens, source = [], []
    for index in range(40):
        drawn = survey.draw(0, np.random.default_rng(index))
        kinds = survey.colours(drawn, np.random.default_rng(index))
        lens.append(_g_minus_r(filters, kinds["lens_kind"], drawn["z_lens"]))
        source.append(_g_minus_r(filters, kinds["disc_kind"], drawn["z_source"]))
        assert kinds["bulge_kind"] <= kinds["disc_kind"] <= kinds["clump_kind"]
    assert 1.4 < float(np.median(lens)) < 2.2
    assert 0.0 < float(np.median(source)) < 0.6


def _g_minus_r(filters: Filters, kind: float, z: float) -> float:
    spectrum = Spectrum(float(kind), float(z))
    return spectrum.magnitude(filters.edges[0]) - spectrum.magnitude(filters.edges[1])


def test_look_alikes_have_the_colours_of_their_kind():
    """Rings are the bluest, discs seen edge-on the reddest of what looks like an arc."""
    population = LookAlikes()
    kinds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    drawn = population.draw(0, np.random.default_rng(0))
    for index in range(200):
        kind = float(index % len(KINDS))
        found = population.colours({**drawn, "kind": kind}, np.random.default_rng(index))
        kinds[KINDS[int(kind)]].append(float(found["feature_kind"]))
    medians = {kind: float(np.median(values)) for kind, values in kinds.items()}
    assert max(medians, key=medians.__getitem__) == "ring"
    assert medians["elliptical"] == 0 < medians["edge-on"] < medians["spiral"]


def test_bands_that_make_no_image_are_refused():
    """Other pixels, a filter of unknown edges, a name that is none, and one band alone."""
    for text, wrong in (
        ("of=rubin-r+hsc-r", "pixels of 0.168″ and 0.2″"),
        ("of=kids-r+kids-r", "expected two or more different bands"),
        ("of=rubin-g", "expected two or more different bands"),
        ("of=rubin-g+rubin-i,reference=rubin-r", "reference='rubin-r'"),
        ("of=rubin-g+rubin-q", "'rubin-q' is not a named condition"),
        ("of=roman-f106+roman-f129", "no filter_edges"),
    ):
        with pytest.raises(OptionError, match=wrong):
            condition(f"bands:{text}")
    with pytest.raises(DataError, match="numbers are not those of 'rubin-r'"):
        replace(RUBIN_GRI, psf_fwhm=1.0)
    with pytest.raises(DataError, match="'kids-r' has no filter_edges"):
        replace(KIDS_R, name="two", bands=(KIDS_R, KIDS_R))


def test_named_bands_are_channels_in_their_order():
    """The middle one is the reference where none is named."""
    made = condition("bands:of=rubin-i+rubin-r+rubin-g")
    assert made.bands == (RUBIN_I, RUBIN_R, RUBIN_G)
    assert made.reference == RUBIN_R
    assert condition("bands:of=rubin-i+rubin-g,reference=rubin-i").reference == RUBIN_I
    assert made.name == "bands:of=rubin-i+rubin-r+rubin-g"
    assert condition("bands").bands == RUBIN_GRI.bands


def test_custom_numbers_are_those_of_every_band(tmp_path):
    """All bands have the exposures that were given, and what methods are told differs in each."""
    made = condition("custom:base=hsc-gri,num_exposures=2,psf_error=0.1")
    assert [band.num_exposures for band in made.bands] == [2, 2, 2]
    assert made.limiting_magnitude() == made.reference.limiting_magnitude()
    for told, band in zip(made.told.bands, made.bands, strict=True):
        assert told.psf_fwhm == pytest.approx(1.1 * band.psf_fwhm)
    assert made.true.told == made.true
    with pytest.raises(OptionError, match="is of one filter, and 'hsc-gri' has 3"):
        condition(f"custom:base=hsc-gri,psf={tmp_path}/psf.fits")


@pytest.mark.parametrize(
    "change",
    [lambda one: one.over_scene(0.9), lambda one: one.on_pixels(0.3), lambda one: one.magnified(2)],
)
def test_changes_of_geometry_are_those_of_the_reference_band(change: Callable):
    """What fits a lens to one image sees the reference band under the name of the whole."""
    assert change(RUBIN_GRI) == replace(
        change(RUBIN_R), name="rubin-gri", summary=RUBIN_GRI.summary, source=RUBIN_GRI.source
    )


def test_seeing_is_that_of_the_reference_band_and_differs_between_bands():
    """Methods get the width of the reference band; each band has seeing of its own."""
    ids = tuple(f"scene-{i}" for i in range(9))
    told = widths_of(RUBIN_GRI, ids)
    assert told is not None and torch.equal(told, widths_of(RUBIN_R, ids))
    relative = [widths_of(band, ids) / band.psf_fwhm for band in RUBIN_GRI.bands]
    assert not torch.equal(relative[0], relative[1])
    assert math.isclose(RUBIN_GRI.noise_level, RUBIN_R.noise_level)


def test_scenes_without_colours_are_refused_unless_channels_are_bands():
    """Model IV has three bands of its own, one for each of the condition; a grey scene has none."""
    own = draw_scenes(population_of("deeplense-iv"), "test", [0], 0)
    images = observe(own, RUBIN_GRI, 6.4, 0)
    band = observe(replace(own, sky=own.sky[:, 2:]), RUBIN_I, 6.4, 0)
    assert torch.equal(images[:, 2:], band)
    grey = draw_scenes(population_of("pedagogical"), "test", [0], 0)
    with pytest.raises(DataError, match="scenes of 1 channels have no colours for the 3 bands"):
        observe(grey, RUBIN_GRI, 6.4, 0)


def test_a_lens_is_fitted_to_the_reference_band(tmp_path):
    """Whose PSF is known; the bands of stored images, which share one, are added up."""
    from lensbench.testing import made_samples

    samples = made_samples(count=2, channels=3)
    assert torch.equal(one_image(replace(samples, condition=HSC_GRI)), samples.images[:, 1])
    summed = one_image(replace(samples, condition=EUCLID_VIS))
    assert torch.allclose(summed, samples.images.sum(1) / math.sqrt(3))
    assert HSC_GRI.reference == HSC_R
