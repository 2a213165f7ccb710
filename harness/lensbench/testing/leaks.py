"""Does a predictor use labels of the test?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from lensbench.api.predictor import FitContext
from lensbench.errors import PluginError
from lensbench.testing.trial import Trial, fitted, predictions_of

_TRAIN, _TEST = 60, 120
_SIGMAS = 4.0


def check_chance(fit: Callable[[FitContext], Any], trial: Trial) -> None:
    """Permuted training labels teach nothing: accuracy on the test stays at the chance level.

    Images are unrelated to their classes, while names and order of the test samples are not, so a
    plugin that reads these is found out. Of 120 predictions of three classes, more than four
    binomial standard deviations above a third are right for one of 30,000 honest plugins.

    Args:
        fit: From a context to a predictor.
        trial: Of a task that predicts classes.

    Raises:
        PluginError: Where more predictions are right.
    """
    order = torch.randperm(_TRAIN, generator=torch.Generator().manual_seed(0))
    train, test = trial.made(_TRAIN, seed=5), trial.made(_TEST, seed=6)
    targets = {name: values[order] for name, values in train.targets.items()}
    context = replace(trial.context(), train=replace(train, targets=targets))
    probability = predictions_of(fitted(fit, context), test)["probability"]
    target = next(name for name in trial.task.targets if test.info[name].kind == "class")
    right = int((probability.argmax(1) == test.targets[target].numpy()).sum())
    share = 1 / probability.shape[1]
    most = _TEST * share + _SIGMAS * math.sqrt(_TEST * share * (1 - share))
    if right > most:
        raise PluginError(
            f"{right} of {_TEST} test images are classified right after training on permuted "
            f"labels, expected at most {math.floor(most)}",
            "predict from the images alone, never from names, order or targets of the test",
        )
