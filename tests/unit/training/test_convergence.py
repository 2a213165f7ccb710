"""Trainings that last until the validation score no longer improves."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from lensbench.api.predictor import TrainingSummary
from lensbench.training.chance import seeded
from lensbench.training.checkpoints import keeping
from lensbench.training.convergence import Convergence
from lensbench.training.loop import TrainingLoop


def ignore(*_: object) -> None:
    """Watches nothing."""


class Line:
    """A line fitted to a plane with noise, and scored on samples that it was not fitted to."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(128, 3, generator=generator)
        self.y = self.x @ torch.tensor([1.0, -2.0, 0.5]) + torch.randn(128, generator=generator)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))

    def loss(self, indices: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return (self.model(self.x[indices])[:, 0] - self.y[indices]).square().mean()

    def score(self) -> float:
        with torch.no_grad():
            held_out = slice(64, None)
            return -float((self.model(self.x[held_out])[:, 0] - self.y[held_out]).square().mean())

    def train(self, steps: int, patience: int = 30) -> TrainingSummary:
        loop = TrainingLoop(steps, 16, 0.02, 0.0, 1, patience=patience)
        with seeded(0):
            return loop.run(self.model, 64, self.loss, ignore, validate=self.score)


def test_training_stops_once_the_score_no_longer_improves():
    line = Line()
    summary = line.train(20_000)
    assert summary.reason == "converged"
    assert summary.steps < 10_000
    assert summary.images == 16 * summary.steps
    assert summary.curve[-1][0] == summary.images


def test_the_best_weights_are_restored():
    line = Line()
    summary = line.train(3000)
    assert line.score() == pytest.approx(max(score for _, score in summary.curve), abs=1e-7)


def test_weights_that_training_spoils_are_kept():
    """The score before the first step counts, so that a pretrained network can stay as it was."""
    line = Line()
    line.train(3000)
    fitted = line.score()
    loop = TrainingLoop(100, 16, 10.0, 0.0, 1, patience=30)
    summary = loop.run(line.model, 64, line.loss, ignore, validate=line.score)
    assert summary.curve[0] == (0, pytest.approx(fitted))
    assert summary.curve[-1][1] < fitted - 0.5
    assert line.score() == pytest.approx(fitted)


def test_a_training_that_still_improves_at_the_limit_says_so():
    summary = Line().train(60)
    assert (summary.reason, summary.steps) == ("limit", 60)


def test_without_patience_the_length_is_fixed():
    summary = Line().train(60, patience=0)
    assert (summary.reason, summary.steps, summary.curve) == ("fixed", 60, ())


def test_the_rate_rises_stays_and_falls_to_zero():
    """The trapezoid; the fall takes a quarter of the steps before it."""
    convergence, model = Convergence(10_000, 30), nn.Linear(1, 1)
    assert convergence.rate(0) == pytest.approx(1 / 200)
    assert convergence.rate(5000) == 1.0
    for step in (650, 800, 1000, 1200, 1300):
        convergence.note(step, 0.5, model)
    assert convergence.fall is None
    convergence.note(1500, 0.5, model)
    assert (convergence.fall, convergence.end, convergence.reason) == (1500, 1875, "converged")
    assert convergence.rate(1500) == 1.0
    assert convergence.rate(1875 - 1) == pytest.approx(1 / 375)


def ends(noise: float, seed: int) -> int:
    """Steps after which a score ends that rises from 0.7 to 0.9 in 3000 steps and stays there."""
    convergence, model = Convergence(40_000, 30), nn.Linear(1, 1)
    random = torch.Generator().manual_seed(seed)
    while convergence.fall is None:
        step = convergence.next
        rising = 0.7 + 0.2 * min(step, 3000) / 3000
        convergence.note(step, rising + noise * float(torch.randn((), generator=random)), model)
    return convergence.fall


@pytest.mark.parametrize("noise", [0.0, 0.005, 0.02, 0.05])
def test_a_rising_score_that_scatters_is_no_plateau(noise):
    """Hardly one in twenty ends before most is learned, and one that scatters little ends soon."""
    steps = sorted(ends(noise, seed) for seed in range(60))
    assert sum(one < 2000 for one in steps) <= 3
    if noise < 0.01:
        assert steps[30] < 3 * 3000


def test_what_is_left_below_the_ceiling_counts():
    """From 0.980 to 0.984 is little of the score, and much of the way to 1."""
    falls = {}
    for ceiling in (math.inf, 1.0):
        convergence, model = Convergence(10_000, 30, ceiling), nn.Linear(1, 1)
        for step, score in ((650, 0.98), (800, 0.981), (1000, 0.982), (1200, 0.983), (1500, 0.984)):
            convergence.note(step, score, model)
        convergence.note(1510, 0.984, model)
        falls[ceiling] = convergence.fall
    assert falls == {math.inf: 1510, 1.0: None}


def test_averaged_weights_are_scored_with_statistics_of_their_own():
    """Those that batch normalisation gathers in training lag behind weights that change fast."""
    with seeded(0):
        model = nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        x = torch.randn(256, 1)
        y = 3 * x[:, 0] + 1

    def loss(indices: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return (model(x[indices])[:, 0] - y[indices]).square().mean()

    def score() -> float:
        model.eval()
        with torch.no_grad():
            value = -float((model(x)[:, 0] - y).square().mean())
        model.train()
        return value

    loop = TrainingLoop(200, 32, 0.3, 0.0, 1, patience=30)
    with seeded(0):
        summary = loop.run(model.train(), 256, loss, ignore, validate=score)
    kept = score()
    assert kept == pytest.approx(max(value for _, value in summary.curve), rel=1e-4)
    layer = model[1]
    inputs = model[0](x).detach()
    assert torch.allclose(layer.running_mean, inputs.mean(0), atol=1e-5)


def test_scores_that_are_not_finite_are_no_plateau():
    """They count as the worst, and the training goes on to its limit."""
    convergence, model = Convergence(1000, 30), nn.Linear(1, 1)
    while convergence.fall is None:
        convergence.note(convergence.next, float("nan"), model)
    assert (convergence.fall, convergence.reason) == (800, "limit")
    assert convergence.curve[0][1] == -float("inf")


def test_nothing_is_judged_in_the_first_tenth():
    """Some networks stay at chance for long before they learn."""
    convergence, model = Convergence(10_000, 30), nn.Linear(1, 1)
    for step in (50, 500, 900, 1000):
        convergence.note(step, 0.5, model)
    assert convergence.fall is None


def test_a_stopped_training_goes_on_to_the_same_bits(tmp_path: Path):
    """Best weights, curve and the fall of the rate included."""
    whole = Line()
    expected = whole.train(2500)
    for crash in (40, expected.steps // 2, expected.steps - 5):
        line = Line()
        folder = tmp_path / str(crash)
        seen = 0

        def crashing(indices, generator, line=line, crash=crash):
            nonlocal seen
            seen += 1
            if seen == crash:
                raise KeyboardInterrupt
            return line.loss(indices, generator)

        loop = TrainingLoop(2500, 16, 0.02, 0.0, 1, patience=30)
        with pytest.raises(KeyboardInterrupt), seeded(0), keeping(folder, 0.0) as kept:
            loop.run(line.model, 64, crashing, ignore, kept.named("line"), line.score)
        again = Line()
        with seeded(0), keeping(folder, 0.0) as kept:
            summary = loop.run(again.model, 64, again.loss, ignore, kept.named("line"), again.score)
        assert summary == expected
        for one, other in zip(whole.model.parameters(), again.model.parameters(), strict=True):
            assert torch.equal(one, other)
