"""Chunks as files: made ahead of the training by other processes, or when they are asked for."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from lensbench.data.whole import replace_by
from lensbench.errors import RunError
from lensbench.execution.processes import call_made, new_processes
from lensbench.pretraining.recipe import Recipe
from lensbench.pretraining.sources import ChunkSource, source_of
from lensbench.store.arrays import write_arrays

_AHEAD = 4
"""Chunks that each process may be ahead of the training."""

_DIGEST = hashlib.sha256().digest_size

_LOOK = 0.01
"""Seconds between two looks for a file."""


class Chunks:
    """Files of chunks in a folder, each a function of its number; those that are there are kept.

    Args:
        source: Makes them in this process.
        folder: Where they are.
        submit: Has a chunk of a number written to a path by another process; none where chunks are
            made when they are asked for.
        processes: How many of these processes there are.
    """

    def __init__(
        self,
        source: ChunkSource,
        folder: Path,
        submit: Callable[[int, Path], Future[None]] | None = None,
        processes: int = 0,
    ) -> None:
        self._source, self._folder = source, folder
        self._submit, self._processes = submit, processes
        self._pending: dict[int, Future[None]] = {}
        self.waited = 0.0
        """Seconds that the training has waited for chunks."""

    def fetch(self, number: int) -> Path:
        """The file of a chunk, made again where what is there is damaged.

        Raises:
            RunError: Where a process that was making it was killed.
        """
        path = self._path(number)
        began = time.perf_counter()
        self._order(number)
        try:
            if number in self._pending:
                self._pending.pop(number).result()
            if not is_whole(path):
                write_chunk(self._source, number, path)
        except BrokenProcessPool as error:
            raise RunError(
                "a process that draws scenes was killed", "repeat the command with --resume"
            ) from error
        self.waited += time.perf_counter() - began
        return path

    def ahead(self, window: range) -> None:
        """Has the chunks of a window made, and some of those that come next."""
        for number in range(window.start, window.stop + _AHEAD * self._processes):
            self._order(number)

    def discard(self, number: int) -> None:
        """Deletes a chunk; it can be made again."""
        self._path(number).unlink(missing_ok=True)

    def _order(self, number: int) -> None:
        path = self._path(number)
        if self._submit is not None and number not in self._pending and not path.exists():
            self._pending[number] = self._submit(number, path)

    def _path(self, number: int) -> Path:
        return path_of(self._folder, number)


class AwaitedChunks:
    """Files of chunks that another process makes and deletes.

    Args:
        folder: Where they come to be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, number: int) -> Path:
        """The file of a chunk, once it is there as a whole."""
        path = path_of(self._folder, number)
        while not is_whole(path):
            time.sleep(_LOOK)
        return path


def path_of(folder: Path, number: int) -> Path:
    """The file of a chunk."""
    return folder / f"chunk-{number:08d}.h5"


@contextlib.contextmanager
def drawing(recipe: Recipe, source: ChunkSource, folder: Path, processes: int) -> Iterator[Chunks]:
    """Chunks of a recipe, with so many processes that make them ahead; the folder goes at the end.

    It stays where the training is stopped.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stray in folder.glob("*.writing"):
        stray.unlink()
    if processes == 0:
        yield Chunks(source, folder)
    else:
        pool = new_processes(processes, 1, _chunk_writer, recipe)

        def submit(number: int, path: Path) -> Future[None]:
            return pool.submit(call_made, number, path)

        try:
            yield Chunks(source, folder, submit, processes)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    shutil.rmtree(folder, ignore_errors=True)


def write_chunk(source: ChunkSource, number: int, path: Path) -> None:
    """Makes a chunk's file, whole or not at all; its SHA-256 stands behind its arrays."""
    temporary = path.with_name(f"{path.stem}-{os.getpid()}-{secrets.token_hex(4)}.writing")
    write_arrays(temporary, source.chunk(number))
    with temporary.open("rb+") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
        file.seek(0, os.SEEK_END)
        file.write(digest)
    replace_by(temporary, path)


def is_whole(path: Path) -> bool:
    """Whether a chunk's file is there and holds what was written."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    return hashlib.sha256(content[:-_DIGEST]).digest() == content[-_DIGEST:]


def _chunk_writer(recipe: Recipe) -> Callable[[int, Path], None]:
    return functools.partial(write_chunk, source_of(recipe))
