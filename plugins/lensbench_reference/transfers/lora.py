"""Low-rank adaptation: a frozen encoder with small updates of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn
from torch.nn.utils import parametrize

from lensbench import FitContext, IncompatibleError, Transfer
from lensbench_reference.transfers.fitting import HeadedEncoder, ModelPredictor, Settings, fit

_ADAPTED = ("weight", "in_proj_weight")


class LowRankAdaptation(Transfer):
    """Adds B A of a small rank to every matrix of weights, and trains these and the head.

    After Hu et al. 2021 (arXiv:2106.09685, section 4.1): W + (α/r) B A, A normal and B zero at the
    start, so that the encoder begins as it was. The kernels of convolutions are taken as matrices
    of outputs by all the rest. All else in the encoder stays, its normalisation included.
    """

    @dataclass(frozen=True)
    class Options:
        """Options of `lora`: the rank r and α."""

        learning_rate: Annotated[float, Gt(0)] = 2e-3
        batch_size: Annotated[int, Ge(2)] = 16
        rank: Annotated[int, Ge(1)] = 8
        alpha: Annotated[float, Gt(0)] = 16.0

    def __init__(self, options: Options) -> None:
        self.options = options

    def update(self, weight: Tensor) -> LowRankUpdate:
        """What is trained of one matrix of weights."""
        rank = min(self.options.rank, *weight.flatten(1).shape)
        return self.kind(weight, rank, self.scale(rank))

    def scale(self, rank: int) -> float:
        """Factor of an update of this rank."""
        return self.options.alpha / rank

    @property
    def kind(self) -> type[LowRankUpdate]:
        """Of the updates."""
        return LowRankUpdate

    def check(self, encoder: Any, pretraining: str) -> None:
        """Refuses an encoder without matrices.

        Raises:
            IncompatibleError: Where there is nothing to adapt.
        """
        if not adapted_weights(encoder):
            raise IncompatibleError(
                "low-rank updates are of matrices of weights, and this encoder has none",
                "take another encoder, or transfer 'linear'",
            )

    def fit(self, encoder: Any, context: FitContext) -> AdaptedPredictor:
        """Trains updates and head."""
        model = self._adapted(encoder, context).train()
        model.encoder.eval()
        training = fit(
            model, context, Settings(self.options.learning_rate, self.options.batch_size)
        )
        return AdaptedPredictor(model, context.task, model, training)

    def restore(
        self, encoder: Any, context: FitContext, state: Mapping[str, Tensor]
    ) -> AdaptedPredictor:
        """The predictor of these updates and this head, on an encoder as it was."""
        model = self._adapted(encoder, context)
        model.load_state_dict({**model.state_dict(), **state})
        return AdaptedPredictor(model, context.task, model)

    def _adapted(self, encoder: Any, context: FitContext) -> HeadedEncoder:
        self.check(encoder, "")
        encoder.requires_grad_(False)
        for module, name in adapted_weights(encoder):
            update = self.update(getattr(module, name))
            parametrize.register_parametrization(module, name, update)
        return HeadedEncoder(encoder, context)


class RankStabilisedAdaptation(LowRankAdaptation):
    """As `lora` with α/√r for α/r, so that updates of a large rank learn as fast.

    After Kalajdzievski 2023 (arXiv:2312.03732).
    """

    @dataclass(frozen=True)
    class Options(LowRankAdaptation.Options):
        """Options of `rslora`, as of `lora`."""

    def scale(self, rank: int) -> float:
        """Factor of an update of this rank."""
        return self.options.alpha / rank**0.5


class WeightDecomposedAdaptation(LowRankAdaptation):
    """Trains the length of each output's weights, and their direction by a low-rank update.

    After Liu et al. 2024 (arXiv:2402.09353, eqs. 5 and 11).
    """

    @dataclass(frozen=True)
    class Options(LowRankAdaptation.Options):
        """Options of `dora`, as of `lora`."""

    @property
    def kind(self) -> type[LowRankUpdate]:
        """Of the updates."""
        return DecomposedUpdate


class AdaptedPredictor(ModelPredictor):
    """Keeps the updates and the head alone."""

    def state(self) -> Mapping[str, Tensor]:
        """Weights that were trained, and the head's statistics."""
        trained = {
            name for name, parameter in self.model.named_parameters() if parameter.requires_grad
        }
        return {
            name: value
            for name, value in self.model.state_dict().items()
            if name in trained or name.startswith("head.")
        }


class LowRankUpdate(nn.Module):
    """W to W + s B A, for weights (out, …) seen as a matrix.

    Args:
        weight: W.
        rank: Columns of B and rows of A.
        scale: s.
    """

    def __init__(self, weight: Tensor, rank: int, scale: float) -> None:
        super().__init__()
        out, into = weight.flatten(1).shape
        self.scale = scale
        self.down = nn.Parameter(torch.randn(rank, into).to(weight) / into**0.5)
        self.up = nn.Parameter(weight.new_zeros(out, rank))

    def forward(self, weight: Tensor) -> Tensor:
        """The updated weights."""
        return weight + self.scale * (self.up @ self.down).view_as(weight)


class DecomposedUpdate(LowRankUpdate):
    """W to m (W + s B A)/‖W + s B A‖, output by output; the norm is a constant to gradients."""

    def __init__(self, weight: Tensor, rank: int, scale: float) -> None:
        super().__init__(weight, rank, scale)
        self.length = nn.Parameter(_lengths(weight.detach()).clone())

    def forward(self, weight: Tensor) -> Tensor:
        """The updated weights."""
        updated = super().forward(weight)
        return updated * (self.length / _lengths(updated.detach()))


def _lengths(weight: Tensor) -> Tensor:
    """Norms (out, 1, …) of the weights of each output; one where all are zero."""
    norms = torch.linalg.vector_norm(weight.flatten(1), dim=1)
    return torch.where(norms > 0, norms, 1.0).view(-1, *[1] * (weight.ndim - 1))


def adapted_weights(encoder: Any) -> list[tuple[nn.Module, str]]:
    """Modules of an encoder with the name of a matrix or kernel of theirs."""
    return [
        (module, name)
        for module in encoder.modules()
        for name in _ADAPTED
        if isinstance(parameter := module._parameters.get(name), Tensor) and parameter.ndim > 1
    ]
