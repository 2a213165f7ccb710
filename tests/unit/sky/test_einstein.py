"""The label is the Einstein radius of the whole lens, whatever its substructure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score
from torch import Tensor

from lensbench.sky.components import SceneModel, Sie
from lensbench.sky.lensing import elliptical_mean
from lensbench.sky.populations import population_names, population_of
from lensbench.sky.scenes import as_numbers
from lensbench.sky.seeds import generator_of
from lensbench_reference.lens_fitting.smooth_lens import einstein_radius, smooth_lens

CORRECTED = [name for name in population_names() if "faithful" not in name]
RADII = torch.arange(0.3, 3.2, 0.05, dtype=torch.float64)


COUNTS = {"survey": 16, "pedagogical": 16, "cdm-realistic": 3, "deeplense-iv": 1}
"""Scenes of a class that the ruler measures; those with many haloes take a second each."""


def uncut(name: str) -> Any:
    """The population without its cuts, which look at no substructure; see `test_detectability`."""
    population = population_of(name)
    return population.with_cuts(None) if hasattr(population, "with_cuts") else population


def _mean_convergence(
    lens: SceneModel, x: float, y: float, radii: Tensor, directions: int = 2000
) -> Tensor:
    """Of circles (R,) about the centre: ∮ α·r̂ dφ/(2π θ)."""
    angle = torch.arange(directions, dtype=torch.float64) * (2 * math.pi / directions)
    cos, sin = torch.cos(angle), torch.sin(angle)
    a_x, a_y = lens.deflection(x + radii[:, None] * cos, y + radii[:, None] * sin)
    return (a_x * cos + a_y * sin).mean(-1) / radii


def _ruler(lens: SceneModel, x: float, y: float) -> list[float]:
    """All radii at which the mean convergence falls through one, found without the label."""
    more = _mean_convergence(lens, x, y, RADII, 400) > 1
    found = []
    for i in torch.nonzero(more[:-1] & ~more[1:])[:, 0].tolist():
        low, high = RADII[i] - 2e-3, RADII[i + 1] + 2e-3
        for _ in range(18):
            middle = (low + high) / 2
            inside = bool(_mean_convergence(lens, x, y, middle[None])[0] > 1)
            low, high = (middle, high) if inside else (low, middle)
        found.append(float(low + high) / 2)
    return found


def _double(drawn: dict[str, float | Tensor]) -> dict[str, float | Tensor]:
    return {n: v.double() if isinstance(v, Tensor) else v for n, v in drawn.items()}


@pytest.mark.parametrize("name", CORRECTED)
def test_a_perfect_ruler_measures_the_label(name: str) -> None:
    """In every class, |bias| < 1e-4″ and rms < 5e-4″."""
    population = uncut(name)
    count = COUNTS.get(name, 4)
    for label, of in enumerate(population.classes):
        if of == "non_lens":
            continue
        errors = []
        for i in range(count):
            drawn = population.draw(label, generator_of("ruler", label, i))
            lens = population.model(_double(as_numbers(drawn)), label)
            radii = _ruler(lens, float(drawn.get("lens_x", 0)), float(drawn.get("lens_y", 0)))
            assert len(radii) == 1, (of, i, radii)
            errors.append(radii[0] - float(drawn["theta_E"]))
        assert abs(float(np.mean(errors))) < 1e-4, of
        assert float(np.sqrt(np.mean(np.square(errors)))) < 5e-4, of


@pytest.mark.parametrize("name", CORRECTED)
def test_the_radius_does_not_tell_the_class(name: str) -> None:
    """AUROC within three standard errors, 0.043, of one half; a label that leaked had 0.545."""
    population, count = uncut(name), 800
    radii = [
        [population.draw(c, generator_of("radius", name, c, i))["theta_E"] for i in range(count)]
        for c in range(len(population.classes))
    ]
    for other in radii[1:]:
        assert ks_2samp(radii[0], other).pvalue > 1e-3
        labels = np.repeat([0, 1], count)
        auroc = roc_auc_score(labels, np.concatenate([radii[0], other]))
        error = math.sqrt((2 * count + 1) / (12 * count**2))
        assert abs(auroc - 0.5) < 3 * error


def test_the_faithful_release_labels_the_macro_lens() -> None:
    """There the vortex adds to the Einstein radius, as in the release's code."""
    population = population_of("deeplense-i-faithful")
    corrected = population_of("deeplense-i")
    for one, same in ((population, True), (corrected, False)):
        drawn = one.draw(2, generator_of("ruler", 0))
        macro: Any = one.model(as_numbers(drawn), 2).mass[0]
        assert (macro.theta_E == drawn["theta_E"]) is same


def test_few_lenses_have_more_than_one_such_radius() -> None:
    """Subhaloes keep clear of θ_E, so that the mean convergence falls through one once."""
    population, several = uncut("survey"), 0
    for i in range(300):
        drawn = population.draw(1, generator_of("unique", i))
        mass, place = drawn["f_sub"] * drawn["subhalo_mass"], drawn["subhalo_radius"]
        radius = np.unique(np.concatenate([np.linspace(0.3, 2, 500), place - 1e-9, place + 1e-9]))
        inside = (mass * (place < radius[:, None])).sum(1)
        macro = 1 - mass[place < 1].sum()
        above = macro * radius ** -drawn["slope"] + inside / radius**2 > 1
        several += int(np.count_nonzero(above[:-1] & ~above[1:]) != 1)
    assert several <= 1


@pytest.mark.parametrize("q", [0.35, 0.6, 0.9])
@pytest.mark.parametrize("slope", [0.7, 1.0, 1.4])
def test_the_mean_over_directions_is_that_of_quadrature(q: float, slope: float) -> None:
    """⟨ρ^−t⟩ on the unit circle, by ten thousand directions."""
    phi = (np.arange(10_000) + 0.5) * (2 * math.pi / 10_000)
    rho = np.sqrt(q * np.cos(phi) ** 2 + np.sin(phi) ** 2 / q)
    assert elliptical_mean(q, slope) == pytest.approx((rho**-slope).mean(), rel=1e-6)


def test_a_fitted_lens_reports_the_circularised_radius() -> None:
    """An SIE's own θ_E is larger than the radius of mean convergence one; the fit gives that."""
    sie = Sie(1.2, 0.6, 0.4, 0.1, -0.05)
    (radius,) = _ruler(SceneModel((sie,)), 0.1, -0.05)
    assert sie.einstein_radius() == pytest.approx(radius, abs=1e-5)
    assert radius < 1.19
    theta = torch.zeros(14, dtype=torch.float64)
    theta[:5] = torch.tensor([0.2, 0.15, -0.1, 0.1, -0.05])
    fitted = smooth_lens(theta)
    (expected,) = _ruler(SceneModel(fitted.mass), 0.1, -0.05)
    assert float(einstein_radius(theta)) == pytest.approx(expected, abs=1e-5)
