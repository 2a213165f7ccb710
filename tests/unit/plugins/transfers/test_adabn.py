"""Statistics of the target in place of the source's."""

import torch
from torch import nn

from lensbench import Encoder
from lensbench.testing import made_samples
from lensbench_reference.transfers.adabn import renormalise


class Normalised(Encoder, nn.Module):
    """Looks at images through one batch normalisation."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(1)

    def forward(self, batch):
        return self.norm(batch.images)


def test_statistics_are_those_of_the_target():
    """Mean and variance of its pixels; momentum and mode are as they were meant to be."""
    samples = made_samples(count=128, size=8)
    model = Normalised()
    model.norm.running_mean.fill_(99.0)
    renormalise(model, samples)
    batches = samples.images.split(64)
    assert torch.allclose(model.norm.running_mean, samples.images.mean(), atol=1e-5)
    variance = torch.stack([batch.var() for batch in batches]).mean()
    assert torch.allclose(model.norm.running_var, variance, rtol=1e-4)
    assert model.norm.momentum == 0.1
    assert not model.training
    assert not model.norm.training


def test_no_weight_moves():
    """Only what is counted, not what is trained."""
    model = Normalised()
    before = [p.clone() for p in model.parameters()]
    renormalise(model, made_samples(count=10, size=8))
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
