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


def test_denoising_begins_closer_to_the_truth_than_the_image():
    """A head that was not trained answers the deconvolved sky, blurred by the same PSF again."""
    condition = condition_of("euclid-vis")
    scenes = draw_scenes(Population(), "train", range(3), 0)
    clean = expose(scenes, condition, grid_of(condition, 6.4))
    images = add_noise(clean, condition, scenes.ids, 0).float()
    samples = replace(made_samples(3), condition=condition, images=images)
    head = Denoising().head(FeatureShape(6, ((6, 8),), channels=1), {})
    output = head(Features(torch.randn(3, 6), (torch.randn(3, 6, 8, 8),)), samples)
    truth = clean / condition.noise_level
    assert (output - truth).square().mean() < 0.6 * (images - truth).square().mean()
