"""Deflections agree with caustics, which has its own formulas for them."""

from __future__ import annotations

import math
import warnings
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from lensbench.sky import halos, lensing

SEEDS = range(10)


@pytest.fixture(scope="module")
def func() -> ModuleType:
    """The functions of caustics, whose import warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("caustics.func")


def _rays(random: np.random.Generator) -> tuple[Tensor, Tensor]:
    x, y = torch.from_numpy(random.uniform(-2.5, 2.5, (2, 30, 30)))
    return x, y


def _tensors(*values: float) -> list[Tensor]:
    return [torch.tensor(value, dtype=torch.float64) for value in values]


@pytest.mark.parametrize("seed", SEEDS)
def test_macro_models_deflect_as_in_caustics(func: ModuleType, seed: int) -> None:
    """SIE, EPL and multipoles give the same angles to 1e-6 arcsec."""
    random = np.random.default_rng(seed)
    x, y = _rays(random)
    theta_E, q, phi = random.uniform(0.5, 2), random.uniform(0.4, 0.95), random.uniform(0, math.pi)
    slope, a_m = random.uniform(0.6, 1.4), random.uniform(0.01, 0.1)
    zero, q_t, phi_t, theta_t, slope_t, a_t = _tensors(0, q, phi, theta_E, slope, a_m)
    m = torch.tensor([3])
    pairs = [
        (
            lensing.sie(x, y, theta_E, q, phi),
            func.reduced_deflection_angle_sie(zero, zero, q_t, phi_t, theta_t, x, y),
        ),
        (
            lensing.epl(x, y, theta_E, q, phi, slope),
            func.reduced_deflection_angle_epl(
                zero, zero, q_t, phi_t, theta_t, slope_t, x, y, n_iter=40
            ),
        ),
        (
            lensing.multipole(x, y, 3, a_m, phi),
            func.reduced_deflection_angle_multipole(zero, zero, m, a_t[None], phi_t[None], x, y),
        ),
    ]
    for ours, theirs in pairs:
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b.reshape(a.shape), atol=1e-6, rtol=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_point_masses_and_shear_deflect_as_in_caustics(func: ModuleType, seed: int) -> None:
    """A point mass and an external shear give the same angles to 1e-6 arcsec."""
    random = np.random.default_rng(seed)
    x, y = _rays(random)
    theta_E, x_0, y_0, g_1, g_2 = random.uniform(0.1, 0.9, 5)
    zero, theta_t, x_t, y_t, g_1t, g_2t = _tensors(0, theta_E, x_0, y_0, g_1, g_2)
    ours = halos.point_masses(x, y, theta_t[None] ** 2, x_t[None], y_t[None])
    theirs = func.reduced_deflection_angle_point(x_t, y_t, theta_t, x, y)
    sheared = func.reduced_deflection_angle_external_shear(zero, zero, g_1t, g_2t, x, y)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-6)
    for a, b in zip(lensing.shear(x, y, g_1, g_2), sheared, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)
