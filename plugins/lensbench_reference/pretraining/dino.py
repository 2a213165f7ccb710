"""Self-distillation without labels (Caron et al. 2021, arXiv:2104.14294)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from lensbench import Pretraining, Samples, Target, encode, feature_shape
from lensbench_reference.pretraining.momentum import Follower
from lensbench_reference.pretraining.views import ViewOptions, check_no_planes, view


class DINO(Pretraining):
    """A student learns the output of a teacher, its own slow copy, for another view.

    The outputs are shares in `prototypes`. They are centred, against one prototype taking all,
    and sharpened, against all being equal. The small crops of the paper are left out: a crop at
    the image's scale loses the ring, and one that is enlarged changes its radius.
    """

    learning_rate = 5e-4
    weight_decay = 0.05
    batch_size = 64

    @dataclass(frozen=True)
    class Options(ViewOptions):
        """Options of `dino`.

        Attributes:
            prototypes: Number of prototypes, of which the outputs are shares.
            student, teacher: Temperatures; the teacher's is the lower.
            momentum: Of the teacher's weights.
            centring: Momentum of the centre.
        """

        prototypes: Annotated[int, Ge(2)] = 256
        width: Annotated[int, Ge(4)] = 64
        hidden: Annotated[int, Ge(4)] = 256
        student: Annotated[float, Gt(0)] = 0.1
        teacher: Annotated[float, Gt(0)] = 0.04
        momentum: Annotated[float, Ge(0), Le(1)] = 0.99
        centring: Annotated[float, Ge(0), Le(1)] = 0.9

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(self, encoder: Any, channels: int, targets: Mapping[str, Target]) -> DINOLoss:
        """Student and teacher, each an encoder with a head."""
        check_no_planes(encoder, "dino")
        return DINOLoss(encoder, channels, self.options)


class DINOLoss(nn.Module):
    """Student, teacher and centre; called for the cross-entropy between their outputs."""

    centre: Tensor

    def __init__(self, encoder: Any, channels: int, options: DINO.Options) -> None:
        super().__init__()
        self.options = options
        self.encoder = encoder
        self.head = PrototypeHead(feature_shape(encoder, channels).pooled, options)
        self.slow_encoder = Follower(encoder, options.momentum)
        self.slow_head = Follower(self.head, options.momentum)
        self.register_buffer("centre", torch.zeros(options.prototypes))

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Mean cross-entropy of the student on one view and the teacher on the other (eq. 3)."""
        self.slow_encoder.follow(self.encoder)
        self.slow_head.follow(self.head)
        views = torch.cat([view(batch.images, self.options, generator) for _ in range(2)])
        both = replace(batch, images=views)
        answers = self.head(encode(self.encoder, both).pooled) / self.options.student
        with torch.no_grad():
            given = self.slow_head.copy(encode(self.slow_encoder.copy, both).pooled)
            wanted = centred_shares(given, self.centre, self.options, self.training)
        return nn.functional.cross_entropy(answers, wanted.roll(len(batch), 0))


def centred_shares(given: Tensor, centre: Tensor, options: DINO.Options, moves: bool) -> Tensor:
    """A teacher's shares (…, prototypes) of what it gives, centred and sharpened.

    Args:
        given: Cosines with the prototypes (…, prototypes).
        centre: What is subtracted from them (prototypes,).
        options: The temperature of the teacher and the momentum of the centre.
        moves: Whether the centre then moves towards the mean of what was given.
    """
    shares = torch.softmax((given - centre) / options.teacher, -1)
    if moves:
        centre.lerp_(given.flatten(0, -2).mean(0), 1 - options.centring)
    return shares


class PrototypeHead(nn.Module):
    """A perceptron to the unit sphere, and cosines with unit prototypes."""

    def __init__(self, features: int, options: DINO.Options) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(features, options.hidden),
            nn.GELU(),
            nn.Linear(options.hidden, options.hidden),
            nn.GELU(),
            nn.Linear(options.hidden, options.width),
        )
        self.prototypes = nn.Parameter(torch.randn(options.prototypes, options.width))

    def forward(self, pooled: Tensor) -> Tensor:
        """Cosines (B, prototypes) of features (B, D)."""
        normalize = nn.functional.normalize
        return normalize(self.body(pooled), dim=1) @ normalize(self.prototypes, dim=1).T
