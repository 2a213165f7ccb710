"""Copies of a module that follow it slowly, as teachers and targets do."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn


class Follower(nn.Module):
    """A copy whose weights are an exponential mean of the original's; it has no gradient.

    Only the copy is of this module's state: the original is owned elsewhere. Buffers, such as
    the statistics of normalisation, are the copy's own.
    """

    def __init__(self, original: nn.Module, momentum: float) -> None:
        super().__init__()
        self.copy: Any = copy.deepcopy(original).requires_grad_(False)
        self.momentum = momentum

    @torch.no_grad()
    def follow(self, original: nn.Module) -> None:
        """Moves every weight a little towards the original's.

        Called at the start of a step, when the optimiser has just moved the original: the mean
        is the same as after the step, and a checkpoint between steps misses nothing.
        """
        if self.training:
            for mine, theirs in zip(self.copy.parameters(), original.parameters(), strict=True):
                mine.lerp_(theirs, 1 - self.momentum)
