"""What the transfers share: an encoder with a task's head, its training and its predictions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lensbench import (
    Features,
    FitContext,
    Precision,
    Predictions,
    Samples,
    Task,
    TrainingLoop,
    TrainingSummary,
    UndefinedError,
    encode,
    feature_shape,
    products_in,
)
from lensbench_reference.transfers.standardising import by_batch

_BATCH = 256
_BATCH_CONVERGED = 64
_BATCH_FIXED = 16

LossOf = Callable[[Tensor, torch.Generator], Tensor]


class HeadedEncoder(nn.Module):
    """An encoder with a task's head behind it; kernels are kept channels last, which is faster."""

    def __init__(self, encoder: Any, context: FitContext) -> None:
        super().__init__()
        train = context.train
        self.encoder = encoder.to(memory_format=torch.channels_last)
        shape = feature_shape(encoder, train.images.shape[1])
        self.head = context.task.head(shape, train.info).to(train.images.device)

    def forward(self, batch: Samples) -> Any:
        """The head's output for a batch."""
        return self.head(encode(self.encoder, batch), batch)


@dataclass(frozen=True)
class Settings:
    """How a model is fitted.

    Attributes:
        learning_rate: Peak rate; the encoder's own `learning_rate` where none is given.
        batch_size: Samples a step; 64 where the budget has patience, else 16, where none is given.
        rates: Of parameters by name, in units of the rate; see `TrainingLoop`.
        precision: Of products in the forward pass of training.
        stage: Name of the training; see `Stage`.
    """

    learning_rate: float | None = None
    batch_size: int | None = None
    rates: Mapping[str, float] | None = None
    precision: Precision = "fp32"
    stage: str = "task"


HEAD_RATE, HEAD_BATCH = 3e-3, 32
"""Rate and batch size of a head on a frozen encoder, where none are given."""


def fit(
    model: HeadedEncoder, context: FitContext, settings: Settings | None = None
) -> TrainingSummary:
    """Trains what of a model requires gradients on the task's loss.

    Images are turned and flipped at random, but where a frozen encoder's features are given.
    Where the budget has patience, the `validation_score` says when to stop and which weights to
    keep.

    Args:
        model: In training mode; in evaluation mode afterwards.
        context: Samples, task and budget.
        settings: Rates, batch size and precision; the defaults where none are given.
    """
    chosen = settings or Settings()
    learning_rate = chosen.learning_rate or model.encoder.learning_rate
    batch_size = chosen.batch_size or (
        _BATCH_CONVERGED if context.budget.patience else _BATCH_FIXED
    )

    def loss_of(indices: Tensor, generator: torch.Generator) -> Tensor:
        batch = context.train.take(indices)
        if batch.features is None:
            batch = turned(batch, generator)
        with products_in(chosen.precision, batch.images.device):
            loss: Tensor = context.task.loss(model(batch), batch)
        return loss.float()

    def validate() -> float:
        trained = [module for module in model.modules() if module.training]
        value = validation_score(ModelPredictor(model, context.task, model), context)
        for module in trained:
            module.training = True
        return value

    stage = Stage(chosen.stage, learning_rate, batch_size, chosen.rates or {})
    summary = train(model, context, loss_of, stage, validate)
    model.eval()
    return summary


def fit_head(model: HeadedEncoder, context: FitContext) -> None:
    """Trains the head alone, on features of the encoder as it is, which are computed once.

    The model is in evaluation mode afterwards.
    """
    trained = [each for each in model.encoder.parameters() if each.requires_grad]
    for each in trained:
        each.requires_grad_(False)
    settings = Settings(HEAD_RATE, HEAD_BATCH, stage="head")
    train = _with_features(model.encoder, context.train)
    validation = _with_features(model.encoder, context.validation)
    fit(model, replace(context, train=train, validation=validation), settings)
    for each in trained:
        each.requires_grad_(True)


def _with_features(encoder: Any, samples: Samples) -> Samples:
    """Samples with the features that the encoder makes of them in evaluation mode."""
    parts = by_batch(encoder, samples, lambda features: features)
    maps = tuple(torch.cat(each) for each in zip(*(part.maps for part in parts), strict=True))
    return replace(samples, features=Features(torch.cat([part.pooled for part in parts]), maps))


