"""No pretraining: what every other strategy has to be better than."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lensbench import Pretraining, Target


class NoPretraining(Pretraining):
    """Leaves the encoder at its initial weights."""

    needs_images = False
    learning_rate = 0.0
    weight_decay = 0.0
    batch_size = 1

    def objective(self, encoder: Any, channels: int, targets: Mapping[str, Target]) -> None:
        """Nothing to train."""
