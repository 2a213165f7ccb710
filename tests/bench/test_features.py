"""How fast hand-made features and fits are: `make bench` prints the rates."""

from __future__ import annotations

import time

import pytest
import torch

from lensbench import condition_of
from lensbench.testing import made_samples
from lensbench_reference.baselines.hog_svm import hog_features
from lensbench_reference.baselines.shapes import shape_features
from lensbench_reference.baselines.spectrum import spectrum_features
from lensbench_reference.lens_fitting.lens_images import Fitting, fit_lenses

COUNT = 256


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize(
    "features", [spectrum_features, hog_features, shape_features], ids=lambda one: one.__name__
)
def test_features(benchmark, one_thread, features):
    """256 images of 64² on one thread; of spectra 2,000 a second of processor time, or more."""
    images = 3 * torch.randn(COUNT, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    found = benchmark(features, images)
    assert len(found) == COUNT
    if features is spectrum_features and benchmark.enabled:
        assert COUNT / benchmark.stats.stats.median > 2000


def test_one_lens(benchmark):
    """One lens of 64² pixels fitted from five blind starts."""
    samples = made_samples(count=1, size=64)
    samples = type(samples)(**{**vars(samples), "condition": condition_of("euclid-vis")})
    fit = benchmark.pedantic(
        fit_lenses, (samples.images[:, 0], samples.condition, Fitting()), rounds=3
    )
    assert len(fit.theta) == 1