def validation_score(predictor: ModelPredictor, context: FitContext) -> float:
    """The task's primary metric on the validation samples, its sign such that higher is better.

    Of a metric of one target those count in which it is defined. Where these are too few, as they
    are for a search at low false positive rates, it is the next of the task's metrics for which
    they are enough and of which one end is better.

    Raises:
        UndefinedError: Where they are enough for none.
    """
    predictions = {
        name: values.cpu().numpy() for name, values in predictor(context.validation).items()
    }
    refused = UndefinedError("no metric of the task says which predictions are better")
    for metric in context.task.metrics:
        if metric.higher_is_better is None:
            continue
        try:
            defined = metric.where_defined(predictions, context.validation)
            value = float(np.mean(metric.compute(*defined)))
        except UndefinedError as error:
            refused = error
        else:
            return value if metric.higher_is_better else -value
    raise refused


@dataclass(frozen=True)
class Stage:
    """One of the trainings of a fit.

    Attributes:
        name: Of its checkpoint; no other training of the fit has it.
        learning_rate: Peak rate.
        batch_size: Samples a step.
        rates: Of parameters by name, in units of the rate; see `TrainingLoop`.
        number: Gives the training random numbers of its own.
    """

    name: str
    learning_rate: float
    batch_size: int
    rates: Mapping[str, float] = field(default_factory=dict)
    number: int = 0


def train(
    model: nn.Module,
    context: FitContext,
    loss_of: LossOf,
    stage: Stage,
    validate: Callable[[], float] | None = None,
) -> TrainingSummary:
    """Takes the budget's steps on a loss of indices of training samples.

    Args:
        model: Whose parameters are trained.
        context: Samples and budget.
        loss_of: The loss of indices (B,) and a generator.
        stage: Name, rates and batch size of the training.
        validate: Scores the model on validation samples; needed where the budget has patience.
    """
    loop = TrainingLoop(
        steps=context.budget.train_steps,
        batch_size=stage.batch_size,
        learning_rate=stage.learning_rate,
        weight_decay=0.05,
        seed=context.seed + stage.number,
        patience=context.budget.patience,
        ceiling=best_score(context.task),
        rates=stage.rates,
    )
    checkpoint = context.checkpoint(stage.name)
    return loop.run(model, len(context.train), loss_of, context.report, checkpoint, validate)


def best_score(task: Task) -> float:
    """The best value that there can be of the task's primary metric: 1 for an area."""
    return 1.0 if task.metrics and task.metrics[0].scale == "logit" else math.inf


def turned(batch: Samples, generator: torch.Generator) -> Samples:
    """Each sample turned by a random quarter and perhaps mirrored, its targets alike."""
    symmetry = torch.randint(0, 8, (len(batch),), generator=generator)
    return batch.turned(symmetry.to(batch.images.device))


class ModelPredictor:
    """Answers batch by batch by a fitted model.

    Args:
        model: Encoder and head.
        task: What is asked.
        fitted: The part of the model that was trained, which is what is kept.
        training: How it was trained; `None` for one that was restored.
    """

    def __init__(
        self,
        model: HeadedEncoder,
        task: Task,
        fitted: nn.Module,
        training: TrainingSummary | None = None,
    ) -> None:
        self.model = model.eval()
        self.task = task
        self.fitted = fitted
        self.training = training

    def state(self) -> Mapping[str, Tensor]:
        """Weights of what was trained."""
        return self.fitted.state_dict()

    def __call__(self, samples: Samples) -> Predictions:
        """Predictions for the images of these samples."""
        answers: dict[str, list[Tensor]] = defaultdict(list)
        with torch.no_grad():
            for indices in torch.arange(len(samples)).split(_BATCH):
                batch = samples.take(indices)
                for name, values in self.task.predict(self.model(batch), batch).items():
                    answers[name].append(torch.as_tensor(values))
        return {name: torch.cat(parts) for name, parts in answers.items()}


def restored(encoder: Any, context: FitContext, state: Mapping[str, Tensor]) -> ModelPredictor:
    """The predictor of these weights of encoder and head."""
    model = HeadedEncoder(encoder, context)
    model.load_state_dict(state)
    return ModelPredictor(model, context.task, model)
