"""Skies: residuals in units of the noise, and denoising."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensbench import Features, FeatureShape, Population, condition_of, draw_scenes
from lensbench.sky.observation import add_noise, expose, grid_of
from lensbench.testing import made_samples
from lensbench_reference.tasks.denoising import Denoising


def residual_chi2(predictions, samples):
    return next(m for m in Denoising.metrics if m.name == "residual_chi2").compute(
        predictions, samples
    )


@pytest.mark.parametrize("name", ["euclid-vis", "hst-acs"])
def test_an_answer_as_noisy_as_the_input_has_a_chi_squared_of_one(name):
    """The noisy image itself against its noise-free one, source photons and all."""
    condition = condition_of(name)
    scenes = draw_scenes(Population(), "test", range(3), 0)
    clean = expose(scenes, condition, grid_of(condition, 6.4))
    noisy = add_noise(clean, condition, scenes.ids, 0)
    samples = replace(
        made_samples(3), condition=condition, targets={"sky": clean / condition.noise_level}
    )
    found = residual_chi2({"sky": noisy.numpy()}, samples)
    assert found == pytest.approx(np.ones(3), abs=0.06)
    assert residual_chi2({"sky": samples.targets["sky"].numpy()}, samples) == pytest.approx(0)


def test_denoising_begins_at_the_image_itself():
    """A head that was not trained changes nothing."""
    samples = made_samples(upsample=1)
    head = Denoising().head(FeatureShape(6, ((6, 8),), channels=1), {})
    output = head(Features(torch.randn(6, 6), (torch.randn(6, 6, 4, 4),)), samples)
    assert torch.allclose(output, samples.images, rtol=1e-3, atol=1e-3)
