"""A cell: one fit of one entrant, as plain values from which all keys follow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
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
        """As it stands in a table."""
        return self.baseline or f"{self.encoder} + {self.pretraining} + {self.transfer}"


@dataclass(frozen=True)
class Seeds:
    """Named axes of chance, so that the variance of each can be told apart."""

    draw: int = 0
    pretraining: int = 0
    fit: int = 0


@dataclass(frozen=True)
class Cell:
    """One fit, and the conditions under which it is scored.

    Attributes:
        entrant: Who.
        task: Asked what.
        dataset: Trained on which scenes.
        test_dataset: Scored on which scenes; the same dataset's test split where equal.
        train_condition: Under which condition it is pretrained and fitted.
        test_conditions: Under which it is scored.
        labels: How many labelled scenes; `None` for all of the budget's.
        seeds: Chance.
        budget: Name of the budget.
    """

    entrant: Entrant
    task: str
    dataset: str
    test_dataset: str
    train_condition: str
    test_conditions: tuple[str, ...]
    labels: int | None
    seeds: Seeds
    budget: str
