"""An encoder averaged over the eight turns and reflections of the square."""

from dataclasses import replace

import pytest
import torch

from lensbench import condition_of, encode, encoder_of, stretch
from lensbench.cells.resolved import Resolver
from lensbench.registry import load_catalogue
from lensbench.testing import made_samples
from lensbench.training.encoding import feature_shape

CNN = "small-resnet:weights=lensbench-cnn"
WAYS = [(quarters, mirrored) for quarters in range(4) for mirrored in (False, True)]


def turned(images, quarters, mirrored):
    images = images.rot90(quarters, (2, 3))
    return images.flip(3) if mirrored else images


@pytest.fixture(scope="module")
def images():
    """Stretched images that no turn leaves as they are."""
    return stretch(torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(0)))


@torch.no_grad()
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("inner", [CNN, "mae-vit", "lensbench-cnn-survey"])
def test_features_stay_and_maps_turn_with_the_image(images, inner, way):
    """The encoder itself returns others for a turned image."""
    vector = torch.tensor(condition_of("euclid-vis").vector())
    encoder, alone = encoder_of(f"symmetric:encoder={inner}").eval(), encoder_of(inner).eval()
    arguments = (vector,) if encoder.uses_condition else ()
    found = encoder(images, *arguments)
    other = encoder(turned(images, *way), *arguments)
    torch.testing.assert_close(other.pooled, found.pooled, atol=1e-4, rtol=1e-4)
    for one, two in zip(found.maps, other.maps, strict=True):
        torch.testing.assert_close(two, turned(one, *way), atol=1e-4, rtol=1e-4)
    if way != (0, False):
        plain = alone(images, *arguments).pooled, alone(turned(images, *way), *arguments).pooled
        assert (plain[0] - plain[1]).abs().max() > 1e-2


@torch.no_grad()
def test_features_are_means_over_the_eight_ways(images):
    """Of the encoder's own features."""
    encoder, alone = encoder_of(f"symmetric:encoder={CNN}").eval(), encoder_of(CNN).eval()
    mean = torch.stack([alone(turned(images, *way)).pooled for way in WAYS]).mean(0)
    torch.testing.assert_close(encoder(images).pooled, mean)
    assert feature_shape(encoder, 1) == feature_shape(alone, 1)


@torch.no_grad()
def test_planes_of_a_lens_fit_are_turned_with_the_image():
    """An encoder that is shown them may be wrapped."""
    encoder, alone = encoder_of("symmetric:encoder=residual:pixels"), encoder_of("residual:pixels")
    samples = made_samples(count=2)
    samples = replace(samples, beside=torch.randn(2, 2, *samples.images.shape[2:]))
    ways = [torch.full((2,), number) for number in range(8)]
    mean = torch.stack([encode(alone, samples.turned(way)).pooled for way in ways]).mean(0)
    assert encoder.planes == 2
    torch.testing.assert_close(encode(encoder, samples).pooled, mean)


def test_keys_follow_the_code_and_the_weights_of_what_is_wrapped():
    """The module of the wrapped encoder counts, and the files that it reads."""
    resolver = Resolver(load_catalogue())
    asked = resolver.code._asked("fits", ["encoder/symmetric:mae-vit"])
    assert "lensbench_reference.encoders.vit" in resolver.code.closure(asked).modules
    digest = resolver.catalogue.digest
    assert digest("symmetric:mae-vit") == digest("mae-vit") != ""
