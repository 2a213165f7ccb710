"""Units of the noise."""

from __future__ import annotations

import numpy as np
import pytest

from lensbench.training.noise import in_units_of_noise


@pytest.fixture
def images():
    """Images with a source in their middle on noise of 3 above a background of 7."""
    pixels = np.random.default_rng(0).normal(7, 3, (4, 1, 64, 64))
    pixels[:, :, 28:36, 28:36] += 500
    return pixels


def test_noise_is_found_in_the_border(images):
    """Background and noise of the border become 0 and 1."""
    scaled = in_units_of_noise(images)
    rim = scaled[:, 0, :6].reshape(4, -1)
    assert np.abs(rim.mean(1)).max() < 0.3
    assert np.abs(rim.std(1) - 1).max() < 0.2
    assert scaled.dtype == np.float32


def test_images_in_units_of_noise_stay(images):
    """A unit that begins with σ is taken at its word."""
    assert np.array_equal(in_units_of_noise(images, "σ of an empty pixel"), images.astype("f4"))


def test_a_map_of_the_noise_is_believed(images):
    """Its median over the border is the unit."""
    scaled = in_units_of_noise(images, noise=np.full((4, 64, 64), 6.0))
    rim = np.median(images[0, 0][[0, 1, 2, 3, 4, 5]])
    expected = (images[0, 0, 32, 32] - rim) / 6
    assert scaled[0, 0, 32, 32] == pytest.approx(expected, abs=0.1)


def test_images_without_noise_are_in_hundredths_of_their_peak():
    """A flat border has no noise: the peak becomes 100; where the peak is flat too, σ is of all."""
    pixels = np.full((2, 1, 64, 64), 5.0)
    pixels[0, 0, 30:34, 30:34] = 12  # more than 0.1 % of the pixels
    pixels[1, 0, 32, 32] = 12
    bright, speck = in_units_of_noise(pixels)[:, 0, 32, 32]
    assert bright == pytest.approx(100)
    assert speck == pytest.approx(7 / pixels[1].std())
