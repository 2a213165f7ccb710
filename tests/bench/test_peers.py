"""Masked autoencoding and contrastive learning give what the peers' own code gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lensbench import Population, Samples, draw_scenes, stretch
from lensbench.testing import made_samples
from lensbench_reference.pretraining.contrast import contrastive_loss

pytestmark = pytest.mark.filterwarnings("ignore")  # of the peers, about themselves
SEEDS, STEPS = 4, 60


def lenses(count: int) -> Samples:
    """Drawn lenses with noise, 64² pixels."""
    sky = draw_scenes(Population(), "train", range(count), 0, size=64, pixel_scale=0.1).sky
    noise = torch.randn(sky.shape, generator=torch.Generator().manual_seed(0))
    return replace(made_samples(count=count, size=64), images=3 * sky + noise)


@pytest.mark.parametrize("temperature", [0.1, 0.2, 0.5])
def test_the_contrast_is_that_of_lightly(temperature):
    """NTXentLoss of the same embeddings, and the same gradient."""
    loss = pytest.importorskip("lightly.loss", reason="the peer lightly is not installed")
    one = torch.randn(32, 16, requires_grad=True)
    other = torch.randn(32, 16)
    ours = contrastive_loss(one, other, temperature)
    theirs = loss.NTXentLoss(temperature=temperature)(one, other)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-5)
    gradients = [torch.autograd.grad(value, one)[0] for value in (ours, theirs)]
    assert torch.allclose(*gradients, atol=1e-6)


def without_class(module, query, key, value, attention_mask, scaling, **_):
    """Attention of transformers that no patch pays to the class token, which ours has not."""
    attended = nn.functional.scaled_dot_product_attention(
        query, key[:, :, 1:], value[:, :, 1:], scale=scaling
    )
    return attended.transpose(1, 2), None


def copy_weights(ours: nn.Module, theirs: nn.Module) -> None:
    """Puts our weights and position codes into ViTMAEForPreTraining."""
    encoder, decoder = ours.encoder, ours.decoder
    embeddings = theirs.vit.embeddings
    projection = embeddings.patch_embeddings.projection
    projection.weight.copy_(encoder.embed.weight.view_as(projection.weight))
    projection.bias.copy_(encoder.embed.bias)
    side = 64 // encoder.patch
    positions = encoder.positions(side, side)
    embeddings.position_embeddings[0, 1:] = positions
    theirs.decoder.decoder_pos_embed[0, 1:] = decoder.position(positions)
    theirs.decoder.mask_token.copy_(decoder.hidden.expand_as(theirs.decoder.mask_token))
    pairs = [
        (encoder.norm, theirs.vit.layernorm),
        (decoder.into, theirs.decoder.decoder_embed),
        (decoder.norm, theirs.decoder.decoder_norm),
        (decoder.out, theirs.decoder.decoder_pred),
    ]
    blocks = [*zip(encoder.blocks, theirs.vit.layers, strict=True)]
    blocks += zip(decoder.blocks, theirs.decoder.decoder_layers, strict=True)
    for mine, other in blocks:
        for part, to in zip(
            mine.qkv.weight.chunk(3),
            (other.attention.q_proj, other.attention.k_proj, other.attention.v_proj),
            strict=True,
        ):
            to.weight.copy_(part)
        for part, to in zip(
            mine.qkv.bias.chunk(3),
            (other.attention.q_proj, other.attention.k_proj, other.attention.v_proj),
            strict=True,
        ):
            to.bias.copy_(part)
        pairs += [
            (mine.norm_1, other.layernorm_before),
            (mine.norm_2, other.layernorm_after),
            (mine.project, other.attention.o_proj),
            (mine.mlp[0], other.mlp.fc1),
            (mine.mlp[2], other.mlp.fc2),
        ]
    for mine, other in pairs:
        other.load_state_dict(mine.state_dict())


def test_masked_autoencoding_is_that_of_transformers(sides):
    """With the weights copied over and the same patches hidden, the same loss."""
    peer = pytest.importorskip("transformers", reason="the peer transformers is not installed")
    peer.AttentionInterface.register("without_class", without_class)
    size = sides.sizes["micro"]
    torch.manual_seed(0)
    ours = replace(size, registers=0, decoder_depth=3).ours().eval()
    theirs = replace(size, decoder_depth=3).transformers(attn_implementation="without_class").eval()
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
        copy_weights(ours, theirs)
        samples = lenses(8)
        found = ours(samples, torch.Generator().manual_seed(5))
        noise = torch.rand(8, size.length, generator=torch.Generator().manual_seed(5))
        expected = theirs(stretch(samples.images), noise=noise).loss
    assert found.item() == pytest.approx(expected.item(), abs=1e-4)


@pytest.mark.slow
def test_short_trainings_end_alike(sides):
    """From four seeds each, ours ends no higher than the peers, within what seeds scatter."""
    samples, test = lenses(128), lenses(256).take(torch.arange(128, 256))
    ends: dict[str, list[float]] = {}
    for side in ("ours", "lightly", "transformers"):
        for seed in range(SEEDS):
            model, loss_of = sides.loss_of(side, sides.sizes["micro"], seed)
            optimiser = torch.optim.AdamW(model.parameters(), 1.5e-3, betas=(0.9, 0.95))
            order = torch.Generator().manual_seed(seed)
            for step in range(STEPS):
                for group in optimiser.param_groups:
                    group["lr"] = 1.5e-3 * min(1.0, (step + 1) / 10)
                optimiser.zero_grad()
                loss_of(samples.take(torch.randperm(128, generator=order)[:32])).backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
            with torch.no_grad():
                ends.setdefault(side, []).append(loss_of(test).item())
    ours = np.array(ends["ours"])
    for side in ("lightly", "transformers"):
        theirs = np.array(ends[side])
        spread = np.hypot(ours.std(ddof=1), theirs.std(ddof=1))
        assert ours.mean() - theirs.mean() < 2 * spread, ends
