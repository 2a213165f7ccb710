"""Strategies that compare views: teachers, centres, contrasts and pairs."""

import math
from dataclasses import replace

import pytest
import torch
from tests.unit.plugins.pretraining.descent import steps
from torch import nn

from lensbench import IncompatibleError, encode
from lensbench_reference.pretraining.contrast import contrastive_loss, cross_contrast
from lensbench_reference.pretraining.momentum import Follower
from lensbench_reference.pretraining.views import view

PATCHES = "mae-vit:width=32,depth=1,heads=4,patch=4"


def test_a_follower_is_an_exponential_mean():
    """After n steps its weight is Σ (1 − m) mᵏ of the past, and has no gradient."""
    one = nn.Linear(1, 1, bias=False)
    values, momentum = [0.3, -1.0, 2.0, 0.7], 0.8
    with torch.no_grad():
        one.weight.fill_(5.0)
    follower = Follower(one, momentum).train()
    for value in values:
        with torch.no_grad():
            one.weight.fill_(value)
        follower.follow(one)
    past = sum((1 - momentum) * momentum**k * v for k, v in enumerate(reversed(values)))
    assert follower.copy.weight.item() == pytest.approx(momentum**4 * 5.0 + past, rel=1e-5)
    assert not follower.copy.weight.requires_grad
    before = follower.eval().copy.weight.clone()
    follower.follow(nn.Linear(1, 1, bias=False))
    assert torch.equal(before, follower.copy.weight)


@pytest.mark.parametrize("strategy", ["byol", "dino"])
def test_the_copy_is_not_trained_by_gradients(objective, pairs, strategy):
    """It requires none, gets none, and moves by its momentum."""
    loss = objective(f"{strategy}:momentum=0.5", "mae-vit").train()
    slow = dict(loss.slow_encoder.copy.named_parameters())
    assert not any(p.requires_grad for p in slow.values())
    before = {name: p.clone() for name, p in slow.items()}
    steps(loss, pairs, 1)
    assert all(torch.equal(before[name], p) for name, p in slow.items())
    online = {name: p.clone() for name, p in loss.encoder.named_parameters()}
    loss(pairs, torch.Generator())
    for name, p in slow.items():
        assert torch.allclose(p, 0.5 * (before[name] + online[name]), atol=1e-6)


def test_byol_falls_and_does_not_collapse(objective, lenses):
    """Views become foreseeable while the images of a batch stay apart."""
    loss = objective("byol:hidden=32,width=16", "mae-vit")
    losses = steps(loss, lenses, 60)
    assert sum(losses[-5:]) / 5 < 0.7 * losses[0]
    pooled = loss.encoder(torch.asinh(lenses.images / 3)).pooled
    apart = nn.functional.cosine_similarity(pooled[:8], pooled[8:])
    assert (apart < 0.999).all()


def test_dino_centres_and_sharpens(objective, lenses):
    """The centre is the mean of the answers; the teacher is surer than the student."""
    loss = objective("dino:prototypes=32,centring=0", "mae-vit").train()
    batch = lenses.take(torch.arange(8))
    loss(batch, torch.Generator().manual_seed(0))
    random = torch.Generator().manual_seed(0)
    views = torch.cat([view(batch.images, loss.options, random) for _ in range(2)])
    given = loss.slow_head.copy(encode(loss.slow_encoder.copy, replace(batch, images=views)).pooled)
    assert torch.allclose(loss.centre, given.mean(0), atol=1e-5)
    sure = torch.softmax((given - loss.centre) / loss.options.teacher, 1).max(1).values
    open_ = torch.softmax((given - loss.centre) / loss.options.student, 1).max(1).values
    assert (sure > open_).all()


def test_centring_keeps_dino_from_collapsing(objective, lenses):
    """Without it all answers become one prototype; with it they stay spread over many."""
    entropy = {}
    for centring in (0.9, 1.0):
        loss = objective(f"dino:prototypes=32,hidden=32,centring={centring}", "mae-vit")
        steps(loss, lenses, 60, rate=5e-4)
        with torch.no_grad():
            answers = loss.head(loss.encoder(torch.asinh(lenses.images / 3)).pooled)
        shares = torch.softmax(answers / loss.options.student, 1).mean(0)
        entropy[centring] = -(shares * shares.log()).sum().item()
    assert entropy[0.9] > 0.5 * math.log(32)
    assert entropy[1.0] < 0.5 * entropy[0.9]


def test_the_contrast_of_orthogonal_pairs_has_a_closed_form():
    """Partners alike and all others orthogonal: log(1 + (2n − 2) e^(−1/τ)), and with n − 1."""
    z, tau = torch.eye(6), 0.5
    own = math.log(1 + 10 * math.exp(-1 / tau))
    assert contrastive_loss(z, 3 * z, tau).item() == pytest.approx(own, rel=1e-5)
    cross = math.log(1 + 5 * math.exp(-1 / tau))
    assert cross_contrast(z, 3 * z, tau).item() == pytest.approx(cross, rel=1e-5)


@pytest.mark.parametrize(
    ("strategy", "encoder"), [("paired", "resnet18"), ("paired:mask=0.5", PATCHES)]
)
def test_scenes_are_known_again_under_another_condition(objective, lenses, strategy, encoder):
    """Conditions of other sizes; the loss falls below that of guessing, log 16."""
    loss = objective(strategy, encoder)
    losses = steps(loss, lenses, 60, rate=5e-3)
    restoring = 1.0 if "mask" in strategy else 0.0
    assert losses[0] == pytest.approx(math.log(16) + restoring, abs=0.7)
    assert sum(losses[-10:]) / 10 < 0.9 * math.log(16) + restoring


def test_masked_pairs_need_no_decoder(objective, pairs):
    """With restore=0 patches are hidden in the views and nothing is restored."""
    loss = objective("paired:mask=0.5,restore=0", "mae-vit")
    assert loss.decoder is None
    assert torch.isfinite(loss(pairs, torch.Generator()))


def test_a_batch_without_a_pair_is_refused(objective, pairs):
    """Saying what to name."""
    with pytest.raises(IncompatibleError, match="another condition"):
        objective("paired", "resnet18")(replace(pairs, pair=None), torch.Generator())


def test_a_condition_reaches_the_masked_encoder(objective, pairs):
    """An encoder that asks for the condition gets it in masked autoencoding."""
    loss = objective("mae", "mae-vit:width=16,depth=1,heads=4,condition=true").eval()
    with torch.no_grad():
        for parameter in loss.encoder.condition.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(0))
    worse = replace(pairs, condition=replace(pairs.condition, psf_fwhm=2.0))
    found = [loss(samples, torch.Generator().manual_seed(0)) for samples in (pairs, worse)]
    assert found[0] != found[1]
