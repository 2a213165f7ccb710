"""Pretraining on what the simulator drew: the class and the numbers behind every scene."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor, nn

from lensbench import (
    IncompatibleError,
    OptionError,
    Pretraining,
    Samples,
    Target,
    encode,
    feature_shape,
)
from lensbench_reference.pretraining.supervised import known_class_loss
from lensbench_reference.pretraining.views import blurred, check_no_planes, shifted

_LOG_SIGMA = (-4.0, 2.0)
"""Bounds of the logarithm of a stated error, in units of the number's scatter."""


class LatentsPretraining(Pretraining):
    """Predicts the parameters that a scene was drawn with.

    Classes are learned by cross-entropy, numbers by the likelihood of a normal distribution whose
    mean and error one linear layer reads off the pooled features. Each image is turned, flipped,
    shifted and, where asked, made noisier. Labels of the simulation are all that it uses, so it
    needs no labels of the task, but it is not free of labels as `mae` is. With several populations
    each scene teaches those targets that its own population has.
    """

    learning_rate = 3e-3
    weight_decay = 0.02
    batch_size = 64

    @dataclass(frozen=True)
    class Options:
        """Options of `latents`.

        Attributes:
            targets: Names of classes and numbers to predict, joined by +.
            numbers: Weight of the numbers' likelihood, a mean over them, beside the classes'
                cross-entropy.
            shift: Largest shift along either axis [pixels].
            blur: Largest FWHM of a further blur [pixels]; half of the images get none, the others
                one drawn uniformly. Noise that the blur takes away is put back.
            shallower: Largest factor by which the noise of an image is raised; half of the images
                stay as they are, for the others it is drawn uniformly in its logarithm.
        """

        targets: str = (
            "substructure+theta_E+lens_e1+lens_e2+shear_1+shear_2+source_x+source_y+f_sub"
        )
        numbers: Annotated[float, Ge(0)] = 1.0
        shift: Annotated[float, Ge(0)] = 2.0
        blur: Annotated[float, Ge(0)] = 0.0
        shallower: Annotated[float, Ge(1)] = 1.0

    def __init__(self, options: Options) -> None:
        self.options = options
        self.targets = tuple(options.targets.split("+"))
        if not all(self.targets) or len(set(self.targets)) < len(self.targets):
            raise OptionError(
                f"targets={options.targets!r}, expected names joined by +, each once",
                "leave it out to predict all that simulated lenses have",
            )

    def objective(self, encoder: Any, channels: int, targets: Mapping[str, Target]) -> LatentsLoss:
        """The encoder with one linear layer behind it.

        Raises:
            IncompatibleError: Where a target is absent or an image, or the encoder looks at planes.
        """
        check_no_planes(encoder, "latents")
        usable = [name for name, info in targets.items() if info.kind != "image"]
        for name in self.targets:
            if name not in usable:
                raise IncompatibleError(
                    f"pretraining 'latents' cannot learn target {name!r} here",
                    f"targets that it can: {', '.join(usable) or 'none'}",
                )
        return LatentsLoss(
            encoder, channels, {name: targets[name] for name in self.targets}, self.options
        )


class LatentsLoss(nn.Module):
    """Encoder and a linear layer; called for cross-entropy and normal likelihood of a batch."""

    def __init__(
        self,
        encoder: Any,
        channels: int,
        targets: Mapping[str, Target],
        options: LatentsPretraining.Options,
    ) -> None:
        super().__init__()
        self.encoder, self.options = encoder.to(memory_format=torch.channels_last), options
        self.classes = {
            name: len(info.classes) for name, info in targets.items() if info.kind == "class"
        }
        self.numbers = tuple(name for name, info in targets.items() if info.kind == "real")
        width = feature_shape(encoder, channels).pooled
        self.head = nn.Linear(width, sum(self.classes.values()) + 2 * len(self.numbers))
        self.scale = Scale(len(self.numbers))

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Loss of a batch."""
        batch = self._view(batch, generator)
        output = self.head(encode(self.encoder, batch).pooled).float()
        *scores, means, log_sigmas = output.split(
            [*self.classes.values(), len(self.numbers), len(self.numbers)], 1
        )
        losses = [
            known_class_loss(score, batch.targets[name])
            for name, score in zip(self.classes, scores, strict=True)
        ]
        if self.numbers:
            drawn = torch.stack([batch.targets[name] for name in self.numbers], 1)
            losses.append(self.options.numbers * self._surprise(means, log_sigmas, drawn))
        return torch.stack(losses).sum()

    def _surprise(self, means: Tensor, log_sigmas: Tensor, drawn: Tensor) -> Tensor:
        """Negative logarithm of the likelihood of numbers (B, K), a mean over those defined."""
        known = torch.isfinite(drawn)
        residual = torch.where(known, self.scale(drawn) - means, 0.0)
        log_sigmas = log_sigmas.clamp(*_LOG_SIGMA)
        surprise = log_sigmas + (residual * torch.exp(-log_sigmas)) ** 2 / 2
        return torch.where(known, surprise, 0.0).sum() / known.sum().clamp(min=1)

    def _view(self, batch: Samples, generator: torch.Generator) -> Samples:
        """Each image turned or flipped with its targets, shifted, and degraded where asked."""
        count, device = len(batch), batch.images.device
        symmetry = torch.randint(8, (count,), generator=generator)
        batch = batch.turned(symmetry.to(device))
        images = batch.images
        if self.options.shift:
            offsets = 2 * torch.rand(count, 2, generator=generator) - 1
            images = shifted(images, self.options.shift * offsets.to(images))
        if self.options.blur:
            images = blurred(images, self.options.blur * _half(count, generator), generator)
        if self.options.shallower > 1:
            reach = _half(count, generator) * math.log(self.options.shallower)
            factor = torch.exp(reach).to(images)[:, None, None, None]
            noise = torch.randn(images.shape, generator=generator).to(images)
            images = (images + (factor**2 - 1).sqrt() * noise) / factor
        return replace(batch, images=images)


def _half(count: int, generator: torch.Generator) -> Tensor:
    """Zero for half of the images on average, for the others uniform up to one (count,)."""
    return (2 * torch.rand(count, generator=generator) - 1).clamp(min=0)


class Scale(nn.Module):
    """Numbers in units of their scatter about their mean, over all that training has seen."""

    seen: Tensor
    mean: Tensor
    scatter: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(count, dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(count, dtype=torch.float64))
        self.register_buffer("scatter", torch.zeros(count, dtype=torch.float64))

    def forward(self, numbers: Tensor) -> Tensor:
        """Scaled numbers (B, K); NaN where they are not defined."""
        if self.training:
            self._see(numbers.detach().double())
        variance = self.scatter / self.seen.clamp(min=1)
        deviation = torch.where(variance > 0, variance, 1.0).sqrt()
        return ((numbers - self.mean) / deviation).float()

    def _see(self, numbers: Tensor) -> None:
        """Joins a batch's mean and scatter to those before (Chan, Golub & LeVeque 1979)."""
        known = torch.isfinite(numbers)
        values, count = torch.where(known, numbers, 0.0), known.sum(0)
        mean = values.sum(0) / count.clamp(min=1)
        scatter = (torch.where(known, values - mean, 0.0) ** 2).sum(0)
        total = self.seen + count
        apart = mean - self.mean
        share = count / total.clamp(min=1)
        self.scatter += scatter + apart**2 * self.seen * share
        self.mean += apart * share
        self.seen.copy_(total)
