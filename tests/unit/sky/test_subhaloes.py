"""Subhaloes of cold dark matter: how much mass, of which masses, in which profile."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from lensbench.sky import cosmology
from lensbench.sky.components import TruncatedNfw
from lensbench.sky.population import Range
from lensbench.sky.populations import population_of
from lensbench.sky.scenes import as_numbers
from lensbench.sky.seeds import generator_of
from lensbench.sky.subhaloes import MOST, TAU, power_law, sizes

BOUNDS = Range(1e7, 1e10)


@pytest.fixture(scope="module")
def drawn() -> list[dict[str, Any]]:
    """Scenes of `cdm-realistic`, found or not."""
    population: Any = population_of("cdm-realistic")
    uncut = population.with_cuts(None)
    return [uncut.draw(1, generator_of("realistic", i)) for i in range(200)]


def _masses(one: dict[str, Any]) -> np.ndarray:
    """Of the subhaloes that are there [M☉]."""
    per_mass = cosmology.theta_E_squared(1.0, one["z_lens"], one["z_source"])
    masses = one["f_sub"] * one["subhalo_mass"] * one["theta_E"] ** 2 / per_mass
    return masses[masses > 0]


def test_subhaloes_hold_a_hundredth_of_the_mass(drawn: list[dict[str, Any]]) -> None:
    """0.5 to 2 % of the mass within θ_E, in as many subhaloes of 10⁷ to 10¹⁰ M☉ as that takes."""
    fractions = np.array([one["f_sub"] for one in drawn])
    assert fractions.min() >= 0.005 and fractions.max() <= 0.02
    assert np.median(fractions) == pytest.approx(0.01, rel=0.15)
    for one in drawn:
        masses = _masses(one)
        assert 1 <= len(masses) < MOST
        assert masses.min() >= 1e7 * (1 - 1e-9) and masses.max() <= 1e10 * (1 + 1e-9)


def test_masses_follow_the_power_law() -> None:
    """The slope by maximum likelihood of 20,000 masses is −1.9 within three standard errors."""
    masses = power_law(20_000, BOUNDS, -1.9, generator_of("slope"))
    logs = np.log(masses / BOUNDS.low)
    span = math.log(BOUNDS.high / BOUNDS.low)

    def likelihood(slope: float) -> float:
        power = slope + 1
        return float(slope * logs.mean() + math.log(power / math.expm1(power * span)))

    slopes = np.linspace(-2.1, -1.7, 401)
    best = slopes[np.argmax([likelihood(slope) for slope in slopes])]
    assert best == pytest.approx(-1.9, abs=3 * 0.9 / math.sqrt(20_000) + 1e-3)


def test_drawn_masses_are_as_steep_as_the_mass_function(drawn: list[dict[str, Any]]) -> None:
    """A decade higher there are 10^−0.9 as many; the heaviest are rarer where they fill the sum."""
    counts = np.histogram(np.log10(np.concatenate([_masses(o) for o in drawn])), [7, 8, 9])[0]
    expected = 10**-0.9
    assert counts[1] / counts[0] == pytest.approx(expected, abs=4 * expected / counts[1] ** 0.5)


@pytest.mark.parametrize("scaled", [0.3, 1.0, 3.0, 40.0])
def test_a_subhalo_encloses_the_mass_of_its_profile(scaled: float) -> None:
    """α r is the mass in a cylinder: ρ ∝ 1/(x (1 + x)²) τ²/(τ² + x²), integrated along the sight.

    In all it is 4π ρ₀ R_s³ τ²/(τ² + 1)² [(τ² − 1) ln τ + τ π − (τ² + 1)] (Baltz et al. 2009, A.4).
    """
    mass, z_lens, z_source = 3e8, 0.5, 1.8
    squared_radius = mass * cosmology.theta_E_squared(1.0, z_lens, z_source)
    size = {n: torch.from_numpy(v) for n, v in sizes(np.array([mass]), z_lens).items()}
    origin = torch.zeros(1, dtype=torch.float64)
    alpha_Rs = squared_radius * size["subhalo_alpha_per_mass"]
    halo = TruncatedNfw(alpha_Rs, size["subhalo_Rs"], size["subhalo_r_trunc"], origin, origin)
    radius = float(scaled * size["subhalo_Rs"][0])
    at = torch.tensor([[radius]], dtype=torch.float64)
    alpha = float(halo.deflection(at, torch.zeros_like(at))[0])

    def shell(x: float) -> float:
        inside = 1 - math.sqrt(max(0.0, 1 - (scaled / x) ** 2)) if x > scaled else 1.0
        return x / (1 + x) ** 2 * TAU**2 / (TAU**2 + x**2) * inside

    cylinder = quad(shell, 0, scaled)[0] + quad(shell, scaled, np.inf, limit=200)[0]
    whole = TAU**2 / (TAU**2 + 1) ** 2
    whole *= (TAU**2 - 1) * math.log(TAU) + TAU * math.pi - TAU**2 - 1
    assert alpha * radius == pytest.approx(squared_radius * cylinder / whole, rel=1e-5)


def test_places_without_a_subhalo_deflect_nothing(drawn: list[dict[str, Any]]) -> None:
    """Of `MOST` places those with mass are haloes, and no others."""
    population = population_of("cdm-realistic")
    halo: Any = population.model(as_numbers(drawn[0]), 1).mass[-1]
    assert len(halo.Rs) == len(_masses(drawn[0])) < MOST
    assert float(halo.alpha_Rs.min()) > 0
