"""What masked strategies show of what they restore."""

from __future__ import annotations

import torch

from lensbench import Samples, condition_of, stretch


def test_what_was_seen_stays_and_the_rest_is_filled(catalogue):
    """Seen patches are those of the image in both pictures; hidden ones are zero in the first."""
    torch.manual_seed(0)
    encoder = catalogue.build("encoder", "mae-vit:width=16,depth=1,heads=2,pixel=0", channels=1)
    objective = catalogue.build("pretraining", "mae:mask=0.5").objective(encoder, 1, {})
    images = torch.randn(3, 1, 32, 48)
    samples = Samples(("a", "b", "c"), images, {}, {}, condition_of("euclid-vis"), 1.0)
    with torch.no_grad():
        seen, restored = objective.restored(samples, torch.Generator().manual_seed(1))
    wanted = stretch(images)
    shown = seen != 0
    assert shown.float().mean() == 0.5
    assert torch.equal(seen[shown], wanted[shown])
    assert torch.equal(restored[shown], wanted[shown])
    assert torch.isfinite(restored).all() and (restored[~shown] != wanted[~shown]).any()
