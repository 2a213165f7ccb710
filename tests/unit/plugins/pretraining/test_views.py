"""No view changes the lens: neither its radius nor its flux."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lensbench_reference.pretraining.views import (
    ViewOptions,
    draw_symmetries,
    shifted,
    symmetric,
    view,
)

SIZE = 64
AXIS = torch.arange(SIZE) - (SIZE - 1) / 2


def ring(radius: float = 14.0, y: float = 0.0, x: float = 0.0, size: int = SIZE) -> torch.Tensor:
    """A circle of light (1, size, size), 1.5 pixels thick."""
    axis = torch.arange(size) - (size - 1) / 2
    distance = torch.hypot(axis[:, None] - y, axis[None, :] - x)
    return torch.exp(-0.5 * ((distance - radius) / 1.5) ** 2)[None]


def radii(images: torch.Tensor) -> torch.Tensor:
    """Mean distance (B,) of the light from its centroid [pixels]."""
    weight = images[:, 0] / images[:, 0].sum((1, 2), keepdim=True)
    y, x = (weight.sum(2) * AXIS).sum(1), (weight.sum(1) * AXIS).sum(1)
    distance = torch.hypot(AXIS[None, :, None] - y[:, None, None], AXIS - x[:, None, None])
    return (weight * distance).sum((1, 2))


@settings(max_examples=25, deadline=None)
@given(
    radius=st.floats(6, 20),
    shift=st.floats(0, 4),
    seed=st.integers(0, 1000),
)
def test_a_ring_keeps_its_radius_and_its_flux(radius, shift, seed):
    """Whatever the symmetry and the shift: no zoom, and no crop that loses light."""
    images = ring(radius).expand(8, 1, -1, -1)
    options = ViewOptions(shift=shift, noise=0.0)
    views = view(images, options, torch.Generator().manual_seed(seed))
    assert views.shape == images.shape
    assert torch.allclose(radii(views), radii(images), atol=0.01)
    assert torch.allclose(views.sum((1, 2, 3)), images.sum((1, 2, 3)), rtol=1e-4)


def test_a_noisy_ring_keeps_its_radius():
    """Noise moves the estimate of the radius about the truth, not to one side."""
    images = 300 * ring().expand(64, 1, -1, -1)
    views = view(images, ViewOptions(), torch.Generator().manual_seed(0))
    found = radii(views)
    assert abs(found.mean() - radii(images)[0]) < 4 * found.std() / 8
    assert found.std() < 0.05


def test_a_zoom_would_be_noticed():
    """The measure of these tests tells a ring that is larger by a fiftieth."""
    assert abs(radii(ring(14.28)[None]) - radii(ring(14.0)[None])) > 0.2


def test_symmetries_are_the_eight_of_the_square():
    """Every one is a turn of the image or of its mirror image, and all occur."""
    image = torch.randn(1, 1, 8, 8)
    turns = [torch.rot90(image, k, (2, 3)) for k in range(4)]
    known = [*turns, *(turn.flip(3) for turn in turns)]
    symmetries = torch.tensor([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]).bool()
    found = symmetric(image.expand(8, -1, -1, -1), symmetries)
    which = [[torch.equal(one[None], other) for other in known].index(True) for one in found]
    assert sorted(which) == list(range(8))
    drawn = draw_symmetries(200, torch.Generator().manual_seed(0))
    assert len(torch.unique(drawn, dim=0)) == 8


def test_symmetries_of_oblong_images_keep_their_shape():
    """Rows and columns do not change places there."""
    images = torch.randn(8, 1, 8, 16)
    found = symmetric(images, torch.ones(8, 3, dtype=torch.bool))
    assert torch.equal(found, images.flip(2, 3))


def test_the_same_symmetry_fits_another_size():
    """A scene at two pixel scales is turned alike."""
    large = torch.randn(16, 1, 16, 16)
    small = torch.nn.functional.avg_pool2d(large, 2)
    symmetries = draw_symmetries(16, torch.Generator().manual_seed(2))
    expected = torch.nn.functional.avg_pool2d(symmetric(large, symmetries), 2)
    assert torch.allclose(symmetric(small, symmetries), expected, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(y=st.floats(-3, 3), x=st.floats(-3, 3))
def test_a_shift_by_fractions_is_that_of_the_light(y, x):
    """A shifted ring is the ring drawn elsewhere."""
    found = shifted(ring()[None], torch.tensor([[y, x]]))
    assert torch.allclose(found[0], ring(14.0, y, x), atol=2e-3)


def test_a_shift_by_whole_pixels_is_a_roll():
    """Also of noise, and at odd sizes."""
    for size in (16, 15):
        images = torch.randn(2, 3, size, size)
        found = shifted(images, torch.tensor([[2.0, -1.0], [0.0, 3.0]]))
        assert torch.allclose(found[0], images[0].roll((2, -1), (1, 2)), atol=1e-5)
        assert torch.allclose(found[1], images[1].roll((0, 3), (1, 2)), atol=1e-5)


def test_shifted_noise_stays_white():
    """Its variance and the correlation of neighbours are those of fresh noise."""
    noise = torch.randn(64, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(4))
    found = shifted(noise, torch.full((64, 2), 0.5))
    error = 1 / math.sqrt(found.numel())
    # the highest frequencies, two in 64 lines, keep the real part of a shift by half a pixel only
    assert abs(found.var().item() - 1) < 6 * error + 2 / SIZE
    neighbours = (found * found.roll(1, 3)).mean().item()
    assert abs(neighbours) < 6 * error + 1 / SIZE


@pytest.mark.parametrize("noise", [0.0, 0.5, 2.0])
def test_noise_has_the_deviation_that_was_asked_for(noise):
    """Of images without any."""
    empty = torch.zeros(32, 1, SIZE, SIZE)
    views = view(empty, ViewOptions(noise=noise), torch.Generator().manual_seed(0))
    assert views.std().item() == pytest.approx(noise, rel=0.02)
