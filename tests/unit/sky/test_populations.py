"""Populations: reproducible to the last bit, and fair between classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lensbench.api.dataset import Scenes
from lensbench.errors import DataError, OptionError
from lensbench.sky.components import SceneModel
from lensbench.sky.images import SourceImages, WithSourceImages
from lensbench.sky.instruments import EUCLID_VIS
from lensbench.sky.lookalikes import KINDS, SHARES
from lensbench.sky.observation import add_noise, expose, grid_of
from lensbench.sky.population import Population, ScenePopulation
from lensbench.sky.populations import population_names, population_of
from lensbench.sky.rendering import render_models
from lensbench.sky.scenes import as_numbers, draw_scenes, render
from lensbench.sky.seeds import generator_of
from lensbench_reference.baselines.spectrum import spectrum_features
from lensbench_reference.datasets.lenses import Lenses

NAMES = population_names()
FAIR = tuple(name for name in NAMES if "faithful" not in name)
CLASS_TELLS = {"f_sub"}
"""Parameters that say which class it is, so need not be alike."""


def _scenes(name: str, indices: list[int], size: int = 40) -> Scenes:
    return draw_scenes(population_of(name), "test", indices, 5, size, 0.16)


@pytest.mark.parametrize("name", NAMES)
def test_a_scene_is_the_same_bits_whatever_else_is_drawn(name: str) -> None:
    """Drawn alone, in another order or another batch, a scene has the same pixels."""
    together = _scenes(name, [0, 1, 2, 3, 4])
    backwards = _scenes(name, [4, 9, 2, 0])
    alone = _scenes(name, [2])
    assert torch.equal(alone.sky[0], together.sky[2])
    assert torch.equal(backwards.sky[2], together.sky[2])
    assert torch.equal(backwards.sky[0], together.sky[4])


@given(indices=st.lists(st.integers(0, 30), min_size=1, max_size=8))
@settings(max_examples=15)
def test_any_batch_has_the_bits_of_its_scenes(indices: list[int]) -> None:
    """Every row of any batch is the scene drawn alone."""
    batch = _scenes("pedagogical", indices, size=33)
    for row, index in enumerate(indices):
        assert torch.equal(batch.sky[row], _scenes("pedagogical", [index], size=33).sky[0])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_number_of_threads_changes_no_bit(threads: int) -> None:
    """Skies are the same however many threads torch has, and the number is left as it was."""
    expected = _scenes("pedagogical", [0, 1, 2], size=200)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert torch.equal(_scenes("pedagogical", [0, 1, 2], size=200).sky, expected.sky)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", NAMES)
def test_skies_are_finite_and_shine(name: str) -> None:
    """Every class of every population gives finite, nonnegative skies with light in them."""
    sky = _scenes(name, list(range(6))).sky
    assert bool(sky.isfinite().all())
    assert float(sky.min()) >= 0
    assert float(sky.amax((1, 2, 3)).min()) > 0


@pytest.mark.parametrize(("dtype", "most"), [(np.float64, 1e-5), (np.float32, 1e-4)])
def test_tensors_and_numbers_give_the_same_sky(dtype: type, most: float) -> None:
    """The differentiable way renders what the fast way does, to its precision."""
    population, labels = Population(), range(3)
    drawn = [population.draw(label, generator_of("same", label)) for label in labels]
    stacked = {
        name: torch.from_numpy(np.stack([one[name] for one in drawn]).astype(dtype))
        for name in drawn[0]
    }
    slow = render(stacked, torch.tensor(labels), 60, 0.1, False)
    models = [population.model(as_numbers(one), label) for label, one in enumerate(drawn)]
    fast = render_models(models.__getitem__, len(models), 60, 0.1)[:, 0]
    assert float((slow - fast).abs().max()) < most * float(slow.max())


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:FutureWarning")  # by torch itself
def test_derivatives_agree_with_differences() -> None:
    """Forward derivatives of the sky with respect to θ_E are those of finite differences."""
    drawn = Population().draw(1, generator_of("slope", 0))
    p = {name: torch.from_numpy(np.asarray(v, dtype=np.float64))[None] for name, v in drawn.items()}
    label, step = torch.tensor([1]), 1e-6

    def sky(theta_E: torch.Tensor) -> torch.Tensor:
        return render({**p, "theta_E": theta_E}, label, 24, 0.25, True)

    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(p["theta_E"], torch.ones_like(p["theta_E"]))
        exact = torch.autograd.forward_ad.unpack_dual(sky(dual)).tangent
    assert exact is not None
    difference = (sky(p["theta_E"] + step) - sky(p["theta_E"] - step)) / (2 * step)
    assert float((exact - difference).abs().max()) < 1e-3 * float(exact.abs().max())


@pytest.mark.parametrize("name", FAIR)
def test_class_irrelevant_parameters_are_alike_in_every_class(name: str) -> None:
    """No parameter but the substructure's own tells the class (Kolmogorov-Smirnov)."""
    population, count = population_of(name), 150
    if hasattr(population, "with_cuts"):  # cuts: see `test_detectability`
        population = population.with_cuts(None)
    drawn = [
        [population.draw(label, generator_of("fair", name, label, i)) for i in range(count)]
        for label in range(len(population.classes))
    ]
    for parameter in set(drawn[0][0]) - CLASS_TELLS:
        values = [[np.ravel(one[parameter])[0] for one in of] for of in drawn]
        for other in values[1:]:
            assert ks_2samp(values[0], other).pvalue > 1e-5, parameter


