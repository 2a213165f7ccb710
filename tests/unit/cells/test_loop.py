"""The training loop."""

import pytest
import torch
from torch import nn

from lensbench.cells.loop import TrainingLoop
from lensbench.errors import RunError


def fitted(seed: int, steps: int = 60) -> torch.Tensor:
    """A line fitted to a plane."""
    x = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
    y = x @ torch.tensor([1.0, -2.0, 0.5])
    weight = nn.Parameter(torch.zeros(3, 1))
    loop = TrainingLoop(steps, 16, 0.1, 0.0, seed)
    loop.run(
        nn.ParameterList([weight]),
        64,
        lambda i, _: ((x[i] @ weight)[:, 0] - y[i]).square().mean(),
        ignore,
    )
    return weight.detach()[:, 0]


def ignore(done: int, total: int, note: str) -> None:
    """Watches nothing."""


def test_it_minimises():
    """A linear problem is solved."""
    assert torch.allclose(fitted(0, 400), torch.tensor([1.0, -2.0, 0.5]), atol=0.02)


def test_its_seed_fixes_the_result():
    """The same seed gives the same bits, another one another order."""
    assert torch.equal(fitted(1), fitted(1))
    assert not torch.equal(fitted(1), fitted(2))


def test_a_loss_that_is_not_finite_is_an_error():
    """Divergence is told with its step."""
    weight = nn.Parameter(torch.zeros(1))
    with pytest.raises(RunError, match="step 1 of 5"):
        TrainingLoop(5, 2, 0.1, 0.0, 0).run(
            nn.ParameterList([weight]), 4, lambda i, _: (weight / 0.0 * 0.0).sum(), ignore
        )


def test_every_sample_is_seen_once_an_epoch():
    """Batches of an epoch are disjoint and cover all that fits."""
    weight = nn.Parameter(torch.zeros(1))
    seen: list[int] = []

    def loss(indices, generator):
        seen.extend(indices.tolist())
        return weight.square().sum()

    TrainingLoop(4, 5, 0.1, 0.0, 0).run(nn.ParameterList([weight]), 20, loss, ignore)
    assert sorted(seen) == list(range(20))
