"""Values of the literature that a study shows beside what it measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True)
class PublishedValue:
    """One number of a paper. Tables show it beneath the entrants; it is never ranked or tested.

    Attributes:
        name: The method, as the paper calls it.
        source: The paper, e.g. its arXiv number.
        task: The task of the table.
        metric: The metric of the table.
        value: The number, in the metric's unit.
        dataset: The dataset tested on; by default that of any table.
        condition: The condition that it is shown under; by default the training condition.
        labels: Labelled scenes of the table that it is shown in, or `all`.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "allow_inf_nan": False}

    name: str
    source: str
    task: str
    metric: str
    value: float
    dataset: str = ""
    condition: str = ""
    labels: int | Literal["all"] = "all"
