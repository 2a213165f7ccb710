"""Lens fits stay on the device that their images are on.

Tensors of the device `meta` have shapes and no values, and cannot be mixed with those of the CPU.
So a step that makes something on the CPU fails here as it would on a GPU.
"""

from __future__ import annotations

import pytest
import torch

from lensbench import condition_of
from lensbench_reference.lens_fitting.lens_fit import Optics, _step
from lensbench_reference.lens_fitting.lens_residual import Residual, first_order
from lensbench_reference.lens_fitting.lens_starts import with_disc
from lensbench_reference.lens_fitting.perturbers import CompactMass, LineOfMass
from lensbench_reference.lens_fitting.smooth_lens import CENTRE, LENS_ONLY

EUCLID = condition_of("euclid-vis")
IMAGES = torch.zeros(2, 64, 64, device="meta")


def lenses(count: int) -> torch.Tensor:
    return CENTRE[:count].repeat(2, 1).to("meta")


@pytest.mark.parametrize("count", [LENS_ONLY, 19, len(CENTRE)])
@pytest.mark.parametrize("kind", [None, CompactMass(), LineOfMass()])
def test_a_step_of_a_fit(count, kind):
    """With the light of the lens and with perturbers."""
    theta = lenses(count)
    if kind:
        theta = torch.cat([theta, theta[:, : kind.count]], 1)
    optics = Optics(EUCLID, 64, 1, kind)
    step = _step(optics, IMAGES, theta, IMAGES, torch.ones(2, device="meta").double())
    assert step.theta.shape == theta.shape
    assert step.theta.device == step.cost.device == torch.device("meta")


def test_a_disc_is_added_on_the_device():
    assert with_disc(lenses(19)).is_meta


@pytest.mark.parametrize("kind", [CompactMass(), LineOfMass()])
def test_perturbers(kind):
    """Candidates and their first-order changes."""
    theta = lenses(LENS_ONLY)
    found = Residual(Optics(EUCLID, 64, 1), IMAGES, theta, IMAGES, torch.ones_like(IMAGES))
    gain, mass = first_order(found, kind, kind.candidates(theta[:, 0].exp()))
    assert gain.is_meta and mass.is_meta
