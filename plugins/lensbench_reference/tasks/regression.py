"""Regression: numbers of a lens, each with a stated error."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lensbench import (
    REAL_TARGETS,
    Features,
    FeatureShape,
    Metric,
    OptionError,
    Predictions,
    Samples,
    Target,
    Task,
)
from lensbench_reference.tasks.residuals import joint_metrics, residual_metrics

_BETA = 0.5


class Regression(Task):
    """Measures real targets, by a normal distribution for each; the first one's 68 % error ranks.

    `targets=theta_E+shear_1+shear_2` asks for several. Scenes in which a target is not defined are
    left out of its loss and metrics.
    """

    predicts = "numbers"
    needs_maps = False
    positional = "targets"

    @dataclass(frozen=True)
    class Options:
        """Options of `regression`: names of targets, joined by +."""

        targets: str = "theta_E"

    def __init__(self, options: Options) -> None:
        self.targets = tuple(options.targets.split("+"))
        if not all(self.targets) or len(set(self.targets)) < len(self.targets):
            raise OptionError(
                f"targets={options.targets!r}, expected names joined by +, each once",
                f"of simulated lenses: {', '.join(REAL_TARGETS)}",
            )
        single = (
            residual_metrics(name, index, REAL_TARGETS.get(name, Target("real")).unit)
            for index, name in enumerate(self.targets)
        )
        together = joint_metrics(self.targets) if len(self.targets) > 1 else ()
        self.metrics: tuple[Metric, ...] = (*itertools.chain.from_iterable(single), *together)

    def head(self, shape: FeatureShape, targets: Mapping[str, Target]) -> NormalHead:
        """Normalised pooled features to a mean and an error of every target."""
        return NormalHead(shape.pooled, self.targets)

    def loss(self, output: dict[str, Tensor], batch: Samples) -> Tensor:
        """β-NLL: each likelihood weighted by σ^2β, β = ½ (Seitzer 2022, arXiv:2203.09168, eq. 5).

        In units of each target's scatter, over what is defined.
        """
        wanted = stacked(batch, self.targets)
        known = torch.isfinite(wanted)
        residual = (output["mean"] - torch.where(known, wanted, 0.0)) / output["scale"]
        sigma = output["sigma"] / output["scale"]
        likelihood = sigma.log() + (residual / sigma) ** 2 / 2
        weighted = likelihood * sigma.detach() ** (2 * _BETA) * known
        return torch.where(known, weighted, 0.0).sum() / known.sum().clamp(min=1)

    def predict(self, output: dict[str, Tensor], batch: Samples) -> Predictions:
        """Mean and standard error (B, T) in the targets' units."""
        return {"mean": output["mean"], "sigma": output["sigma"]}


class NormalHead(nn.Module):
    """A linear layer to standardised means and log errors.

    Centre and scale of the targets are gathered from the labels of training batches and kept with
    the weights.
    """

    centre: Tensor
    squares: Tensor
    count: Tensor

    def __init__(self, width: int, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names
        self.norm = nn.BatchNorm1d(width, affine=False)
        self.linear = nn.Linear(width, 2 * len(names))
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        for name in ("count", "centre", "squares"):
            self.register_buffer(name, torch.zeros(len(names)))

    def forward(self, features: Features, batch: Samples) -> dict[str, Tensor]:
        """Mean, sigma (B, T) and scale (T,) in the targets' units."""
        if self.training and all(name in batch.targets for name in self.names):
            self.gather(stacked(batch, self.names))
        mean, log_sigma = self.linear(self.norm(features.pooled)).chunk(2, 1)
        spread = (self.squares / self.count.clamp(min=1)).sqrt()
        scale = torch.where(spread > 1e-9, spread, 1.0)
        # Errors between a thousandth of the scatter and ten times it.
        sigma = torch.exp(log_sigma.clamp(-6.9, 2.3)) * scale
        return {"mean": self.centre + mean * scale, "sigma": sigma, "scale": scale}

    @torch.no_grad()
    def gather(self, wanted: Tensor) -> None:
        """Adds labels (B, T) to centre and squares (Chan et al. 1983, doi:10.2307/2683386)."""
        known = torch.isfinite(wanted)
        values = torch.where(known, wanted, 0.0)
        count = known.sum(0)
        mean = values.sum(0) / count.clamp(min=1)
        squares = torch.where(known, (values - mean) ** 2, 0.0).sum(0)
        total = (self.count + count).clamp(min=1)
        step = mean - self.centre
        self.squares += squares + step**2 * self.count * count / total
        self.centre += step * count / total
        self.count += count


def stacked(batch: Samples, names: tuple[str, ...]) -> Tensor:
    """Real targets (B, T), in this order."""
    return torch.stack([batch.targets[name].float() for name in names], 1)
