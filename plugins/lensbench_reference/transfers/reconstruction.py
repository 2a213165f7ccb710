"""What an encoder that learned normal images cannot give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from lensbench import (
    EnergyEncoder,
    FitContext,
    IncompatibleError,
    Predictions,
    ReconstructingEncoder,
    Samples,
    Transfer,
    stretch,
)

_BATCH = 64


class Reconstruction(Transfer):
    """Scores an image by the mean squared error of its reconstruction, or by its free energy.

    Errors are taken in the stretched domain, where the encoder learned. The free energy is that
    of a Boltzmann machine, −log p(v) but for a constant. Nothing is fitted: the encoder was
    pretrained on normal images, and stays as it is.
    """

    @dataclass(frozen=True)
    class Options:
        """Options of `reconstruction`."""

        score: Literal["error", "free-energy"] = "error"

    def __init__(self, options: Options) -> None:
        self.options = options

    def check(self, encoder: Any, pretraining: str) -> None:
        """Refuses an encoder that lacks what the score needs.

        Raises:
            IncompatibleError: Where it gives no reconstruction, or no energy.
        """
        energy = self.options.score == "free-energy"
        needed = EnergyEncoder if energy else ReconstructingEncoder
        if not isinstance(encoder, needed):
            what = "free energy: try rbm" if energy else "reconstruction: try dcae, vae, aae or rbm"
            raise IncompatibleError(
                f"encoder {type(encoder).__name__} is no lensbench.{needed.__name__}",
                f"take one that gives a {what}",
            )

    def fit(self, encoder: Any, context: FitContext) -> ReconstructionScore:
        """Fits nothing."""
        self.check(encoder, "")
        return ReconstructionScore(encoder.eval(), self.options.score)

    def restore(
        self, encoder: Any, context: FitContext, state: Mapping[str, Tensor]
    ) -> ReconstructionScore:
        """The same, since nothing is fitted."""
        return self.fit(encoder, context)


@dataclass(frozen=True)
class ReconstructionScore:
    """An encoder that gives back images, or their energy."""

    encoder: Any
    score: Literal["error", "free-energy"]

    def __call__(self, samples: Samples) -> Predictions:
        """Scores (N,), the larger the more anomalous."""
        with torch.no_grad():
            parts = [self._scores(stretch(images)) for images in samples.images.split(_BATCH)]
        return {"score": torch.cat(parts)}

    def state(self) -> Mapping[str, Tensor]:
        """Nothing beside the encoder."""
        return {}

    def _scores(self, images: Tensor) -> Tensor:
        if self.score == "free-energy":
            energy: Tensor = self.encoder.free_energy(self.encoder.visible(images))
            return energy
        error: Tensor = (self.encoder.reconstruct(images) - images).square().mean((1, 2, 3))
        return error
