"""A residual network that sees a map of the lens's distortion."""

import math

import torch

from lensbench_reference.encoders.lens_pinn import FAINTEST, LensPinn, distortion_map
from lensbench_reference.encoders.resnet import ResNet18


def test_the_map_of_a_known_image():
    """Where log² of the brightness is c + a·x·y, its mixed derivative is a at each inner pixel."""
    a, c = 0.3, 20.0
    y, x = torch.meshgrid(*2 * (torch.arange(6, dtype=torch.float64),), indexing="ij")
    image = (-(c + a * x * y).sqrt()).exp()
    # What is brightest is one, so that the logarithm is that of the formula.
    image[0, 0] = 1.0
    found = distortion_map(image[None, None])[0, 0]
    assert torch.allclose(found[2:-1, 2:-1], torch.full((3, 3), math.tanh(a)).double())


def test_its_scale_and_faint_pixels_are_of_no_consequence():
    """Ten times the light has the same map, and so has noise below the faintest that counts."""
    image = torch.rand(1, 2, 16, 16) + 0.1
    image[..., 4:7, 4:7] = 0.0
    negative = torch.where(image > 0, image, -image.amax() * FAINTEST)
    assert torch.allclose(distortion_map(10 * image), distortion_map(image), atol=1e-5)
    assert torch.equal(distortion_map(negative), distortion_map(image))
    assert not distortion_map(torch.zeros(1, 1, 8, 8)).any()


def test_the_network_sees_image_and_map():
    """It is a ResNet-18 of both, band by band."""
    encoder = LensPinn(LensPinn.Options(width=8), 3).eval()
    plain = ResNet18(ResNet18.Options(width=8), 6).eval()
    plain.load_state_dict(encoder.state_dict())
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        both = torch.cat([images, distortion_map(images)], 1)
        assert torch.equal(encoder(images).pooled, plain(both).pooled)
