"""A cell: one fit of one entrant, as plain values from which all keys follow."""

from __future__ import annotations

from dataclasses import dataclass, field

TRANSFER, DATASET = "finetune", "lenses"
"""The transfer and the dataset of a cell where none is named."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """What a row of a table ranks: encoder + pretraining + transfer, or a baseline.

    Each is a name with its options in canonical form; those that do not apply are empty.
    """

    encoder: str = ""
    pretraining: str = ""
    transfer: str = ""
    baseline: str = ""

    @property
    def label(self) -> str:
        """Its name in tables."""
        return self.baseline or f"{self.encoder} + {self.pretraining} + {self.transfer}"


@dataclass(frozen=True, slots=True)
class Seeds:
    """Random seeds by what they fix, so that the variance of each can be estimated.

    Attributes:
        draw: Of scenes and their noise.
        pretraining: Of initial weights and all randomness of a pretraining.
        fit: Of heads and all randomness of a fit.
    """

    draw: int = 0
    pretraining: int = 0
    fit: int = 0


@dataclass(frozen=True, slots=True, order=True)
class View:
    """A dataset observed under a condition."""

    dataset: str
    condition: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One fit, and the views on which it is scored.

    Attributes:
        entrant: The entrant.
        task: The task.
        train: View whose training split the entrant is fitted on.
        tests: Views whose test splits it is scored on.
        pretraining: Views whose pretraining splits its encoder is pretrained on; empty for a
            baseline.
        target: View to whose unlabelled pretraining scenes a transfer adapts, if it adapts.
        labels: Number of labelled scenes; `None` for all of the budget's.
        seeds: Random seeds.
        budget: Name of the budget.
    """

    entrant: Entrant
    task: str
    train: View
    tests: tuple[View, ...]
    pretraining: tuple[View, ...] = ()
    target: View | None = None
    labels: int | None = None
    seeds: Seeds = field(default_factory=Seeds)
    budget: str = "quick"
