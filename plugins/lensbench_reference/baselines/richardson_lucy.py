"""Richardson–Lucy deconvolution with the known PSF, for photons over a known sky."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from lensbench import FitContext, IncompatibleError, Predictions, Predictor, Samples, SkyTarget
from lensbench_reference.baselines.interpolation import sky_of
from lensbench_reference.baselines.optics import SkyOperator

_ITERATIONS = (1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 130, 200)
"""Numbers of iterations to choose from: stopping early is what keeps the noise down."""

_FAINTEST = 0.02
"""Least light of a start, in units of σ: what starts bright over empty sky fades too slowly."""

_CHOICES = 64
_CHUNK = 32


class RichardsonLucy:
    """Non-blind Richardson–Lucy (Richardson 1972; Lucy 1974) on the fine grid.

    The number of iterations is the one of the least mean logarithm of the squared error, which
    is the best mean PSNR, on up to 64 validation samples.
    """

    version = "1"

    def fit(self, context: FitContext) -> Predictor:
        """Chooses the iterations.

        Raises:
            IncompatibleError: Where the task asks for no sky, or no sample has a known one.
        """
        sky = sky_of(context, "richardson-lucy")
        known = context.validation.take(torch.arange(min(_CHOICES, len(context.validation))))
        if not len(known):
            raise IncompatibleError("richardson-lucy has no validation sample", "give one or more")
        wanted = known.targets["sky"].cpu()
        seen = torch.isfinite(wanted)
        errors = []
        for answer in steps(known, sky, _ITERATIONS):
            squared = torch.where(seen, answer - wanted.nan_to_num(), 0.0) ** 2
            error = squared.sum((1, 2, 3)) / seen.sum((1, 2, 3)).clamp(min=1)
            errors.append(torch.log(error.clamp(min=1e-20)).mean())
            context.report(len(errors), len(_ITERATIONS), "iterations")
        best = _ITERATIONS[int(torch.stack(errors).argmin())]
        return Deconvolution(sky, torch.tensor(best))

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The predictor whose state this was."""
        return Deconvolution(sky_of(context, "richardson-lucy"), state["iterations"])


@dataclass(frozen=True)
class Deconvolution:
    """Deconvolves with a chosen number of iterations."""

    sky: SkyTarget
    iterations: Tensor

    def __call__(self, samples: Samples) -> Predictions:
        """Skies behind the reference's PSF, in units of σ."""
        parts = [
            next(steps(samples.take(chunk), self.sky, (int(self.iterations),)))
            for chunk in torch.arange(len(samples)).split(_CHUNK)
        ]
        return {"sky": torch.cat(parts)}

    def state(self) -> Mapping[str, Tensor]:
        """The number of iterations."""
        return {"iterations": self.iterations}


def steps(samples: Samples, sky: SkyTarget, iterations: tuple[int, ...]) -> Iterator[Tensor]:
    """Answers (N, C, sN, sN) after each of these increasing numbers of iterations.

    Counts are of photons: the sky that was subtracted is added again, and the variance of the
    reads stands as that many more (Snyder, Hammoud & White 1993). The light of the sky stays
    fixed, and u, which starts as the smoothed image, is of the objects alone:
    u ← u/(Aᵀ1) · Aᵀ(counts/(A u + sky)).
    """
    operator = SkyOperator.of(samples, sky)
    condition = samples.condition
    background = condition.sky_electrons + condition.read_electrons**2
    images = samples.images.float().cpu()
    counts = (images * condition.sigma_electrons + background).clamp(min=0)
    share = operator.transpose(torch.ones_like(images)).clamp(min=1e-6)
    smooth = avg_pool2d(images, 5, 1, 2, count_include_pad=False).clamp(min=_FAINTEST)
    light = interpolate(smooth, scale_factor=sky.upsample, mode="bilinear")
    done = 0
    for wanted in iterations:
        for _ in range(wanted - done):
            expected = operator.image(light) * condition.sigma_electrons + background
            ratio = counts / expected.clamp(min=1e-3 * background)
            light = light * (operator.transpose(ratio) / share).clamp(min=0)
        done = wanted
        yield operator.answer(light)
