"""The Einstein radius from where the ring's light is: no model of the lens, one linear fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from lensbench import Baseline, FitContext, Predictions, Predictor, Progress, Samples
from lensbench_reference.lens_fitting.rings import mean_radius, peak_radius, ring_radius

_RIDGE = 1e-3
_CHUNK = 256


class RingRadius(Baseline):
    """Three radii of the light [arcsec], and a linear fit of the labels to them.

    A ring's light lies about the Einstein radius, as images on both sides of the critical curve
    do (Narayan & Bartelmann 1996, astro-ph/9606001, section 3.1). The error is the scatter of
    the training labels about the fit. Targets other than `theta_E` get their training mean, and
    zero where no training label is defined.
    """

    def fit(self, context: FitContext) -> Predictor:
        """Fits labels to radii by least squares, hardly regularised."""
        names = context.task.targets
        values = radii_of(context.train)
        rows, sigmas = [], []
        for name in names:
            labels = context.train.targets[name].double().cpu()
            known = torch.isfinite(labels)
            wanted = labels[known] if known.any() else torch.zeros_like(labels)
            design = values[known] if known.any() else values
            design = design if name == "theta_E" else torch.zeros_like(design)
            # The constant is not regularised: it takes the mean of what is left.
            centre = design.mean(0)
            centred = design - centre
            matrix = centred.T @ centred + _RIDGE * torch.eye(design.shape[1]).double()
            slope = torch.linalg.solve(matrix, centred.T @ (wanted - wanted.mean()))
            constant = wanted.mean() - centre @ slope
            rows.append(torch.cat([constant[None], slope]))
            left = wanted - design @ slope - constant
            freedom = max(1, len(wanted) - (values.shape[1] + 1 if name == "theta_E" else 1))
            sigmas.append((left.square().sum() / freedom).sqrt().clamp(min=1e-6))
        context.report(Progress(1, 1))
        return LinearRadii(torch.stack(rows), torch.stack(sigmas))

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The predictor whose state this was."""
        return LinearRadii(state["weights"], state["sigma"])


@dataclass(frozen=True)
class LinearRadii:
    """Constant and slopes (T, 4), and scatter (T,), of each target."""

    weights: Tensor
    sigma: Tensor

    def __call__(self, samples: Samples) -> Predictions:
        """Mean and sigma (N, T)."""
        mean = radii_of(samples) @ self.weights[:, 1:].T + self.weights[:, 0]
        return {"mean": mean.float(), "sigma": self.sigma.float().expand(mean.shape).clone()}

    def state(self) -> Mapping[str, Tensor]:
        """What was fitted."""
        return {"weights": self.weights, "sigma": self.sigma}


def radii_of(samples: Samples) -> Tensor:
    """Radii (N, 3) of the light of samples, bands added, float64 [arcsec]."""
    scales = samples.pixel_scale
    if scales is None:
        scales = torch.tensor([samples.condition.pixel_scale]).expand(len(samples))
    found = torch.zeros(len(samples), 3, dtype=torch.float64)
    for scale in scales.unique().tolist():
        for chosen in (scales == scale).nonzero()[:, 0].split(_CHUNK):
            chunk = samples.images[chosen].cpu().float()
            light = chunk.sum(1) / math.sqrt(chunk.shape[1])
            measures = (ring_radius, mean_radius, peak_radius)
            found[chosen] = torch.stack([one(light, scale) for one in measures], 1).double()
    return found
