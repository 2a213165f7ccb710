"""A worker: computes one job after another, whatever executor it lives in."""

from __future__ import annotations

import contextlib
import functools
import io
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from lensbench.cells.resolved import Parts
from lensbench.cells.session import Session, Watch
from lensbench.errors import LensbenchError, no_room
from lensbench.registry import load_catalogue
from lensbench.store import open_store
from lensbench.store.artefacts import DamageWarning
from lensbench.study.describe import Code, Numerics
from lensbench.study.job import (
    CellRequest,
    FeaturesRequest,
    ImagesRequest,
    Job,
    Outcome,
    WeightsRequest,
)


@dataclass(frozen=True)
class Settings:
    """What all jobs of a sweep share.

    Attributes:
        store: Folder or URL of the store.
        numerics: How things are computed.
        code: What computes them, as the plan's keys say.
        checkpoint_seconds: Between the checkpoints of a training.
    """

    store: str
    numerics: Numerics
    code: Code
    checkpoint_seconds: float = 60.0

    def __hash__(self) -> int:
        return hash((self.store, self.numerics, self.code.harness))


def work(settings: Settings, job: Job, watch: Watch) -> Outcome:
    """Computes one job; a fault of a plugin is a failed outcome with its error and log."""
    log = io.StringIO()
    start = time.perf_counter()
    error, state = "", "done"
    notes: list[str] = []
    with _captured(log, notes):
        try:
            torch.set_num_threads(settings.numerics.threads)
            compute(_session(settings), job, watch)
        except (Exception, SystemExit) as fault:  # plugins may raise anything
            full = no_room(fault, settings.store if isinstance(fault, OSError) else "")
            state = "no room" if full else "failed"
            error = full.message if full else _told(fault)
            traceback.print_exc(file=log)
    return Outcome(job.key, state, error, time.perf_counter() - start, log.getvalue(), tuple(notes))


def _told(fault: BaseException) -> str:
    """A fault in one line."""
    if isinstance(fault, LensbenchError):
        return fault.message
    name, text = type(fault).__name__, str(fault).strip()
    line = f"{name}: {text.splitlines()[0]}" if text else name
    full = isinstance(fault, MemoryError) or "can't allocate memory" in text
    return f"out of memory: {line}" if full else line


def compute(session: Session, job: Job, watch: Watch) -> None:
    """Makes what a job asks for."""
    session.watch = watch
    request = job.request
    parts = session.parts
    if isinstance(request, ImagesRequest):
        wanted = parts.image_set(request.dataset, request.split, request.count, request.seed)
        session.images(wanted, [parts.piece(*piece) for piece in request.pieces])
    elif isinstance(request, WeightsRequest):
        session.weights(request.cell, parts.keys(request.cell))
    elif isinstance(request, FeaturesRequest):
        keys = parts.keys(request.cell)
        session.features(request.cell, keys, request.view, request.split, request.maps)
    elif isinstance(request, CellRequest):
        session.records(request.cell)


@functools.lru_cache(maxsize=1)
def _session(settings: Settings) -> Session:
    parts = Parts(load_catalogue(), settings.numerics, settings.code)
    return Session(parts, open_store(settings.store), _unwatched, settings.checkpoint_seconds)


def _unwatched(stage: str, done: int, total: int, note: str) -> None:
    """Before the first job nobody watches."""


@contextlib.contextmanager
def _captured(log: io.StringIO, notes: list[str]) -> Iterator[None]:
    """What plugins print goes to the log, and so do warnings; damage is noted for the user."""

    def show(message: Warning | str, category: type[Warning], *_: object) -> None:
        log.write(f"{category.__name__}: {message}\n")
        if issubclass(category, DamageWarning):
            notes.append(str(message))

    with contextlib.redirect_stdout(log), warnings.catch_warnings():
        warnings.simplefilter("always", DamageWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


Work = Callable[[Settings, Job, Watch], Outcome]
