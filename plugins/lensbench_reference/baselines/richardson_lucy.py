"""Richardson–Lucy deconvolution with the known PSF, for photons over a known sky."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from lensbench import (
    Baseline,
    FitContext,
    IncompatibleError,
    Predictions,
    Predictor,
    Progress,
    Samples,
    SkyTarget,
)
from lensbench_reference.baselines.interpolation import sky_of
from lensbench_reference.deconvolution import SkyOperator, richardson_lucy
from lensbench_reference.sampling import at_each_scale

_LEVELS = (1.2, 1.1, 1.05, 1.02, 1.0, 0.98, 0.96, 0.95, 0.94, 0.93, 0.92, 0.91, 0.9, 0.88, 0.85)
"""Misfits to choose from: stopping early is what keeps the noise down."""

_CHOICES = 64
_CHUNK = 32


class RichardsonLucy(Baseline):
    """Non-blind Richardson–Lucy (Richardson 1972; Lucy 1974) on the fine grid, accelerated.

    Each image stops where its misfit falls to a level. The level is the one of the least mean
    logarithm of the squared error, which is the best mean PSNR, on up to 64 validation samples.
    """

    def fit(self, context: FitContext) -> Predictor:
        """Chooses the level.

        Raises:
            IncompatibleError: Where the task asks for no sky, or no sample has a known one.
        """
        sky = sky_of(context, "richardson-lucy")
        known = context.validation.take(torch.arange(min(_CHOICES, len(context.validation))))
        if not len(known):
            raise IncompatibleError("richardson-lucy has no validation sample", "give one or more")
        errors = []
        for indices in torch.arange(len(known)).split(_CHUNK):
            part = known.take(indices)
            wanted = part.targets["sky"].cpu()
            seen = torch.isfinite(wanted)
            answers = _answers(part, sky, _LEVELS)
            squared = torch.where(seen, answers - wanted.nan_to_num(), 0.0) ** 2
            error = squared.sum((2, 3, 4)) / seen.sum((1, 2, 3)).clamp(min=1)
            errors.append(torch.log(error.clamp(min=1e-20)))
            context.report(Progress(int(indices[-1]) + 1, len(known), note="images"))
        best = int(torch.cat(errors, 1).mean(1).argmin())
        return Deconvolution(sky, torch.tensor(_LEVELS[best]))

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The predictor whose state this was."""
        return Deconvolution(sky_of(context, "richardson-lucy"), state["level"])


@dataclass(frozen=True)
class Deconvolution:
    """Deconvolves down to a chosen misfit."""

    sky: SkyTarget
    level: Tensor

    def __call__(self, samples: Samples) -> Predictions:
        """Skies behind the reference's PSF, in units of σ."""
        parts = [
            _answers(samples.take(chunk), self.sky, (float(self.level),))[0]
            for chunk in torch.arange(len(samples)).split(_CHUNK)
        ]
        return {"sky": torch.cat(parts)}

    def state(self) -> Mapping[str, Tensor]:
        """The level."""
        return {"level": self.level}


def _answers(samples: Samples, sky: SkyTarget, levels: tuple[float, ...]) -> Tensor:
    """Answers (L, N, C, S, S) at each of these falling levels."""

    def answer(part: Samples) -> Tensor:
        return richardson_lucy(part.images.float().cpu(), SkyOperator.of(part, sky), levels)

    return at_each_scale(answer, samples, sky, axis=1)
