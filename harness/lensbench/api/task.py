"""Tasks: what is predicted from an image, and how predictions are scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lensbench.api.plugin import Plugin

if TYPE_CHECKING:
    import numpy as np
    import torch

    from lensbench.api.condition import Condition
    from lensbench.api.dataset import Target
    from lensbench.api.samples import Samples

Predictions = Mapping[str, Any]
"""Predictions of samples, by name: each an array or tensor whose first axis is the sample.

The names follow from the kind of predictions that a task declares, see `PredictionKind`. All values
are finite: a predictor that knows nothing of an image predicts from the training labels.
"""

PredictionKind = Literal["classes", "numbers", "scores", "images"]
"""Kind of a task's predictions, which says what `Predictions` holds:

- `classes`: `probability` (N, classes), in the order of the target's classes; rows sum to one;
- `numbers`: `mean` and `sigma`, (N, T) each: value and standard error of the T targets in the order
  of `Task.targets`, in their units. `sigma` is left out by a predictor that estimates no error, and
  `covariance` (N, T, T) is added by one that knows how the errors correlate;
- `scores`: `score` (N,), how anomalous each image is, in any unit; higher is more anomalous;
- `images`: `sky` (N, C, sH, sW), in the unit of the images.
"""


@dataclass(frozen=True)
class Metric:
    """One figure of merit.

    Attributes:
        name: Its name in records.
        compute: From predictions and samples to one value a sample (N,), which is averaged,
            or, where `per_sample` is false, to one number for all samples: NaN where it is
            undefined, as an AUROC of one class is. Raises `NotImplementedError` where it needs
            predictions that a predictor does not return, and `UndefinedError` with the reason where
            these samples are too few to measure it. Without `resampled`, the number for all
            samples is computed for each of about a thousand bootstrap resamples: it then gets
            only the targets and has to be cheap.
        unit: Unit of the value; empty for a ratio.
        higher_is_better: Direction; `None` where neither is better, as of a signed bias or a
            coverage. Tables by such a metric have no ranks, and comparisons no winner.
        per_sample: Whether the value is a mean over samples. Values that are true or false
            (`bool`) are a proportion, whose interval is exact.
        chance: Chance level: the value of predictions that ignore the image, where there is one.
        target: Name of the real target that it measures, if any: samples in which that is NaN are
            left out before it is computed.
        among: Which samples (N,), bool, the mean of a metric `per_sample` includes, such as those
            of one class. It may depend on targets and order only. The metric is computed for all.
        interval: Whether the interval of the bootstrap is shown. False for a number whose bootstrap
            does not cover, such as a maximum or a distance from a distribution.
        scale: Scale on which the errors of the score are nearly normal, so that its interval is
            Student's there: `log` for a mean of positive values, one a sample; `logit` for an area
            between 0 and 1. If empty, the interval has the percentiles of the bootstrap.
        bounds: The 95 % interval of a number for all samples, where there is a better one than the
            bootstrap's.
        resampled: The number for many resamples at once, where that is faster: from predictions,
            samples and indices of samples (R, N), one resample a row, to what `compute` returns for
            each row (R,).
        error: Which error of `target` it is, if any: the root mean square, or what 68.3 % of the
            absolute errors are below. Tables then show the limits that `lensbench limits` computed.
    """

    name: str
    compute: Callable[[Predictions, Samples], np.ndarray | float]
    unit: str = ""
    higher_is_better: bool | None = True
    per_sample: bool = False
    chance: float | None = None
    target: str = ""
    among: Callable[[Samples], np.ndarray] | None = None
    interval: bool = True
    scale: Literal["", "log", "logit"] = ""
    bounds: Callable[[Predictions, Samples], tuple[float, float]] | None = None
    resampled: Callable[[Predictions, Samples, np.ndarray], np.ndarray] | None = None
    error: Literal["", "rms", "68"] = ""

    def where_defined(
        self, predictions: Predictions, samples: Samples
    ) -> tuple[Predictions, Samples]:
        """Predictions and samples without those whose target of the metric is not defined."""
        if not self.target:
            return predictions, samples
        known = samples.targets[self.target].isfinite().nonzero()[:, 0]
        if len(known) == len(samples):
            return predictions, samples
        places = known.cpu().numpy()
        return {name: values[places] for name, values in predictions.items()}, samples.take(known)


@dataclass(frozen=True)
class FeatureShape:
    """Dimensions of an encoder's features.

    Attributes:
        pooled: D of `Features.pooled`.
        maps: (Dᵢ, strideᵢ) of each map, coarse to fine; stride in input pixels.
        channels: Channels of the images.
    """

    pooled: int
    maps: tuple[tuple[int, int], ...]
    channels: int


@dataclass(frozen=True)
class SkyTarget:
    """How a task needs the target `sky`: the noise-free image of a sharper instrument.

    Its pixels are the same under every condition if `pixel_scale` and `size` are given. Otherwise
    they divide those of the input over the same field.

    Attributes:
        upsample: Pixels of the target along one side of a pixel of the input.
        reference: Name of the condition whose PSF the target has; the input's own where empty.
        pixel_scale: Side of a pixel of the target [arcsec], the same under every condition.
        size: Pixels on a side of that target, a centred square.
    """

    upsample: int = 1
    reference: str = ""
    pixel_scale: float = 0.0
    size: int = 0

    @property
    def fixed(self) -> bool:
        """Whether the target has the same pixels under every condition."""
        return self.size > 0

    def pixel(self, condition: Condition) -> float:
        """Side of a pixel of the target [arcsec] under a condition."""
        return self.pixel_scale if self.fixed else condition.pixel_scale / self.upsample

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the target of an image of this height and width [pixels]."""
        if self.fixed:
            return self.size, self.size
        return self.upsample * height, self.upsample * width


class Task(Plugin):
    """A question about images: the targets it needs, a head, a loss and metrics.

    Attributes:
        targets: Names of the targets that it needs.
        predicts: Kind of its predictions, see `PredictionKind`.
        metrics: The first one is the primary metric, by which tables are ranked.
        sky: How it needs the target `sky`; `None` where it does not need it.
        needs_maps: Whether its head reads `Features.maps`. Where it does not, no maps are stored.
        normal: A class target and one of its classes: training, pretraining included, sees scenes
            of that class only, as anomaly detection needs.
        trainable: Whether it has a head to train. Where it has none, `head`, `loss` and `predict`
            are never called, and only transfers and baselines whose entry names the task do it.
    """

    targets: tuple[str, ...]
    predicts: PredictionKind
    metrics: tuple[Metric, ...]
    sky: SkyTarget | None = None
    needs_maps: bool = True
    normal: tuple[str, str] | None = None
    trainable: bool = True

    def head(self, shape: FeatureShape, targets: Mapping[str, Target]) -> torch.nn.Module:
        """A module called as `head(features, batch)` that returns the output."""
        raise NotImplementedError

    def loss(self, output: Any, batch: Samples) -> torch.Tensor:
        """A scalar to minimise."""
        raise NotImplementedError

    def predict(self, output: Any, batch: Samples) -> Predictions:
        """Predictions in the units of the targets."""
        raise NotImplementedError
