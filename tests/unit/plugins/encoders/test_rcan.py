"""Residual channel attention at full resolution."""

import torch

from lensbench_reference.encoders.rcan import ChannelAttentionBlock, ResidualChannelAttention

OPTIONS = ResidualChannelAttention.Options(groups=2, blocks=2, width=8, reduction=4)


def test_the_map_has_all_pixels():
    """Two by two of them as four channels each, of any size and number of bands."""
    encoder = ResidualChannelAttention(OPTIONS, 3).eval()
    features = encoder(torch.randn(2, 3, 20, 12))
    assert features.pooled.shape == (2, 8)
    assert [tuple(one.shape) for one in features.maps] == [(2, 32, 10, 6)]


def test_a_pixel_reaches_as_far_as_its_convolutions():
    """Kernels of 3 × 3 one behind another: stem, blocks, ends of groups, and the last."""
    encoder = ResidualChannelAttention(OPTIONS, 1).double().eval()
    for module in encoder.modules():
        if isinstance(module, ChannelAttentionBlock):
            module.weigh = torch.nn.Identity()
            module.weigh.forward = torch.ones_like
    image = torch.zeros(1, 1, 64, 64, dtype=torch.float64, requires_grad=True)
    encoder(image).maps[0][0, 0, 16, 16].backward()
    rows = image.grad[0, 0].abs().sum(1).nonzero().flatten()
    reach = 1 + 2 * (2 * 2 + 1) + 1
    assert (int(rows.min()), int(rows.max())) == (32 - reach, 32 + reach)


def test_attention_weighs_channels_by_their_means():
    """Each channel of a block's change is multiplied by one number of an image, below one."""
    block = ChannelAttentionBlock(8, 4).requires_grad_(False)
    x = torch.randn(3, 8, 9, 9)
    change, plain = block(x) - x, block.body(x)
    weights = (change / plain).flatten(2)
    assert torch.allclose(weights, weights[..., :1].expand_as(weights), rtol=1e-3, atol=1e-4)
    assert 0 < float(weights.min()) < float(weights.max()) < 1
