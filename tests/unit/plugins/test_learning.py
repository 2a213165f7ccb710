"""Pretraining and hand-made features."""

import numpy as np
import pytest
import torch

from lensbench import Population, draw_scenes, encode
from lensbench.testing import made_samples
from lensbench_reference.baselines.spectrum import features_of_bands, spectrum_features
from lensbench_reference.encoders.vit import VisionTransformer
from lensbench_reference.pretraining.mae import MaskedAutoencoding
from lensbench_reference.transfers.fitting import turned


@pytest.fixture
def vit():
    torch.manual_seed(0)
    return VisionTransformer(VisionTransformer.Options(width=32, depth=2), channels=1).eval()


def test_tokens_of_some_patches_do_not_see_the_others(vit):
    """Masked patches have no way into the encoder."""
    images = torch.randn(2, 1, 32, 32)
    keep = torch.tensor([[0, 5, 9], [1, 2, 15]])
    changed = images.clone()
    changed[0, :, 8:16, 24:] += 7.0  # patch 7, which is not kept
    assert torch.equal(vit.tokens(images, keep)[0], vit.tokens(changed, keep)[0])
    assert not torch.equal(vit.tokens(images)[0], vit.tokens(changed)[0])


def test_tokens_in_another_order_are_the_same_tokens(vit):
    """Positions travel with their patches."""
    images = torch.randn(1, 1, 32, 32)
    keep = torch.tensor([[3, 11, 6]])
    one, other = vit.tokens(images, keep), vit.tokens(images, keep.flip(1))
    assert torch.allclose(one, other.flip(1), atol=1e-5)


def test_masked_autoencoding_learns_to_reconstruct(vit):
    """On one batch of lenses the loss falls below that of the patch mean, which is one."""
    sky = draw_scenes(Population(), "train", range(6), 0, size=64, pixel_scale=0.1).sky
    samples = made_samples(count=6, size=64)
    samples = type(samples)(**{**vars(samples), "images": 5 * sky})
    objective = MaskedAutoencoding(MaskedAutoencoding.Options()).objective(vit, 1, {})
    optimiser = torch.optim.AdamW(objective.parameters(), 3e-3)
    random = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(40):
        optimiser.zero_grad()
        loss = objective(samples, random)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[0] > 0.95
    assert np.mean(losses[-5:]) < 0.8


def test_turning_moves_images_and_skies_together():
    """A turned image interpolates to the turned sky; numbers stay with their sample."""
    samples = made_samples(count=16, size=16)
    pooled = torch.nn.functional.avg_pool2d(samples.targets["sky"], 2)
    samples = type(samples)(**{**vars(samples), "images": pooled})
    moved = turned(samples, torch.Generator().manual_seed(0))
    again = torch.nn.functional.avg_pool2d(moved.targets["sky"], 2)
    assert torch.allclose(moved.images, again, atol=1e-6)
    assert not torch.equal(moved.images, samples.images)
    assert torch.equal(moved.targets["theta_E"], samples.targets["theta_E"])


def test_spectrum_features_do_not_change_under_quarter_turns():
    """Power and moments are the same for a turned image, at any size."""
    for size in (24, 64):
        images = made_samples(count=3, size=size).images
        turned_features = spectrum_features(torch.rot90(images, 1, (2, 3)))
        assert np.allclose(spectrum_features(images), turned_features, atol=1e-3)


def test_each_band_has_features_of_its_own_where_asked():
    """Those of the band alone, one band after the other; of one band they are the usual ones."""
    images = made_samples(count=3, channels=3).images
    width = spectrum_features(images).shape[1]
    found = features_of_bands(images)
    assert found.shape == (3, 3 * width)
    assert np.array_equal(found[:, width : 2 * width], spectrum_features(images[:, 1:2]))
    assert np.array_equal(features_of_bands(images[:, :1]), spectrum_features(images[:, :1]))


def test_encoding_does_not_depend_on_the_batch(vit):
    """An image's features are the same alone and among others."""
    samples = made_samples(count=5)
    together = encode(vit, samples).pooled
    alone = encode(vit, samples.take(torch.tensor([3]))).pooled
    assert torch.allclose(together[3:4], alone, atol=1e-5)
