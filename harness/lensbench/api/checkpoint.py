"""Where a training keeps its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

State = Mapping[str, Any]


class Checkpoint(Protocol):
    """The latest state of one training, from which it goes on after it was stopped."""

    def read(self, mark: str) -> State | None:
        """The state of a training with this mark; `None` where there is none that can be used."""
        ...

    def due(self) -> bool:
        """Whether it is time to write."""
        ...

    def write(self, state: Callable[[], State]) -> None:
        """Replaces the state."""
        ...

    def unusable(self, reason: str) -> Exception:
        """The error of a state that a training can neither use nor pass over."""
        ...
