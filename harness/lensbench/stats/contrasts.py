"""Comparisons that a study declares before it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True)
class Contrast:
    """Two entrants and where they are compared.

    Attributes:
        a: An entrant, as tables name it, or a part of the name that no other has.
        b: The entrant that it is compared with; the difference is `a` less `b`.
        task: The task.
        question: What the comparison answers, for readers.
        metric: The metric; the primary one where it is left out.
        dataset: The dataset trained on; needed where the task is done on several.
        test_dataset: The dataset tested on; the one trained on where it is left out.
        train_condition: The condition trained under; needed where there are several.
        condition: The condition tested under; the training condition where it is left out.
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
