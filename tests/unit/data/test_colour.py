"""Colour pictures of three bands."""

from __future__ import annotations

import numpy as np
import pytest

from lensbench.data.colour import colours


def bands(*levels: float) -> np.ndarray:
    """Noise with two sources, the second ten times as bright, of these levels in the bands."""
    random = np.random.default_rng(0)
    pixels = random.normal(100, 1, (3, 64, 64))
    for band, level in zip(pixels, levels, strict=True):
        band[20:24, 20:24] += level
        band[40:44, 40:44] += 10 * level
    return pixels


def test_colour_does_not_depend_on_brightness() -> None:
    """Twice as red as green stays that, ten times as bright: the point of Lupton's stretch."""
    shown = colours(bands(200.0, 100.0, 50.0))
    faint, bright = shown[20:24, 20:24].mean((0, 1)), shown[40:44, 40:44].mean((0, 1))
    assert bright.sum() > 1.2 * faint.sum()
    for colour in (faint, bright):
        assert colour[0] / colour[1] == pytest.approx(2, rel=0.1)
        assert colour[1] / colour[2] == pytest.approx(2, rel=0.1)
    assert shown.min() >= 0 and shown.max() <= 1
    assert np.median(shown) < 0.15


@pytest.mark.parametrize(
    ("names", "reddest"),
    [((), 0), (("g", "r", "i"), 2), (("F814W", "F606W", "F475W"), 0), (("hsc-z", "g", "y"), 2)],
)
def test_the_reddest_band_is_red(names: tuple[str, ...], reddest: int) -> None:
    """By the bands' names where they are known, else the first."""
    levels = [10.0, 10.0, 10.0]
    levels[reddest] = 200.0
    shown = colours(bands(*levels), names)
    assert shown[40:44, 40:44].mean((0, 1)).argmax() == 0


def test_unknown_and_constant_bands_are_black() -> None:
    """NaN and empty bands make no warning and no light."""
    pixels = np.zeros((3, 8, 8))
    pixels[0, 2, 2] = np.nan
    assert colours(pixels).max() == 0
