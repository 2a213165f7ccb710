"""Checkpoints: a training that was stopped, however, goes on where it last wrote one."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pickle
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch

from lensbench.errors import RunError
from lensbench.store.artefacts import DamageWarning

State = Mapping[str, Any]

_DIGEST = hashlib.sha256().digest_size
_ACTIVE: ContextVar[_Folder | None] = ContextVar("checkpoints", default=None)


class CheckpointWarning(DamageWarning):
    """A checkpoint could not be used, so the training began anew."""


@contextlib.contextmanager
def keeping(folder: Path, every: float) -> Iterator[None]:
    """Training loops inside write checkpoints and go on from them.

    Loops are told apart by their order. The folder goes when all was done, so what is made of
    the trained should be stored inside.

    Args:
        folder: Of the checkpoints of one artefact.
        every: Seconds between two.
    """
    token = _ACTIVE.set(_Folder(folder, every))
    try:
        yield
    finally:
        _ACTIVE.reset(token)
    shutil.rmtree(folder, ignore_errors=True)


def next_checkpoint() -> Checkpoint | None:
    """The checkpoint of the next loop of what is being kept; `None` where nothing is."""
    folder = _ACTIVE.get()
    return folder.next() if folder else None


class _Folder:
    """Checkpoints of the loops of one artefact."""

    def __init__(self, path: Path, every: float) -> None:
        self.path = path
        self.every = every
        self.loops = 0

    def next(self) -> Checkpoint:
        self.loops += 1
        return Checkpoint(self.path / f"{self.loops}.pt", self.every)


class Checkpoint:
    """The latest state of one loop, in a file that is replaced as a whole."""

    def __init__(self, path: Path, every: float) -> None:
        self.path = path
        self._every = every
        self._written = time.monotonic()

    def read(self, mark: str) -> State | None:
        """The state of a loop of this mark; `None` where there is none that can be used.

        Raises:
            RunError: Where what stands in the checkpoint's place can be neither read nor replaced.
        """
        try:
            content = self.path.read_bytes()
            digest, content = content[:_DIGEST], content[_DIGEST:]
            if hashlib.sha256(content).digest() != digest:  # torch checks no sums
                raise ValueError("it is damaged")
            state: State = torch.load(io.BytesIO(content), weights_only=True)
            if state["mark"] == mark:
                return state
            reason = "it is of another training"
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.unusable(error.strerror or str(error)) from None
        except ValueError as error:
            reason = str(error).splitlines()[0]
        except (RuntimeError, KeyError, TypeError, EOFError) as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
        except pickle.UnpicklingError:
            reason = "it is damaged"
        name = f"{self.path.parent.name}/{self.path.name}"
        warnings.warn(
            f"checkpoint {name} cannot be used, {reason}; training begins anew",
            CheckpointWarning,
            stacklevel=2,
        )
        return None

    def unusable(self, reason: str) -> RunError:
        """The error of a checkpoint that a training can neither use nor pass over."""
        return RunError(
            f"checkpoint {str(self.path)!r} cannot be used: {reason}",
            "remove it; the training then begins anew",
        )

    def due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() - self._written >= self._every

    def write(self, state: Callable[[], State]) -> None:
        """Replaces the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".new")
        buffer = io.BytesIO()
        torch.save(dict(state()), buffer)
        with temporary.open("wb") as file:
            file.write(hashlib.sha256(buffer.getbuffer()).digest())
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)
        self._written = time.monotonic()
