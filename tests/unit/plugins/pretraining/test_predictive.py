"""Strategies that predict features and are held apart by a distribution or a slow copy."""

import math

import pytest
import torch
from tests.unit.plugins.pretraining.descent import steps
from torch import nn

from lensbench import IncompatibleError
from lensbench_reference.pretraining.gaussianity import EXPECTED, epps_pulley, gaussianity_loss
from lensbench_reference.pretraining.ibot import IBOT, draw_masks
from lensbench_reference.pretraining.ijepa import IJEPA, draw_blocks
from lensbench_reference.pretraining.lejepa import predictive_loss
from lensbench_reference.pretraining.lens_lejepa import ring_means, turned_back
from lensbench_reference.pretraining.views import draw_symmetries, symmetric


def test_the_statistic_of_normal_values_does_not_depend_on_their_number():
    """Its mean is what the integral says, for few values and for many."""
    random = torch.Generator().manual_seed(0)
    assert pytest.approx(1.0594, abs=1e-4) == EXPECTED
    for count in (8, 64, 512):
        values = torch.randn(count, 4000, generator=random)
        assert float(epps_pulley(values).mean()) == pytest.approx(EXPECTED, rel=0.05)


def test_the_statistic_of_a_point_has_a_closed_form():
    """All values zero: N ∫ (1 − e^(−t²/2))² e^(−t²/2) dt."""
    exact = math.sqrt(2 * math.pi) * (1 - 2 / math.sqrt(2) + 1 / math.sqrt(3))
    assert float(epps_pulley(torch.zeros(50, 1))) == pytest.approx(50 * exact, rel=1e-4)


@pytest.mark.parametrize("kind", ["shifted", "narrow", "wide", "uniform", "collapsed"])
def test_what_is_not_normal_is_seen(kind):
    """In a mean over directions, of 512 vectors of eight dimensions."""
    random = torch.Generator().manual_seed(1)
    normal = torch.randn(512, 8, generator=random)
    strange = {
        "shifted": normal + 1,
        "narrow": 0.5 * normal,
        "wide": 2 * normal,
        "uniform": 4 * torch.rand(512, 8, generator=random).sub(0.5).sign(),
        "collapsed": normal[:, :1] * torch.ones(8),
    }[kind]
    assert float(gaussianity_loss(normal, 64, random)) < 1.5
    assert float(gaussianity_loss(strange, 64, random)) > 5


def test_vectors_become_normal_under_the_regularisation():
    """Descent from a point close to zero gives unit covariance."""
    random = torch.Generator().manual_seed(2)
    vectors = nn.Parameter(0.01 * torch.randn(128, 4, generator=random))
    optimiser = torch.optim.Adam([vectors], 0.05)
    for _ in range(120):
        optimiser.zero_grad()
        gaussianity_loss(vectors, 64, random).backward()
        optimiser.step()
    covariance = vectors.detach().T.cov()
    assert torch.allclose(covariance, torch.eye(4), atol=0.3)
    assert vectors.detach().mean(0).abs().max() < 0.2


def test_views_that_agree_pay_for_the_regularisation_alone():
    """Their distance from the mean is zero; of two opposite ones it is their square."""
    random = torch.Generator().manual_seed(3)
    one = torch.randn(64, 8, generator=random)
    same = predictive_loss(torch.stack([one, one]), 1e-9, 32, random)
    assert float(same) == pytest.approx(0, abs=1e-6)
    opposite = predictive_loss(torch.stack([one, -one]), 1e-9, 32, random)
    assert float(opposite) == pytest.approx(float(one.square().mean()), rel=1e-5)


@pytest.mark.parametrize("encoder", ["mae-vit", "small-resnet:width=8"])
@pytest.mark.parametrize("strategy", ["lejepa:width=8", "lens-lejepa:width=8"])
def test_the_loss_falls_and_images_stay_apart(objective, lenses, strategy, encoder):
    """Views come to agree, and the features of different images do not become one."""
    loss = objective(strategy, encoder)
    losses = steps(loss, lenses, 30)
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    pooled = loss.encoder(torch.asinh(lenses.images / 3)).pooled
    assert pooled.std(0).max() > 0.01 * pooled.abs().max()