def test_the_test_of_fairness_finds_the_leak_of_model_four() -> None:
    """In the faithful Model IV the Einstein radius tells the class."""
    population = population_of("deeplense-iv-faithful")
    radii = [
        [population.draw(label, generator_of("leak", label, i))["theta_E"] for i in range(50)]
        for label in (0, 1)
    ]
    assert ks_2samp(*radii).pvalue < 1e-10


@dataclass(frozen=True)
class Smooth(ScenePopulation):
    """A population whose classes have lost their substructure and kept all else."""

    population: Any

    @property
    def target(self) -> str:
        return self.population.target

    @property
    def classes(self) -> tuple[str, ...]:
        return self.population.classes

    def draw(self, label: int, random: np.random.Generator) -> dict[str, float | np.ndarray]:
        return {**self.population.draw(label, random), "f_sub": 0.0}

    def model(self, parameters: Mapping[str, float | torch.Tensor], label: int) -> SceneModel:
        return self.population.model(parameters, 0)


def _attack(population: Any, count: int = 450) -> float:
    """AUROC, a class against the rest, of hand-made features and a logistic regression."""
    scenes = draw_scenes(population, "attack", range(count), 0, 72, 0.1)
    image = expose(scenes, EUCLID_VIS, grid_of(EUCLID_VIS, 6.4))
    features = spectrum_features(add_noise(image, EUCLID_VIS, scenes.ids, 0).float())
    labels = scenes.targets["substructure"]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
    probability = cross_val_predict(model, features, labels, cv=5, method="predict_proba")
    return float(roc_auc_score(labels, probability, multi_class="ovr"))


@pytest.mark.parametrize("name", ["pedagogical", "survey", "deeplense-i", "deeplense-ii"])
def test_without_substructure_a_shortcut_attack_learns_nothing(name: str) -> None:
    """Power spectrum, moments and a logistic regression stay near chance: 0.5 ± 0.07."""
    assert _attack(Smooth(population_of(name))) == pytest.approx(0.5, abs=0.07)


def test_the_shortcut_attack_breaks_the_faithful_release() -> None:
    """Where lens and source are fixed, as in the release, the same attack tells the classes."""
    assert _attack(population_of("deeplense-ii-faithful")) > 0.85


def test_an_image_takes_the_place_of_the_source() -> None:
    """With images, nothing but the source differs, and an image lenses as a part of its scene."""
    pixels = torch.rand(1, 20, 20, generator=torch.Generator().manual_seed(0))
    population = Population()
    images = WithSourceImages(population, SourceImages((pixels, 2 * pixels), 0.05))
    plain, real = (draw_scenes(p, "test", [0, 1, 2], 0, 64, 0.1) for p in (population, images))
    for name, values in plain.parameters.items():
        assert np.array_equal(values, real.parameters[name])
    assert set(real.parameters["source_image"]) <= {0.0, 1.0}
    assert float(real.sky.max()) <= 2
    assert not torch.equal(plain.sky, real.sky)


