"""Progress on stderr: a bar a stage on a terminal, a line a stage and half minute elsewhere."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from lensbench.files import PATIENCE, reporting

_LINE_EVERY = 30.0
"""Seconds between the lines of one stage where there is no terminal; the first comes sooner."""


class OnTerminal(ABC):
    """Something that is live on stderr within a `with` block, where stderr is a terminal.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._live: Any = None

    @abstractmethod
    def begin(self) -> Any:
        """What is shown; it has `start` and `stop`."""

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._live = self.begin()
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()


class Progress(OnTerminal):
    """Shows stages as they are reported, those of `lensbench.files.watched` too.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        super().__init__(quiet)
        self._reporting = ExitStack()
        self._tasks: dict[str, Any] = {}
        self._started: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._reporting.enter_context(reporting(self))
        return super().__enter__()

    def __exit__(self, *raised: Any) -> None:
        self._reporting.close()
        super().__exit__(*raised)

    def begin(self) -> Any:
        """A bar a stage."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        return Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
        )

    def __call__(self, stage: str, done: int, total: int, note: str) -> None:
        """One step of a stage."""
        if self._quiet:
            return
        now = time.monotonic()
        started = self._started.setdefault(stage, now)
        rate = f"{done / (now - started):.1f}/s" if now > started else ""
        if self._live is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._live.add_task(stage, total=total, note="", rate="")
            known = total or None
            self._live.update(self._tasks[stage], completed=done, total=known, note=note, rate=rate)
        elif done == total or now >= self._due.setdefault(stage, now + PATIENCE):
            self._due[stage] = now + _LINE_EVERY
            remaining = (now - started) * (total - done) / max(done, 1)
            left = f", {remaining:.0f} s to go" if done < total else ""
            count = f"{done}/{total}" if total else f"{done}"
            line = f"{stage}: {count} in {now - started:.1f} s{left} {note}"
            print(line.rstrip(), file=sys.stderr)
