"""The training loop."""

import pytest
import torch
from torch import nn

from lensbench import Progress
from lensbench.errors import RunError
from lensbench.training.loop import TrainingLoop


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


def ignore(progress: Progress) -> None:
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


def two_layers() -> nn.Sequential:
    """Weights and biases, the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))


def stepped(rates: dict[str, float], steps: int = 1) -> nn.Sequential:
    """Two layers after a few steps."""
    net, x = two_layers(), torch.ones(8, 3)
    loop = TrainingLoop(steps, 8, 0.1, 0.0, 0, warmup=0.0, rates=rates)
    loop.run(net, 8, lambda i, _: (net(x[i]) - 3).square().mean(), ignore)
    return net


def test_a_named_parameter_has_its_own_rate():
    """Adam's first step is the rate times the gradient's sign: half the rate, half the step."""
    net, before = stepped({"0.weight": 0.5, "1.bias": 0.0}), two_layers()
    moved = {
        name: (value - old).abs().max().item()
        for (name, value), old in zip(net.named_parameters(), before.parameters(), strict=True)
    }
    wanted = {"0.weight": 0.05, "0.bias": 0.1, "1.weight": 0.1, "1.bias": 0.0}
    assert moved == pytest.approx(wanted, rel=1e-4)


def test_rates_of_one_change_nothing():
    """To the bit."""
    one, other = stepped({}, 5), stepped({"0.weight": 1.0}, 5)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_rate_of_nothing_is_an_error():
    """A misspelled name is told."""
    with pytest.raises(KeyError, match=r"'2\.weight'"):
        stepped({"2.weight": 0.5})


def test_a_report_carries_the_loss_as_a_number():
    """It need not be read out of a text; what is shown is made of it."""
    weight = nn.Parameter(torch.tensor([3.0]))
    seen: list[Progress] = []
    loop = TrainingLoop(2, 1, 0.1, 0.0, 0)
    loop.run(nn.ParameterList([weight]), 1, lambda *_: weight.square().sum(), seen.append)
    assert [(one.done, one.total) for one in seen] == [(1, 2), (2, 2)]
    assert seen[0].loss == 9.0
    assert seen[0].text == "loss 9"
    assert Progress(1, 1, note="k=3").text == "k=3"
