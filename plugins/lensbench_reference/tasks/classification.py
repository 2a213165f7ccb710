"""Classification: whichever classes a dataset has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from lensbench import FeatureShape, Predictions, Samples, Target, Task
from lensbench_reference.tasks.classes import ClassHead, class_loss, class_metrics


class Classification(Task):
    """Predicts a class target of any classes; ranked by the mean one-against-rest AUROC.

    `target=class` are the classes of stored images by their own names; any other class target of a
    dataset can be named.
    """

    predicts = "classes"
    needs_maps = False
    positional = "target"

    @dataclass(frozen=True)
    class Options:
        """Options of `classification`.

        Attributes:
            target: Name of the class target.
            weighted: Whether rare classes count as much as frequent ones in training.
        """

        target: str = "class"
        weighted: bool = False

    def __init__(self, options: Options) -> None:
        self._options = options
        self.targets = (options.target,)
        self.metrics = class_metrics(options.target, balanced=False)

    def head(self, shape: FeatureShape, targets: Mapping[str, Target]) -> ClassHead:
        """One linear layer on the normalised pooled features."""
        classes = len(targets[self._options.target].classes)
        return ClassHead(shape.pooled, classes)

    def loss(self, output: Tensor, batch: Samples) -> Tensor:
        """Cross-entropy, weighted where asked for."""
        return class_loss(output, batch.targets[self._options.target], self._options.weighted)

    def predict(self, output: Tensor, batch: Samples) -> Predictions:
        """Probabilities (B, classes)."""
        return {"probability": output.softmax(1)}
