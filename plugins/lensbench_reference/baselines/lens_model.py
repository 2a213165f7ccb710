"""Lens modelling: a smooth lens fitted to each image, with the errors that the fit itself gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from lensbench import (
    Baseline,
    FitContext,
    Measurements,
    OptionError,
    Predictions,
    Predictor,
    Samples,
)
from lensbench_reference.baselines.classes import no_features, restored
from lensbench_reference.baselines.lens_classes import LensAnomalies, LensClasses, LensTrees
from lensbench_reference.baselines.lens_measuring import measured_lenses, value_of
from lensbench_reference.baselines.trees import BoostedTrees
from lensbench_reference.lens_fitting.lens_fit import Fit, with_slopes
from lensbench_reference.lens_fitting.lens_images import (
    Fitting,
    detected,
    fits_of,
    one_image,
)
from lensbench_reference.lens_fitting.lens_verdict import doubts
from lensbench_reference.lens_fitting.rings import shines


class LensModel(Baseline):
    """SIE, external shear and a Sérsic source, fitted to every image by least squares.

    The PSF, the pixels and the noise are those of the samples' condition; it gets nothing else.
    Each fit begins blind, from several places, first with one ray a pixel and then, from the
    best, with `oversampling` rays along its side. The lens's light is a Sérsic profile about its
    centre, fitted where most training images are brightest at theirs, or as `lens_light` says;
    with `two` it is a bulge and a disc.

    Substructure is classified by a linear regression on statistics of the residual. Whether there
    is a lens is classified by trees, which also get what the fit says of lens, source and light.

    The stated error is that of (JᵀJ)⁻¹, scaled by the root of the reduced χ² where that is above
    one, and has added in quadrature the scatter that the fits show on `calibrate` labelled
    validation samples. Where that is more than half the scatter of the training labels, these
    count as a normal prior too. What the model does not know (other targets) and images without
    a visible lens get the mean of the training labels and their scatter.
    """

    @dataclass(frozen=True)
    class Options:
        """Options of `lens-model`."""

        starts: Literal["1", "2", "3", "5", "8"] = "5"
        oversampling: Literal["1", "2", "4"] = "2"
        calibrate: int = 48
        lens_light: Literal["auto", "yes", "no", "two"] = "auto"
        classifier: Literal["auto", "linear", "trees"] = "auto"

        def fitting(self, light: int) -> Fitting:
            """With these options and so many components of the light of lens galaxies."""
            return Fitting(int(self.starts), int(self.oversampling), light)

    def __init__(self, options: Options) -> None:
        if options.calibrate < 0:
            raise OptionError(f"calibrate={options.calibrate}, expected 0 or more", "try 48")
        self.options = options

    def fit(self, context: FitContext) -> Predictor:
        """Fits what the task asks for: numbers, classes or scores.

        Of numbers, labels are used for the scatter that errors leave out, and for what no fit
        answers.
        """
        if context.task.predicts == "classes":
            kind = LensTrees if self._grows_trees(context) else LensClasses
            return kind.trained(self.options.fitting(self._components(context)), context)
        if context.task.predicts == "scores":
            fitting = self.options.fitting(self._components(context))
            return LensAnomalies(fitting, context.measurements)
        names = context.task.targets
        labels = torch.stack([context.train.targets[name].double().cpu() for name in names], 1)
        centre = labels.nanmean(0).nan_to_num()
        spread = (labels - centre).square().nanmean(0).nan_to_num().sqrt().clamp(min=1e-9)
        light = self._components(context)
        plain = FittedLenses(
            self.options,
            context.measurements,
            names,
            centre,
            spread,
            extra=torch.zeros_like(spread),
            light=torch.tensor(light),
        )
        count = min(self.options.calibrate, len(context.validation))
        if not count:
            return plain
        known = context.validation.take(torch.arange(count))
        wanted = torch.stack([known.targets[name].double().cpu() for name in names], 1)
        mean, sigma = plain.measure(known)
        return replace(plain, extra=extra_scatter(mean - wanted, sigma))

    def restore(self, context: FitContext, state: Mapping[str, Tensor]) -> Predictor:
        """The predictor whose state this was."""
        if context.task.predicts in ("classes", "scores"):
            fitting = self.options.fitting(int(state["features.light"]))
            if context.task.predicts == "scores":
                return LensAnomalies(fitting, context.measurements)
            if self._grows_trees(context):
                trees = BoostedTrees.restored(state, context, "lens-model")
                return LensTrees(fitting, context.measurements, trees)
            linear = restored(no_features, context, "lens-model", state)
            return LensClasses(fitting, context.measurements, linear)
        names = context.task.targets
        fitted = (state[name] for name in ("mean", "spread", "extra", "light"))
        return FittedLenses(self.options, context.measurements, names, *fitted)

    def measure(self, samples: Samples) -> Mapping[str, Tensor]:
        """Lenses fitted to images of which nothing but the observation is known."""
        return measured_lenses(
            samples, self.options.fitting(_LIGHTS.get(self.options.lens_light, 1))
        )

    def _grows_trees(self, context: FitContext) -> bool:
        """Whether trees classify: as the options say, or where substructure is not the question."""
        if self.options.classifier == "auto":
            return "substructure" not in context.task.targets
        return self.options.classifier == "trees"

    def _components(self, context: FitContext) -> int:
        """Of the light of lens galaxies: as the options say, or as the training images shine."""
        if self.options.lens_light in _LIGHTS:
            return _LIGHTS[self.options.lens_light]
        return int(shines(one_image(context.train), context.train.condition.pixel_scale))


_LIGHTS = {"no": 0, "yes": 1, "two": 2}
"""Components of lens light that options ask for."""


@dataclass(frozen=True)
class FittedLenses:
    """Fits lenses.

    Attributes:
        options: How.
        measurements: Where fits are found.
        names: Targets, in their order.
        mean: Of the training labels (T,).
        spread: Their standard deviation (T,).
        extra: Scatter beyond that of the noise (T,).
        light: Components of the light of lens galaxies.
    """

    options: LensModel.Options
    measurements: Measurements
    names: tuple[str, ...]
    mean: Tensor
    spread: Tensor
    extra: Tensor
    light: Tensor

    def __call__(self, samples: Samples) -> Predictions:
        """Mean and sigma of every target (N, T)."""
        return self._with_prior(*self.measure(samples))

    def flags(self, samples: Samples, predictions: Predictions) -> list[str]:
        """What makes each prediction doubtful: no visible lens, or a fit that is not trusted.

        An image without a visible lens gets what the training labels say.
        """
        blank = self._with_prior(self.mean[None], self.spread[None])
        same = [(predictions[name] == blank[name]).all(1) for name in ("mean", "sigma")]
        said = "no lens seen: mean and scatter of the training labels"
        found = doubts(samples, self.fitting, self.measurements)
        unseen = (same[0] & same[1]).tolist()
        return [said if no else "; ".join(one) for no, one in zip(unseen, found, strict=True)]

    def _with_prior(self, mean: Tensor, sigma: Tensor) -> Predictions:
        """Predictions from what was measured (N, T), with the training labels as a prior."""
        own, prior = sigma**2 + self.extra**2, self.spread**2
        doubtful = self.extra > self.spread / 2
        mean = torch.where(doubtful, (mean * prior + self.mean * own) / (own + prior), mean)
        sigma = torch.where(doubtful, own * prior / (own + prior), own).sqrt()
        return {"mean": mean.float(), "sigma": sigma.float()}

    def state(self) -> Mapping[str, Tensor]:
        """Three numbers a target, and one."""
        names = ("mean", "spread", "extra", "light")
        return {name: getattr(self, name) for name in names}

    @property
    def fitting(self) -> Fitting:
        """How lenses are fitted."""
        return self.options.fitting(int(self.light))

    def measure(self, samples: Samples) -> tuple[Tensor, Tensor]:
        """Values and errors of all targets (N, T), each in the target's unit."""
        fit = fits_of(samples, self.fitting, self.measurements)
        return self._answers(fit, one_image(samples))

    def _answers(self, fit: Fit, images: Tensor) -> tuple[Tensor, Tensor]:
        """Values and errors; those of the training labels where there is nothing else to say."""
        seen = detected(fit, images)
        inflation = (fit.chi_squared / images[0].numel()).clamp(min=1).sqrt()
        means, sigmas = [], []
        for i, name in enumerate(self.names):
            mean, sigma = self.mean[i].expand(len(seen)), self.spread[i].expand(len(seen))
            if name in MEASURED:
                value, slope = with_slopes(partial(value_of, name), fit.theta)
                error = (slope[:, None] @ fit.covariance @ slope[:, :, None])[:, 0, 0]
                error = error.clamp(min=0).sqrt() * inflation
                valid = seen & torch.isfinite(value) & torch.isfinite(error)
                mean = torch.where(valid, value, mean)
                sigma = torch.where(valid, error.clamp(min=1e-9), sigma)
            means.append(mean)
            sigmas.append(sigma)
        return torch.stack(means, 1), torch.stack(sigmas, 1)


def extra_scatter(residual: Tensor, sigma: Tensor) -> Tensor:
    """The scatter (T,) that, added to errors (N, T) in quadrature, makes residuals most likely.

    Found on a logarithmic grid; zero where the errors say all. Residuals that are NaN, of what is
    not defined, count for nothing.
    """
    known = torch.isfinite(residual)
    residual = torch.where(known, residual, 0.0)
    grid = torch.cat([torch.zeros(1), torch.logspace(-5, 1, 241)]).double()
    scatter = grid[:, None, None] * residual.abs().amax(0).clamp(min=1e-9)
    variance = sigma**2 + scatter**2
    likelihood = -((torch.log(variance) + residual**2 / variance) * known).sum(1)
    return scatter[likelihood.argmax(0), 0, torch.arange(residual.shape[1])]


MEASURED = (
    "theta_E",
    "lens_e1",
    "lens_e2",
    "shear",
    "shear_1",
    "shear_2",
    "source_x",
    "source_y",
    "source_magnitude",
    "source_radius",
    "lens_x",
    "lens_y",
)
"""Targets that the fit answers."""
