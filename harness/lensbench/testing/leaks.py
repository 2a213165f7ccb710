"""Does a predictor know labels that it cannot know?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from lensbench.api.predictor import FitContext
from lensbench.errors import PluginError
from lensbench.testing.trial import Trial, answers_of, fitted

_TRAIN, _TEST, _CLASSES = 60, 120, 3
_SIGMAS = 4.0


def check_chance(fit: Callable[[FitContext], Any], trial: Trial) -> None:
    """Labels of training that were permuted teach nothing: the test is answered as by chance.

    Images have nothing to do with their classes; names and order of the test have, so that who
    looks at these is found out. Of 120 answers more than four binomial standard deviations
    above a third are right once in 30,000 honest plugins.

    Raises:
        PluginError: Where more answers are right.
    """
    order = torch.randperm(_TRAIN, generator=torch.Generator().manual_seed(0))
    train, test = trial.made(_TRAIN, seed=5), trial.made(_TEST, seed=6)
    targets = {name: values[order] for name, values in train.targets.items()}
    context = replace(trial.context(), train=replace(train, targets=targets))
    answers = answers_of(fitted(fit, context), test)["probability"]
    right = int((answers.argmax(1) == test.targets["substructure"].numpy()).sum())
    share = 1 / _CLASSES
    most = _TEST * share + _SIGMAS * math.sqrt(_TEST * share * (1 - share))
    if right > most:
        raise PluginError(
            f"{right} of {_TEST} test images are classified right after training on permuted "
            f"labels, expected at most {math.floor(most)}",
            "answer from the images alone, never from names, order or targets of the test",
        )
