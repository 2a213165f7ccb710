"""Tasks: what is asked of an image, and how an answer is scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch

    from lensbench.api.dataset import Target
    from lensbench.api.samples import Samples

Predictions = Mapping[str, Any]
"""Per-sample answers by name: each an array or tensor whose first axis is the sample.

By convention, so that any predictor, metric and picture understand each other:

- a class target: `probability` (N, classes), in the order of its classes, with sums of one;
- T real targets: `mean` and `sigma`, (N, T) each, value and standard error in the unit of the
  target, in the order of `Task.targets`; `sigma` is left out by a predictor that states no error,
  and `covariance` (N, T, T) is added by one that knows how the errors correlate;
- how strange something is: `score` (N,), the higher the stranger, in any unit;
- the sky: `sky` (N, C, sH, sW), in the unit of the images.

All are finite: a predictor that does not know answers with what it knows of the training labels.
"""


@dataclass(frozen=True)
class Metric:
    """One figure of merit.

    Attributes:
        name: As it stands in records.
        compute: From predictions and samples to one value a sample (N,), which is averaged,
            or, where `per_sample` is false, to one number for them all: NaN where it is undefined,
            as an AUROC of one class is. Raises `NotImplementedError` where it needs an answer that
            a predictor does not give, and `UndefinedError` with the reason where these samples
            are too few to measure it. Without `resampled`, a number for all is taken of every
            bootstrap resample, some thousand times: it gets the targets alone, and has to be cheap.
        unit: Unit of the value; empty for a ratio.
        higher_is_better: Direction; `None` where neither is better, as of a signed bias or a
            coverage. Tables by such a metric rank nobody, and comparisons call nobody better.
        per_sample: Whether the value is a mean over samples. Values that are true or false
            (`bool`) are a proportion, whose interval is exact.
        chance: Value of an answer that ignores the image, where there is one.
        target: Name of the real target that it measures, if any: samples in which that is NaN are
            left out before it is computed.
        among: Which samples (N,), bool, the mean of a metric `per_sample` is of, by their targets
            and their order alone: those of one class, say. It is computed of all.
        interval: Whether the bootstrap's interval is shown. False for a number whose bootstrap does
            not cover, such as a maximum or a distance from a distribution.
        bounds: The 95 % interval of a number for all, where there is a better one than the
            bootstrap's.
        resampled: The number for all of many resamples at once, where it is faster so: from
            predictions, samples and indices of samples (R, N), a resample a row, repeats included,
            to what `compute` gives for each row (R,).
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
    bounds: Callable[[Predictions, Samples], tuple[float, float]] | None = None
    resampled: Callable[[Predictions, Samples, np.ndarray], np.ndarray] | None = None


@dataclass(frozen=True)
class FeatureShape:
    """What a head can count on: dimensions of an encoder's features.

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
    """How a task wants the target `sky`: the noise-free image of a sharper instrument.

    Attributes:
        upsample: Its sampling in units of the input's.
        reference: Name of the condition whose PSF it has; the input's own where empty.
    """

    upsample: int
    reference: str


@runtime_checkable
class Task(Protocol):
    """A question: the targets it needs, a head, a loss and metrics.

    Attributes:
        version: Changes whenever a score would.
        targets: Names of the targets that it needs.
        sky: How it wants the target `sky`; `None` where it does not ask for it.
        metrics: The first is the primary one, by which tables are ranked.

    A class may set `needs_maps = False` where its head looks at `Features.pooled` alone, so that
    no maps are kept. It may set `normal = (target, class)`: only scenes of that class are
    trained on, pretraining included, as for the detection of anomalies. And it may set `trainable
    = False` where there is no head to train: `head` and `loss` are then never called (and need not
    be there), and only what names the task in its entry does it.
    """

    version: str
    targets: tuple[str, ...]
    sky: SkyTarget | None
    metrics: tuple[Metric, ...]

    def head(self, shape: FeatureShape, targets: Mapping[str, Target]) -> torch.nn.Module:
        """A module called as `head(features, batch)` that returns the output."""
        ...

    def loss(self, output: Any, batch: Samples) -> torch.Tensor:
        """A scalar to minimise."""
        ...

    def predict(self, output: Any, batch: Samples) -> Predictions:
        """Answers in the unit of the targets."""
        ...
