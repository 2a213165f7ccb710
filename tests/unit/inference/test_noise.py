"""Units of the noise."""

from __future__ import annotations

import numpy as np
import pytest

from lensbench.inference.noise import cropped, flaws, in_units_of_noise


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


def test_it_is_what_stored_images_are_trained_on(images):
    """The rule is that of the dataset `stored`, with noise, without, and of half a constant."""
    from lensbench_reference.datasets.stored import in_sigma

    bare = images.copy()
    bare[1] = 0
    bare[1, :, 30:, 30:] = 2
    for pixels in (images, bare):
        expected = np.stack([in_sigma(one[0]) for one in pixels])
        assert np.allclose(in_units_of_noise(pixels)[:, 0], expected, rtol=1e-5, atol=1e-5)


def test_sides_become_multiples_of_eight_about_the_centre():
    """What is taken off is taken off evenly."""
    pixels = np.arange(20 * 18).reshape(1, 1, 20, 18)
    assert np.array_equal(cropped(pixels), pixels[:, :, 2:18, 1:17])


def test_flaws_are_named():
    """NaN, constant and tiny images are told from good ones."""
    pixels = np.random.default_rng(0).normal(size=(3, 1, 16, 16))
    pixels[1, 0, 3, 3] = np.inf
    pixels[2] = 4
    assert flaws(pixels) == ["", "pixels are NaN or infinite", "it is constant"]
    assert "4 × 4" in flaws(pixels[:, :, :4, :4])[0]
