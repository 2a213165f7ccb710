"""Which substructure a lens has: three classes."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from lensbench import FeatureShape, Predictions, Samples, Target, Task
from lensbench_reference.tasks.classes import ClassHead, class_auroc, class_metrics


class Morphology(Task):
    """Classifies the substructure; ranked by the mean one-against-rest AUROC."""

    predicts = "classes"
    targets = ("substructure",)
    needs_maps = False
    metrics = (
        *class_metrics("substructure"),
        *(class_auroc("substructure", name) for name in ("no_sub", "cdm", "vortex")),
    )

    def head(self, shape: FeatureShape, targets: Mapping[str, Target]) -> ClassHead:
        """One linear layer on the normalised pooled features."""
        return ClassHead(shape.pooled, len(targets["substructure"].classes))

    def loss(self, output: Tensor, batch: Samples) -> Tensor:
        """Cross-entropy."""
        return nn.functional.cross_entropy(output, batch.targets["substructure"])

    def predict(self, output: Tensor, batch: Samples) -> Predictions:
        """Probabilities (B, classes)."""
        return {"probability": output.softmax(1)}
