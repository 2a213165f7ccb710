"""What a computation costs."""

import time

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lensbench.api.progress import Progress
from lensbench.api.samples import Features
from lensbench.testing import made_samples
from lensbench.training.arithmetic import flops_of
from lensbench.training.costs import measured
from lensbench.training.encoding import encode, feature_shape
from lensbench.training.loop import TrainingLoop


def test_warm_up_is_the_first_step_and_what_was_before():
    """A first step of 50 ms is apart from nine that take none."""
    weight = nn.Parameter(torch.zeros(1))
    calls = []
    reports: list[Progress] = []

    def loss_of(indices, generator):
        if not calls:
            time.sleep(0.05)
        calls.append(indices)
        return weight.square().sum()

    with measured() as cost:
        TrainingLoop(10, 2, 0.1, 0.0, 0).run(
            nn.ParameterList([weight]), 4, loss_of, cost.noting_warmup(reports.append)
        )
    assert [report.done for report in reports] == list(range(1, 11))
    assert 0.05 <= cost["warmup"] < cost["seconds"]


def test_what_has_no_steps_has_no_warm_up():
    """A baseline that is fitted in closed form reports notes, and no loss."""
    with measured() as cost:
        cost.noting_warmup(lambda _: None)(Progress(1, 1, note="fitted"))
    assert "warmup" not in cost


def test_operations_are_counted_by_hand():
    """A convolution of 1 to 4 channels by 3 × 3 on 16², then 4 to 2 numbers."""
    convolve, head = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4, 2)
    samples = made_samples(size=16)

    def answer(given):
        assert given.features is None
        return {"x": head(convolve(given.images).mean((2, 3)))}

    carried = Features(torch.zeros(len(samples), 3))
    before = torch.get_rng_state()
    assert flops_of(answer, type(samples)(**{**vars(samples), "features": carried})) == 2 * (
        16 * 16 * 4 * 9 + 4 * 2
    )
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "encoder", ["mae-vit:width=32,depth=2", "resnet18:width=8", "equivariant:group=c4,width=1"]
)
def test_operations_are_those_that_torch_counts(catalogue, encoder):
    """Of an encoder, and of a head behind a deconvolution, forward."""
    task = catalogue.build("task", "superres")
    built = catalogue.build("encoder", encoder, channels=1).eval()
    samples = made_samples(size=32)
    head = task.head(feature_shape(built, 1), samples.info)

    def answer(given):
        return task.predict(head(encode(built, given), given), given)

    answer(samples)  # matrices of the geometry are made once
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        answer(samples.first(1))
    assert flops_of(answer, samples) == counter.get_total_flops() > 1e7


def test_what_cannot_answer_for_one_is_not_counted():
    """And the cell goes on."""

    def refuse(given):
        raise ValueError("two at least")

    assert flops_of(refuse, made_samples()) is None
