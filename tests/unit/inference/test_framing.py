"""What encoders can be shown."""

from __future__ import annotations

import numpy as np

from lensbench.inference.framing import cropped, flaws


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
