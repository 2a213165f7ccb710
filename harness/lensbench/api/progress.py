"""How far a fit or a training is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """A report of a fit or a training.

    Attributes:
        done: Steps done.
        total: Steps in all.
        loss: Of the last step, where a loss is minimised.
        note: A few words for a person, where there is no loss.
    """

    done: int
    total: int
    loss: float | None = None
    note: str = ""

    @property
    def text(self) -> str:
        """The loss or the note, as it is shown."""
        return self.note if self.loss is None else f"loss {self.loss:.4g}"


Report = Callable[[Progress], None]
"""Called with the state of a fit or a training."""
