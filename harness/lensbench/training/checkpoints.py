"""Checkpoints on disk, from which a training that was stopped goes on."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pickle
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from lensbench.api.checkpoint import State
from lensbench.errors import RunError
from lensbench.store.artefacts import DamageWarning

_DIGEST = hashlib.sha256().digest_size


class CheckpointWarning(DamageWarning):
    """A checkpoint could not be used, so the training began anew."""


@contextlib.contextmanager
def keeping(folder: Path, every: float) -> Iterator[Checkpoints]:
    """Checkpoints of the trainings behind one artefact.

    The folder is removed at the end of the block unless an error left it, so the artefact should
    be stored inside the block.

    Args:
        folder: Folder of the checkpoints.
        every: Seconds between two checkpoints of a training.
    """
    yield Checkpoints(folder, every)
    shutil.rmtree(folder, ignore_errors=True)


class Checkpoints:
    """A checkpoint for each training behind one artefact.

    Args:
        folder: Folder of the files.
        every: Seconds between two checkpoints of a training.
    """

    def __init__(self, folder: Path, every: float) -> None:
        self._folder, self._every = folder, every
        self._names: set[str] = set()

    def named(self, training: str) -> StoredCheckpoint:
        """The checkpoint of a training.

        Raises:
            ValueError: If a training of this name has one already: the second would go on from
                the state of the first.
        """
        if training in self._names:
            raise ValueError(f"two trainings are named {training!r}: give each its own name")
        self._names.add(training)
        return StoredCheckpoint(self._folder / f"{training}.pt", self._every)


class StoredCheckpoint:
    """The latest state of one training, in a file that is replaced as a whole."""

    def __init__(self, path: Path, every: float) -> None:
        self.path = path
        self._every = every
        self._written = time.monotonic()

    def read(self, mark: str) -> State | None:
        """The state of a training with this mark; `None` where there is none that can be used.

        Raises:
            RunError: If the file can be neither read nor replaced.
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
            f"checkpoint {name} cannot be used, {reason}; training starts again",
            CheckpointWarning,
            stacklevel=2,
        )
        return None

    def unusable(self, reason: str) -> RunError:
        """The error of a checkpoint that a training can neither use nor pass over."""
        return RunError(
            f"checkpoint {str(self.path)!r} cannot be used: {reason}",
            "remove it; the training then starts again",
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
