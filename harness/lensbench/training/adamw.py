"""AdamW without torch's compiler, which `torch.optim` imports and which takes a second or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

_BETAS = 0.9, 0.95
_EPSILON = 1e-8


@dataclass(eq=False)
class Group:
    """Parameters that are trained alike.

    Attributes:
        parameters: Which.
        weight_decay: Of each step, in units of the learning rate.
        rate: Learning rate in units of that of the training.
    """

    parameters: Sequence[nn.Parameter]
    weight_decay: float
    rate: float


class AdamW:
    """AdamW (Loshchilov & Hutter 2019), bit for bit as `torch.optim.AdamW(fused=True)`.

    Args:
        groups: All that is trained.
    """

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = groups
        self._moments: dict[nn.Parameter, list[Tensor]] = {}

    def step(self, learning_rate: float) -> None:
        """Moves the parameters that have a gradient."""
        for group in self._groups:
            moved: list[Tensor] = []
            gradients: list[Tensor] = []
            moments: list[list[Tensor]] = []
            for each in group.parameters:
                if each.grad is not None:
                    moved.append(each)
                    gradients.append(each.grad)
                    moments.append(self._moments.get(each) or _zeros(each))
                    self._moments[each] = moments[-1]
            steps, means, squares = ([each[part] for each in moments] for part in range(3))
            with torch.no_grad():
                adamw(
                    moved, gradients, means, squares, [], steps,
                    lr=learning_rate * group.rate, weight_decay=group.weight_decay,
                    beta1=_BETAS[0], beta2=_BETAS[1], eps=_EPSILON,
                    fused=True, amsgrad=False, maximize=False,
                )  # fmt: skip

    def state(self) -> list[list[Tensor]]:
        """Of each parameter its steps so far and both moments; nothing where it has taken none."""
        return [self._moments.get(each, []) for each in self._parameters()]

    def restore(self, state: list[list[Tensor]]) -> None:
        """Goes back to a state.

        Raises:
            ValueError: Where it is of other parameters.
        """
        for each, kept in zip(self._parameters(), state, strict=True):
            if kept and [one.shape for one in kept] != [one.shape for one in _zeros(each)]:
                raise ValueError("the optimiser's moments are of other shapes")
            if kept:
                self._moments[each] = [one.to(each.device) for one in kept]

    def _parameters(self) -> list[nn.Parameter]:
        return [each for group in self._groups for each in group.parameters]


def _zeros(parameter: nn.Parameter) -> list[Tensor]:
    """No steps, and moments of nothing."""
    steps = torch.zeros((), dtype=torch.float32, device=parameter.device)
    return [steps, *(torch.zeros_like(parameter, requires_grad=False) for _ in range(2))]
