"""Comparisons that a study declares before it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True)
class Contrast:
    """Two entrants and where they are compared.

    Attributes:
        a: An entrant, as tables name it, or a part of the name that no other has.
        b: The entrant that it is compared with; the difference is `a` minus `b`.
        task: The task.
        question: The question that the comparison answers, for readers.
        metric: The metric; by default the primary one.
        dataset: The dataset trained on; needed where the task is done on several.
        test_dataset: The dataset tested on; by default the one trained on.
        train_condition: The condition trained under; needed where there are several.
        condition: The condition tested under; by default the training condition.
        labels: Labelled scenes, or `all`.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    a: str
    b: str
    task: str
    question: str = ""
    metric: str = ""
    dataset: str = ""
    test_dataset: str = ""
    train_condition: str = ""
    condition: str = ""
    labels: int | Literal["all"] = "all"
