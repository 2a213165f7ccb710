"""Adversarial discriminative domain adaptation."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from lensbench import FitContext, Samples, encode
from lensbench_reference.transfers.domains import Adaptation, drawn
from lensbench_reference.transfers.fitting import (
    HeadedEncoder,
    ModelPredictor,
    Settings,
    Stage,
    fit,
    train,
    turned,
)
from lensbench_reference.transfers.standardising import by_batch


class AdversarialAdaptation(Adaptation):
    """Trains on the source, then brings a copy of the encoder to make target features alike.

    After Tzeng et al. 2017 (arXiv:1702.05464), section 4: encoder and head are trained on labelled
    images of the source and stay as they are; the target's encoder begins from the source's, and
    is trained against a discriminator to make target features that pass for source features
    (their eq. 9, labels inverted). The head of the source answers on top of the target's encoder,
    for images of any condition.

    Discriminator and encoder take their steps at once and not in turn: one loss holds both of
    their objectives, each cut off from the other's weights, so that every gradient is that of
    the paper's two.
    """

    name = "adda"

    @dataclass(frozen=True)
    class Options:
        """Options of `adda`: rates of the source's training, the encoder and its opponent."""

        learning_rate: Annotated[float, Gt(0)] = 1e-3
        encoder_rate: Annotated[float, Gt(0)] = 5e-5
        discriminator_rate: Annotated[float, Gt(0)] = 2e-4
        hidden: Annotated[int, Ge(1)] = 256
        batch_size: Annotated[int, Ge(2)] = 32

    def __init__(self, options: Options) -> None:
        self.options = options

    def fit(self, encoder: Any, context: FitContext) -> ModelPredictor:
        """Both stages, each of the budget's steps."""
        options = self.options
        target = self.target(encoder, context)
        source = HeadedEncoder(encoder, context).train()
        fit(source, context, Settings(options.learning_rate, options.batch_size))
        game = AdversarialGame(
            source.encoder, source_features(source, context.train), options.hidden
        )
        game.to(context.train.images.device).train()

        def loss_of(indices: Tensor, generator: torch.Generator) -> Tensor:
            batch = turned(context.train.take(indices), generator)
            other = turned(drawn(target, len(indices), generator), generator)
            against, encoder_loss = game.losses(batch, other)
            return against + encoder_loss

        rates = {
            name: options.discriminator_rate / options.encoder_rate
            for name, _ in game.named_parameters()
            if name.startswith("discriminator.")
        }
        stage = Stage("adversarial", options.encoder_rate, options.batch_size, rates, number=1)
        train(game, context, loss_of, stage)
        source.encoder = game.target
        return ModelPredictor(source, context.task, source)


class AdversarialGame(nn.Module):
    """The source's encoder as it is, the target's, and the discriminator between their features.

    Args:
        encoder: Trained on the source.
        features: What it makes of the source (N, D); the discriminator sees features in
            units of their scatter.
        hidden: Width of the discriminator.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, encoder: Any, features: Tensor, hidden: int) -> None:
        super().__init__()
        self.source = copy.deepcopy(encoder).requires_grad_(False)
        self.target = encoder
        width = features.shape[1]
        self.discriminator = nn.Sequential(
            nn.Linear(width, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, 1),
        )
        deviation = features.std(0, correction=0)
        self.register_buffer("mean", features.mean(0))
        self.register_buffer("scale", deviation.clamp(min=1e-3 * deviation.max().item() + 1e-12))

    def train(self, mode: bool = True) -> AdversarialGame:
        """The source's encoder never goes back to training."""
        super().train(mode)
        self.source.eval()
        return self

    def losses(self, batch: Samples, other: Samples) -> tuple[Tensor, Tensor]:
        """What the discriminator and what the target's encoder minimise (their eqs. 7 and 9).

        Args:
            batch: Images of the source.
            other: Images of the target.
        """
        with torch.no_grad():
            real = self._scaled(encode(self.source, batch).pooled)
        made = self._scaled(encode(self.target, other).pooled)
        against = discriminator_loss(
            self.discriminator(real)[:, 0], self.discriminator(made.detach())[:, 0]
        )
        held = {
            name: parameter.detach() for name, parameter in self.discriminator.named_parameters()
        }
        seen = functional_call(self.discriminator, held, (made,))
        return against, encoder_loss(seen[:, 0])

    def _scaled(self, pooled: Tensor) -> Tensor:
        return (pooled - self.mean) / self.scale


def discriminator_loss(source: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of logits (B,) that distinguish source images from the target's (eq. 7)."""
    logits = torch.cat([source, target])
    wanted = torch.cat([torch.ones_like(source), torch.zeros_like(target)])
    return binary_cross_entropy_with_logits(logits, wanted)


def encoder_loss(target: Tensor) -> Tensor:
    """Cross-entropy of logits (B,) of the target's images that are to pass for the source's."""
    return softplus(-target).mean()


def source_features(model: HeadedEncoder, samples: Samples) -> Tensor:
    """Pooled features (N, D) of samples, in evaluation."""
    return torch.cat(by_batch(model.encoder, samples, lambda features: features.pooled))
