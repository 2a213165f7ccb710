"""A worker: computes one job after another, under any executor."""

from __future__ import annotations

import contextlib
import functools
import io
import time
import traceback
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch

from lensbench.cells.code import Asked, CodeDigest
from lensbench.cells.computation import Computation, Workplace
from lensbench.cells.resolved import Resolver
from lensbench.errors import LensbenchError, no_room
from lensbench.files import StageReport
from lensbench.registry import Catalogue, load_catalogue
from lensbench.store import Store, open_store
from lensbench.store.artefacts import DamageWarning
from lensbench.study.describe import Numerics
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
        code: Digests of what computes them, as they stand in the plan's keys.
        checkpoint_seconds: Between the checkpoints of a training.
        sweep: Differs from sweep to sweep. A process keeps resolver and store for the jobs of one
            sweep; the next sweep reads and checks the files of the store again.
    """

    store: str
    numerics: Numerics
    code: Mapping[Asked, CodeDigest]
    checkpoint_seconds: float = 60.0
    sweep: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __hash__(self) -> int:
        return hash(self.sweep)


def work(settings: Settings, job: Job, watch: StageReport) -> Outcome:
    """Computes one job; a fault of a plugin is a failed outcome with its error and log."""
    log = io.StringIO()
    start = time.perf_counter()
    error, state = "", "done"
    notes: list[str] = []
    with _captured(log, notes):
        try:
            torch.set_num_threads(settings.numerics.threads)
            compute(settings, job, watch)
        except (Exception, SystemExit) as fault:  # plugins may raise anything
            full = no_room(fault, settings.store if isinstance(fault, OSError) else "")
            state = "no room" if full else "failed"
            error = full.message if full else _one_line(fault)
            traceback.print_exc(file=log)
    return Outcome(job.key, state, error, time.perf_counter() - start, log.getvalue(), tuple(notes))


def _one_line(fault: BaseException) -> str:
    """A fault in one line."""
    if isinstance(fault, LensbenchError):
        return fault.message
    name, text = type(fault).__name__, str(fault).strip()
    line = f"{name}: {text.splitlines()[0]}" if text else name
    full = isinstance(fault, MemoryError) or "can't allocate memory" in text
    return f"out of memory: {line}" if full else line


def compute(settings: Settings, job: Job, watch: StageReport) -> None:
    """Computes the artefacts of a job."""
    resolver, store = _resolver(settings, load_catalogue())
    place = Workplace(store, settings.numerics, watch, settings.checkpoint_seconds)
    request = job.request
    if isinstance(request, ImagesRequest):
        scenes = resolver.scenes(request.dataset, request.split, request.count, request.seed)
        place.make_images(scenes, [resolver.layer(scenes, *layer) for layer in request.layers])
        return
    cell = resolver.resolve(request.cell)
    computation = Computation(cell, place)
    if isinstance(request, WeightsRequest):
        computation.encoder()
    elif isinstance(request, FeaturesRequest):
        what = (request.view, request.split)
        computation.features(next(seen for seen in cell if (seen.view, seen.split) == what))
    elif isinstance(request, CellRequest):
        computation.records()


@functools.lru_cache(maxsize=1)
def _resolver(settings: Settings, catalogue: Catalogue) -> tuple[Resolver, Store]:
    """The resolver and the store, which a process keeps for all jobs of a sweep."""
    resolver = Resolver(catalogue, settings.numerics, settings.code)
    return resolver, open_store(settings.store)


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


Work = Callable[[Settings, Job, StageReport], Outcome]
