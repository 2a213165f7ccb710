"""Hand-made features, pixels and the resizing behind them."""

import math

import pytest
import torch

from lensbench import stretch
from lensbench.training.rings import MOMENTS, RADIAL_BINS, ring_features
from lensbench_reference.encoders.resizing import resized
from lensbench_reference.hand_made_features import oriented_gradients, shape_statistics

AXIS = torch.arange(64) - 31.5
RADIUS = torch.hypot(AXIS[:, None], AXIS[None, :])


@pytest.mark.parametrize("size", [24, 64, 160])
def test_rings_do_not_change_under_quarter_turns_and_flips(size):
    """Power and moments of a turned image are those of the image."""
    images = torch.randn(3, size, size)
    wanted = ring_features(images)
    for moved in (torch.rot90(images, 1, (1, 2)), torch.rot90(images, 2, (1, 2)), images.flip(2)):
        assert torch.allclose(ring_features(moved), wanted, atol=2e-3)


def test_a_wave_is_in_the_ring_of_its_frequency():
    """Eight periods across 64 pixels are a quarter of the Nyquist frequency."""
    wave = torch.cos(2 * math.pi * 8 * torch.arange(64) / 64).expand(1, 64, 64)
    spectrum = ring_features(wave)[0, :RADIAL_BINS]
    assert spectrum.argmax() == RADIAL_BINS // 4


@pytest.mark.parametrize("order", range(1, MOMENTS + 1))
def test_a_moment_is_in_its_order(order):
    """A pattern cos(mφ) has the moment m, half of its amplitude in each full ring."""
    angle = torch.atan2(AXIS[:, None].expand(64, 64), AXIS[None, :].expand(64, 64))
    moments = ring_features(torch.cos(order * angle)[None])[0, RADIAL_BINS:]
    outer = moments.reshape(MOMENTS, RADIAL_BINS)[:, 8:].mean(1)
    assert outer.argmax() == order - 1
    assert torch.allclose(outer[order - 1], torch.tensor(0.5), atol=0.01)


def test_concentration_of_a_disk():
    """A uniform disk has r80/r20 = 2, so 5 log10 2, no Gini and no asymmetry."""
    disk = torch.where(RADIUS < 25, 100.0, 0.0)[None]
    gini, m20, asymmetry, concentration = shape_statistics(disk)[0].tolist()
    assert gini == pytest.approx(0, abs=1e-5)
    assert asymmetry == pytest.approx(0, abs=1e-6)
    assert concentration == pytest.approx(5 * math.log10(2), abs=0.06)
    assert m20 < 0


def test_gini_of_known_light():
    """One pixel with all is one; the values 4, 8, 12 give Σ(2i − n − 1)x/(x̄ n(n − 1)) = 1/3."""
    image = torch.zeros(2, 16, 16)
    image[0, 3, 4], image[0, 8, 8] = 1e4, 3.5
    image[1, 5, 5], image[1, 5, 6], image[1, 6, 5] = 4.0, 8.0, 12.0
    gini = shape_statistics(image)[:, 0]
    assert gini[0] == pytest.approx(1, abs=1e-3)
    assert gini[1] == pytest.approx(1 / 3, abs=1e-6)


def test_m20_of_known_light():
    """The brightest fifth at the centroid has no moment, and far out it has nearly all."""
    image = torch.zeros(2, 33, 33)
    image[0, 16, 16] = 1000.0
    image[0, [6, 26], 16] = 10.0
    image[1, 16, 16:18] = 30.0
    image[1, 0, 16], image[1, 32, 17] = 40.0, 40.0
    m20 = shape_statistics(image)[:, 1]
    assert m20[0] == pytest.approx(-4)
    assert m20[1] == pytest.approx(math.log10(0.5), abs=0.01)  # one of two equal outer pixels


def test_asymmetry_is_half_where_nothing_meets_its_turned_self():
    """Σ|I − I₁₈₀|/2Σ|I| is one for light on one side alone."""
    image = torch.zeros(1, 32, 32)
    image[0, 4:8, 4:8] = 50.0
    assert shape_statistics(image)[0, 2] == pytest.approx(1.0)


def test_gradients_of_stripes_are_in_their_direction():
    """Vertical and horizontal stripes fill different bins, and a flat image none."""
    stripes = torch.sin(torch.arange(32) / 2.0).expand(32, 32)
    votes = oriented_gradients(torch.stack([stripes, stripes.T, torch.ones(32, 32)]))
    bins = votes.reshape(3, 8, 16).sum(2)
    assert bins[0].argmax() != bins[1].argmax()
    assert bins[2].max() == pytest.approx(0, abs=1e-3)


def test_the_spectrum_encoder_is_the_three_together(build):
    """It looks at the stretched image for rings and gradients, and at σ for shapes."""
    images = 8 * torch.randn(2, 1, 64, 64)
    stretched = stretch(images)
    pooled = build("spectrum")(stretched).pooled
    wanted = torch.cat(
        [
            ring_features(stretched[:, 0]),
            shape_statistics(images[:, 0]),
            oriented_gradients(stretched[:, 0]),
        ],
        1,
    )
    assert torch.allclose(pooled, wanted, atol=1e-2, rtol=1e-3)


def test_pixels_are_means_of_the_image(build):
    """A bright quadrant stays where it is, and the mean stays what it is."""
    image = torch.zeros(1, 1, 64, 64)
    image[:, :, :32, 32:] = 4.0
    grid = build("pixels:grid=2")(image).pooled.reshape(2, 2)
    assert grid.mean() == pytest.approx(1.0)
    assert grid.argmax() == 1


@pytest.mark.parametrize(("size", "wanted"), [(32, 32), (64, 16), (16, 64), (24, 40)])
def test_resizing_is_that_of_torch(size, wanted):
    """Linear, antialiased where smaller, for either side."""
    images = torch.randn(2, 3, size, 40)
    answer = torch.nn.functional.interpolate(images, (wanted, 24), mode="bilinear", antialias=True)
    assert torch.allclose(resized(images, wanted, 24), answer, atol=1e-5)
