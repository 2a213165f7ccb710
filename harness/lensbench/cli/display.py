"""How a sweep goes, on stderr: a live table on a terminal, lines now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from lensbench.cli.progress import OnTerminal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lensbench.execution.executors import Message
    from lensbench.study.job import Job, Outcome
    from lensbench.study.remaining import TimeLeft

_LINE_EVERY = 2.0
_SIGN_OF_LIFE_EVERY = 30.0


class Display(OnTerminal):
    """Counts jobs as they begin and end, and shows what each worker is at.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        super().__init__(quiet)
        self._began = time.monotonic()
        self._count = {"done": 0, "failed": 0}
        self._total = 0
        self._remaining: TimeLeft | None = None
        self._running: dict[str, _RunningJob] = {}
        self._workers = 1
        self._printed = 0.0

    def begin(self) -> Any:
        """A table, drawn anew four times a second and whenever a job has ended."""
        from rich.console import Console
        from rich.live import Live

        return Live(console=Console(stderr=True), get_renderable=self._table, refresh_per_second=4)

    def planned(self, jobs: Sequence[Job], costs: Mapping[str, float]) -> None:
        """These jobs there are, and so long took those that are alike."""
        from lensbench.study.remaining import TimeLeft

        self._total = len(jobs)
        self._remaining = TimeLeft(jobs, costs)

    def begun(self, job: Job) -> None:
        """A job was handed out."""
        self._running[job.key] = _RunningJob(job)
        self._workers = max(self._workers, len(self._running))

    def told(self, message: Message) -> None:
        """A worker tells of its job."""
        running = self._running.get(message.key)
        if running is None:
            return
        running.stage, running.done = message.stage, message.done
        running.total, running.note = message.total, message.note
        now = time.monotonic()
        if self._live is None and now - self._printed > _SIGN_OF_LIFE_EVERY:
            self._line(f"{self._counts()}; {running}")

    def ended(self, job: Job, outcome: Outcome) -> None:
        """A job ended."""
        running = self._running.pop(job.key, None)
        self._count[outcome.state] += 1
        if self._remaining is not None:
            self._remaining.ended(job, outcome.seconds)
        if self._live is not None:
            self._live.refresh()
        if outcome.state == "failed":
            self._line(f"failed: {job.label}: {outcome.error}")
            return
        for note in outcome.notes:
            self._line(f"warning: {note}")
        last = sum(self._count.values()) == self._total
        if self._live is None and (last or time.monotonic() - self._printed > _LINE_EVERY):
            note = f", {running.note}" if running and running.note else ""
            self._line(f"{self._counts()}; {job.label} in {outcome.seconds:.1f} s{note}")

    def _line(self, text: str) -> None:
        if self._quiet:
            return
        self._printed = time.monotonic()
        if self._live is not None:
            self._live.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def _counts(self) -> str:
        ended = sum(self._count.values())
        seconds = time.monotonic() - self._began
        text = f"{ended}/{self._total} jobs"
        if self._live is not None:
            running = len(self._running)
            text += (
                f": {self._count['done']} done, {self._count['failed']} failed, "
                f"{running} running, {self._total - ended - running} waiting"
            )
        elif self._count["failed"]:
            text += f", {self._count['failed']} failed"
        if ended and ended < self._total:
            text += f", {ended / seconds:.2g}/s"
        return text + self._to_go()

    def _to_go(self) -> str:
        """About how long it will take, or at least; nothing where nothing is known."""
        if self._remaining is None:
            return ""
        work, whole = self._remaining.work()
        now = time.monotonic()
        for running in self._running.values():
            work -= min(now - running.began, self._remaining.seconds(running.job) or 0.0)
        if not work:
            return ""
        return f", {'about' if whole else 'over'} {duration(work / self._workers)} to go"

    def _table(self) -> Any:
        """Counts, and a line for what each worker is at."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        for column in ("left", "left", "right", "left"):
            table.add_column(justify=column, no_wrap=True, overflow="ellipsis")
        for running in self._running.values():
            bar = ProgressBar(total=max(1, running.total), completed=running.done, width=20)
            steps = f"{running.done}/{running.total}" if running.total else ""
            table.add_row(running.stage or running.job.label, bar, steps, running.note)
        return Group(Text(self._counts()), table)


class _RunningJob:
    """What a worker is at."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.began = time.monotonic()
        self.stage, self.done, self.total, self.note = "", 0, 0, ""

    def __str__(self) -> str:
        return f"{self.stage or self.job.label}: {self.done}/{self.total} {self.note}".rstrip()


def duration(seconds: float) -> str:
    """A time as people say it: `40 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
