"""Limits of substructure in an unknown place: against closed forms, and on lenses."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from lensbench.limits import places
from lensbench.limits.classes import (
    ClassLimit,
    class_limits,
    drawn_scenes,
    known_signal_auroc,
    refitted,
)
from lensbench.limits.places import (
    PlaceLimit,
    matched_filter_scores,
    mean_likelihood_scores,
    place_limits,
    pooled_auroc,
)
from lensbench.sky.deeplense_iv import DeepLenseFour
from lensbench.sky.instruments import CONDITIONS
from lensbench.sky.population import Population, Range


def highest_of(places: int, detectability: float) -> float:
    """AUROC of the highest of so many independent normal values, one of which may be shifted.

    ∫ Φ(t)^K d[Φ(t − d) Φ(t)^(K − 1)], with K places and a shift of d.
    """

    def density(t: float) -> float:
        alone = norm.pdf(t - detectability) * norm.cdf(t) ** (places - 1)
        others = norm.cdf(t - detectability) * (places - 1) * norm.pdf(t)
        return norm.cdf(t) ** places * (alone + others * norm.cdf(t) ** (places - 2))

    return quad(density, -8, 8 + detectability)[0]


@pytest.fixture
def many_draws(monkeypatch):
    """Areas are then right to 0.004."""
    monkeypatch.setattr(places, "_DRAWS", 20_000)


@pytest.mark.parametrize("detectability", [1.0, 3.0])
@pytest.mark.parametrize("count", [1, 4, 40])
def test_looking_elsewhere_has_the_closed_form(many_draws, count, detectability):
    """Of a perturber in one of several places that do not overlap."""
    bank = detectability * torch.eye(count, 64, dtype=torch.float64)
    found = matched_filter_scores(bank, bank[0], np.random.default_rng(0))
    assert pooled_auroc([found]) == pytest.approx(highest_of(count, detectability), abs=0.004)
    if count == 1:
        known = known_signal_auroc(np.array([detectability]))
        assert highest_of(1, detectability) == pytest.approx(known, abs=1e-6)


def test_a_weak_perturber_somewhere_before_a_linear_source_has_the_closed_form(many_draws):
    """S = a + g β_x, and a mass m with a core c takes g m x/(r² + c²) from it, in one of 16 places.

    A place reaches 0.3″, so places do not overlap. Its d′ is that of one known place, where a and g
    take almost nothing of so small a part of the image.
    """
    side, core, slope, sigma, mass = 0.02, 0.03, 5.0, 0.02, 4e-4
    axis = (torch.arange(160, dtype=torch.float64) - 79.5) * side
    x, y = torch.meshgrid(axis, axis, indexing="xy")

    def smooth(theta):
        return ((theta[0] + theta[1] * x) / sigma).flatten()

    start = torch.tensor([3.0, slope], dtype=torch.float64)

    def residual(place):
        u, v = x - place[0], y - place[1]
        near = u**2 + v**2 < 0.3**2
        deflected = slope * mass * u / (u**2 + v**2 + core**2) * near
        return refitted(smooth, start, smooth(start) - deflected.flatten() / sigma)

    grid = (-1.2, -0.4, 0.4, 1.2)
    bank = torch.stack([residual((a, b)) for a in grid for b in grid])
    ratio = (core / 0.3) ** 2
    shape = (math.log(1 + 1 / ratio) - 1 / (1 + ratio)) / 2
    expected = slope * mass / (sigma * side) * math.sqrt(math.pi * shape)
    assert bank.norm(dim=1).numpy() == pytest.approx(np.full(16, expected), rel=0.03)
    found = matched_filter_scores(bank, bank[5], np.random.default_rng(0))
    assert pooled_auroc([found]) == pytest.approx(highest_of(16, expected), abs=0.01)


def test_the_mean_likelihood_is_better_than_the_highest_value(many_draws):
    """And both are worse than knowing the place; without other places all three are equal."""
    signal = 1.5
    bank = signal * torch.eye(8, dtype=torch.float64)
    scores = [
        pooled_auroc([mean_likelihood_scores(None, bank, np.random.default_rng(0))]),
        pooled_auroc([matched_filter_scores(bank, bank[0], np.random.default_rng(0))]),
    ]
    known = known_signal_auroc(np.array([signal]))
    assert 0.5 < scores[1] < scores[0] < known
    alone = mean_likelihood_scores(None, bank[:1], np.random.default_rng(0))
    assert pooled_auroc([alone]) == pytest.approx(known, abs=0.004)


def test_two_classes_at_known_places_are_their_distance_apart(many_draws):
    """|a − b| in units of the noise, as of one known signal."""
    first = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    second = torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64)
    scores = mean_likelihood_scores(first, second, np.random.default_rng(0))
    known = known_signal_auroc(np.array([math.sqrt(2)]))
    assert pooled_auroc([scores]) == pytest.approx(known, abs=0.004)


def test_a_bound_is_never_above_that_of_the_known_signal():
    """Drawn noise may put it there by chance; NaN is no bound."""
    limit = PlaceLimit("no_sub", "cdm", (1.0,), turned=0.9)
    assert limit.auroc == known_signal_auroc(np.array([1.0]))
    assert replace(limit, turned=0.6).auroc == 0.6
    assert replace(limit, turned=math.nan).auroc == known_signal_auroc(np.array([1.0]))


def test_an_unknown_place_costs_little_of_a_strong_signal_and_much_of_a_weak_one():
    """Of lenses, under one condition at two depths."""
    hyper, pairs = CONDITIONS["HSC_I"], 3
    scores = []
    for share in (0.15, 0.02):
        population = replace(Population(), f_sub=Range(share, share))
        scenes = drawn_scenes(population, hyper, 2, 0)
        known = class_limits(scenes)
        found = place_limits(scenes, known)
        assert [(one.first, one.second) for one in found] == [
            (one.first, one.second) for one in known
        ]
        assert len(found) == pairs
        assert math.isnan(found[1].one_mass)
        scores.append([one.turned for one in found] + [found[0].one_mass])
    assert np.all(np.array(scores[1]) < scores[0])
    assert min(scores[1]) > 0.45


def test_haloes_that_have_no_angle_keep_the_bound_of_a_known_signal():
    """Model IV draws coordinates."""
    known = [ClassLimit("no_sub", "cdm", (1.0,))]
    (found,) = place_limits(drawn_scenes(DeepLenseFour(), CONDITIONS["EUCLID_VIS"], 1, 0), known)
    assert math.isnan(found.turned)
    assert math.isnan(found.one_mass)
    assert found.auroc == known[0].auroc