@pytest.mark.parametrize("pixels", [(), (torch.zeros(5, 5),), (torch.full((1, 5, 5), np.nan),)])
def test_unfit_source_images_are_refused(pixels: tuple[torch.Tensor, ...]) -> None:
    """No image, an image without channels and one with NaN are named errors."""
    with pytest.raises(DataError):
        SourceImages(pixels, 0.05)


def test_an_unknown_population_is_refused_with_the_nearest_names() -> None:
    """A misspelled name is an error that names what is close."""
    with pytest.raises(OptionError, match="survy") as error:
        population_of("survy")
    assert "survey" in error.value.hint


def _look_alikes(count: int) -> list[dict[str, Any]]:
    """Parameters of non-lenses, whether their lenses would be found or not."""
    population: Any = population_of("look-alikes")
    uncut = population.with_cuts(None)
    return [as_numbers(uncut.draw(0, generator_of("alike", i))) for i in range(count)]


def test_kinds_of_look_alikes_come_in_their_shares() -> None:
    """Each within four standard errors of its share; ellipticals are below a quarter."""
    kinds = [KINDS[int(one["kind"])] for one in _look_alikes(600)]
    for kind, share in SHARES.items():
        error = (share * (1 - share) / len(kinds)) ** 0.5
        assert kinds.count(kind) / len(kinds) == pytest.approx(share, abs=4 * error), kind
    assert sum(SHARES.values()) == pytest.approx(1)
    assert SHARES["elliptical"] < 0.25


def test_look_alikes_share_neighbours_and_brightness_with_lenses() -> None:
    """Lens or not, neighbours are the same; nothing is lensed, and what stands for arcs shines."""
    population = population_of("look-alikes")
    seen = set()
    for drawn in _look_alikes(60):
        kind = KINDS[int(drawn["kind"])]
        seen.add(kind)
        lens, other = population.model(drawn, 1), population.model(drawn, 0)
        assert lens.sources and not other.sources and not other.mass
        assert other.lights[1 : len(lens.lights)] == lens.lights[1:]  # the neighbours
        same_centre = other.lights[0] == lens.lights[0]
        assert same_centre == (kind != "spiral")
        more = other.lights[len(lens.lights) :]
        assert len(more) == {"elliptical": 0, "merger": 2}.get(kind, 1)
        arcs: Any
        for arcs in more:
            assert arcs.magnitude == drawn["source_magnitude"] - drawn["magnification"]
    assert seen == set(KINDS)


def test_the_bulge_of_a_spiral_is_faint() -> None:
    """One to three magnitudes fainter than a lens galaxy, of the same surface brightness."""
    population = population_of("look-alikes")
    for drawn in _look_alikes(30):
        if KINDS[int(drawn["kind"])] == "spiral":
            bulge: Any = population.model(drawn, 0).lights[0]
            fainter = bulge.magnitude - drawn["lens_magnitude"]
            assert 1 <= fainter <= 3
            area = (bulge.R_sersic / drawn["lens_radius"]) ** 2
            assert 10 ** (-0.4 * fainter) == pytest.approx(area)


@pytest.mark.parametrize("name", ["pedagogical", "survey@source", "deeplense-iv", "look-alikes"])
def test_the_dataset_takes_a_population_by_name(name: str) -> None:
    """`lenses:population=NAME` has that population's class target and scenes."""
    dataset = Lenses(Lenses.Options(population=name))
    population = population_of(name)
    scenes = dataset.scenes("test", [0, 1], 3)
    assert dataset.targets[population.target].classes == population.classes
    assert set(scenes.targets) == set(dataset.targets) - {"sky"}
    assert torch.equal(scenes.sky, draw_scenes(population, "test", [0, 1], 3).sky)


def test_look_alikes_may_be_many_for_each_lens():
    """Ten others, then a lens; the lens of an index is the same scene as where there is one."""
    from lensbench_reference.datasets.lenses import Lenses

    dataset = Lenses(Lenses.Options(population="look-alikes", others=10))
    labels = [int(dataset.scenes("test", [i], 0).targets["lens"][0]) for i in (0, 9, 10, 21, 22)]
    assert labels == [0, 0, 1, 1, 0]
    plain = Lenses(Lenses.Options(population="look-alikes")).scenes("test", [21], 0)
    assert np.array_equal(plain.sky, dataset.scenes("test", [21], 0).sky)
    with pytest.raises(OptionError, match="others is no option of population 'survey'"):
        Lenses(Lenses.Options(others=2))