def test_a_map_that_is_turned_back_lies_where_it_did():
    """For all eight symmetries."""
    maps = torch.randn(64, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    symmetries = draw_symmetries(64, torch.Generator().manual_seed(1))
    assert len(symmetries.unique(dim=0)) == 8
    assert torch.equal(turned_back(symmetric(maps, symmetries), symmetries), maps)


def test_rings_are_weighted_by_light():
    """Each ring's mean is that of its lit places; rings without light count alike."""
    maps = torch.arange(81.0).view(1, 1, 1, 9, 9)
    light = torch.zeros(1, 9, 9)
    light[0, 4, 4], light[0, 4, 8] = 1e6, 1e6
    means = ring_means(maps, light)[0, 0, :, 0]
    assert means[0] == pytest.approx(40, abs=0.01)
    assert means[1] == pytest.approx(40, abs=0.01)  # symmetric about the middle
    assert means[2] == pytest.approx(44, abs=0.01)


def test_strategies_of_places_need_maps(objective):
    """An encoder with pooled features alone is refused by name."""
    with pytest.raises(IncompatibleError, match="Spectrum"):
        objective("lens-lejepa", "spectrum")
    for strategy in ("ijepa", "ibot"):
        with pytest.raises(IncompatibleError, match=strategy):
            objective(strategy, "resnet18")


def test_blocks_are_rectangles_that_the_encoder_does_not_see():
    """Four of a size between the bounds; nothing of them is among the patches that are seen."""
    random = torch.Generator().manual_seed(4)
    for _ in range(20):
        blocks, seen = draw_blocks(6, 16, 16, IJEPA.Options(), random)
        assert blocks.shape[:2] == (6, 4)
        assert 0.11 * 256 < blocks.shape[2] < 0.24 * 256
        for image in range(6):
            assert not set(blocks[image].flatten().tolist()) & set(seen[image].tolist())
            assert len(set(seen[image].tolist())) == seen.shape[1]
            for block in blocks[image]:
                rows, columns = block // 16, block % 16
                sides = [int(side.max() - side.min() + 1) for side in (rows, columns)]
                assert sides[0] * sides[1] == len(block) == len(block.unique())


def test_blocks_become_predictable(objective, lenses):
    """The error falls under the one that the tokens' mean has, and the copy follows."""
    loss = objective("ijepa:width=16,depth=1,momentum=0.9", "mae-vit:width=16,depth=1,patch=4")
    slow = [p.clone() for p in loss.slow_encoder.copy.parameters()]
    losses = steps(loss, lenses, 50, rate=1e-2)
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    moved = loss.slow_encoder.copy.parameters()
    assert any(not torch.equal(a, b) for a, b in zip(slow, moved, strict=True))


def test_patches_are_hidden_in_half_of_the_views():
    """A tenth to half of them where there are any, each as often as the others."""
    random = torch.Generator().manual_seed(5)
    masks = draw_masks(4000, 64, IBOT.Options(), random)
    hidden = masks.sum(1)
    some = hidden[hidden > 0]
    assert len(some) / 4000 == pytest.approx(0.5, abs=0.03)
    assert (int(some.min()), int(some.max())) == (6, 32)
    assert float(some.float().mean()) / 64 == pytest.approx(0.3, abs=0.01)
    assert torch.allclose(masks.float().mean(0), torch.full((64,), 0.15), atol=0.03)
    assert draw_masks(50, 2, IBOT.Options(hidden_images=0.99), random).sum(1).max() == 1
    with pytest.raises(ValueError, match=r"least \(0.6\) must not be above most \(0.5\)"):
        IBOT.Options(least=0.6)


def test_the_student_does_not_see_hidden_patches(objective):
    """The learned patch stands in their place, and all else is as it was."""
    loss = objective("ibot", "mae-vit")
    loss.hidden.data.fill_(7.0)
    images = torch.randn(2, 1, 32, 24)
    mask = torch.zeros(2, 12, dtype=torch.bool)
    mask[0, 4] = True  # the second patch of the second row, of three in a row
    shown = loss._with_hidden(images, mask)
    assert (shown[0, 0, 8:16, 8:16] == 7).all()
    shown[0, 0, 8:16, 8:16] = images[0, 0, 8:16, 8:16]
    assert torch.equal(shown, images)


def test_hidden_patches_and_whole_views_become_predictable(objective, lenses):
    """The loss falls, the learned patch is learned, and the answers do not become one."""
    loss = objective(
        "ibot:prototypes=32,hidden=32,momentum=0.9", "mae-vit:width=16,depth=1,patch=4"
    )
    losses = steps(loss, lenses, 60, rate=3e-3)
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])
    assert float(loss.hidden.detach().abs().max()) > 0
    assert float(loss.centres.std()) > 0
    with torch.no_grad():
        tokens = loss.encoder.tokens(
            loss.encoder.view(
                torch.asinh(lenses.images / 3), torch.tensor(lenses.condition.vector())
            )
        )
        taken = loss.head(tokens).argmax(-1).unique()
    assert len(taken) > 3
