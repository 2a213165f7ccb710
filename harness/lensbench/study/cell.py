"""A cell: one fit of one entrant, as plain values from which all keys follow."""

from __future__ import annotations

from dataclasses import dataclass, field


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
        """As it stands in a table."""
        return self.baseline or f"{self.encoder} + {self.pretraining} + {self.transfer}"


@dataclass(frozen=True, slots=True)
class Seeds:
    """Named axes of chance, so that the variance of each can be told apart.

    Attributes:
        draw: Of scenes and their noise.
        pretraining: Of initial weights, order and chance of a pretraining.
        fit: Of heads, order and chance of a fit.
    """

    draw: int = 0
    pretraining: int = 0
    fit: int = 0


@dataclass(frozen=True, slots=True, order=True)
class View:
    """Scenes as they are seen: a dataset under a condition."""

    dataset: str
    condition: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One fit, and the views on which it is scored.

    Attributes:
        entrant: Who.
        task: Asked what.
        train: Fitted on these scenes so seen.
        tests: Scored on these, each on its test split.
        pretraining: Pretrained on these, each on its pretraining split; none for a baseline.
        target: Whose unlabelled pretraining scenes a transfer adapts to, where it adapts.
        labels: How many labelled scenes; `None` for all of the budget's.
        seeds: Chance.
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
