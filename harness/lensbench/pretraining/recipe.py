"""What a pretraining at length depends on: plain values, kept beside its result."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lensbench.errors import LensbenchError, UsageError
from lensbench.store.claims import claimed
from lensbench.training.precision import Precision

FILE = "recipe.json"
"""Name of a recipe in the folder of its result."""

LOG = "log.csv"
"""Name of the log, which is there from the first steps on."""

LOCK = ".lock"
"""Name of the file that the process which trains in a folder has locked."""


@dataclass(frozen=True)
class Recipe:
    """All that the weights follow from, on one kind of device.

    Attributes:
        encoder: With its options.
        pretraining: With its options.
        dataset: Whose scenes are drawn; its option `population` is set by `populations`. Or one of
            images, which are taken as they are.
        populations: Scenes of each in turn; none of a dataset of images.
        conditions: Each scene is observed under all of them.
        shards: Files of images made before, in place of scenes drawn; relative names are of the
            folder in which the command was given.
        shards_digest: SHA-256 of their content, or of the images of the dataset.
        steps: Optimiser steps.
        batch_size: Scenes a step.
        learning_rate: Peak rate; the strategy's own where it is zero.
        chunk: Scenes that are drawn in one go, of one population.
        window: Chunks from which batches are drawn.
        uses: How often a scene is taken, on average, before it goes.
        seed: Of scenes, initial weights and all chance.
        device: Where tensors live.
        threads: Of the arithmetic of each process.
        processes: Among which every batch is divided.
        precision: Of the forward pass.
    """

    encoder: str
    pretraining: str
    dataset: str
    populations: tuple[str, ...]
    conditions: tuple[str, ...]
    steps: int
    batch_size: int
    shards: tuple[str, ...] = ()
    shards_digest: str = ""
    learning_rate: float = 0.0
    chunk: int = 64
    window: int = 64
    uses: float = 8.0
    seed: int = 0
    device: str = "cpu"
    threads: int = 1
    processes: int = 1
    precision: Precision = "fp32"

    def __post_init__(self) -> None:
        least = {"steps": 1, "batch_size": 1, "chunk": 1, "window": 1, "processes": 1}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise UsageError(f"{name} is {getattr(self, name)}, expected {bound} or more")
        if self.batch_size < self.processes:
            raise UsageError(
                f"a batch of {self.batch_size} cannot be divided among {self.processes} processes",
                "raise --batch-size",
            )
        if self.uses <= 0:
            raise UsageError(f"uses is {self.uses}, expected a positive number")
        if not self.conditions:
            raise UsageError("no condition to pretrain under", "name one with --conditions")

    @property
    def digest(self) -> str:
        """Of all fields."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def text(self) -> str:
        """As JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True)

    @contextlib.contextmanager
    def kept(self, folder: Path, resume: bool) -> Iterator[None]:
        """Holds a folder for a training by this recipe, new or to be resumed.

        To resume what is not there yet is to begin, so that a scheduler can repeat its command.
        Where the training is refused before its first step, a new folder is left as it was.

        Raises:
            UsageError: Where another process trains in the folder, or it holds another recipe, or
                this one and is not to be resumed.
        """
        with _locked(folder):
            new = not (folder / FILE).exists()
            self.keep(folder, resume)
            try:
                yield
            except LensbenchError as error:
                begun = any((folder / name).exists() for name in ("checkpoints", LOG))
                if error.exit_code == 2 and new and not begun:
                    _clear(folder)
                raise
            except KeyboardInterrupt:
                raise KeyboardInterrupt("the same command with --resume goes on") from None

    def keep(self, folder: Path, resume: bool) -> None:
        """Writes this recipe into a folder, or finds it there.

        Raises:
            UsageError: Where it holds another recipe, or this one and is not to be resumed.
        """
        file = folder / FILE
        if not file.exists():
            if folder.exists() and any(path.name != LOCK for path in folder.iterdir()):
                raise UsageError(
                    f"{str(folder)!r} is not empty and holds no pretraining", "name a new folder"
                )
            _write(file, self.text())
            return
        if not resume:
            raise UsageError(
                f"{str(folder)!r} holds a pretraining", "add --resume to go on, or name another"
            )
        known = {field.name: field.default for field in dataclasses.fields(self)}
        before = known | _read(file)  # of an earlier version, without what was not known then
        now = json.loads(self.text())
        for name in sorted({*before, *now}):
            if before.get(name) != now.get(name):
                raise UsageError(
                    f"{str(folder)!r} holds a pretraining with {name}={before.get(name)!r}, "
                    f"asked for is {now.get(name)!r}",
                    "repeat its command, or name another folder",
                )


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Locks a folder against other processes; one that was made for it and stays empty goes.

    Raises:
        UsageError: Where another process has locked it, or it cannot be written.
    """
    there = folder.exists()
    with contextlib.ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not there:
                held.callback(_remove_empty, folder)
            held.enter_context(claimed(folder / LOCK, wait=False))
        except BlockingIOError:
            raise UsageError(
                f"another process is pretraining in {str(folder)!r}",
                "wait until it ends, or name another folder with --out",
            ) from None
        except OSError as error:
            raise UsageError(
                f"{str(folder)!r} cannot be written: {error.strerror}", "name another with --out"
            ) from error
        yield


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _clear(folder: Path) -> None:
    """Removes all in a folder but its lock."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return dict(found)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{str(file)!r} cannot be read: {error}", "name another folder") from None


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(".writing")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
    except OSError as error:
        raise UsageError(f"{str(file)!r} cannot be written: {error}", "name another") from error
